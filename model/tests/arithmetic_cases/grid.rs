//! Every pair and every triple of exponents, with the mantissas at the ends and in between and with both signs (M-1.1,
//! M-1.2).

use super::{Generator, double_difference, single_difference};
use retrace_model::arithmetic::{Real32, canonical};
use retrace_model::soft::Soft32;

/// Both ends, both sides of the middle, and every other bit.
const MANTISSAS: [u32; 6] = [0, 1, 0x003F_FFFF, 0x0040_0000, 0x0055_5555, 0x007F_FFFF];
/// The same in binary64, and the last place of binary32 with its half.
const WIDE_MANTISSAS: [u64; 8] =
    [0, 1, (1 << 51) - 1, 1 << 51, 0x5_5555_5555_5555, (1 << 52) - 1, 0xF_FFFF_E000_0000, 0xF_FFFF_F000_0000];
/// Pairs of mantissas with pairs of signs.
pub const CASES_OF_A_PAIR: u32 = (MANTISSAS.len() * MANTISSAS.len() * 4) as u32;
/// Cases of each pair of binary64 exponents: its four pairs of signs.
pub const CASES_OF_A_WIDE_PAIR: u32 = 4;
/// Cases of each triple of exponents: its eight triples of signs.
pub const CASES_OF_A_TRIPLE: u32 = 8;

fn one_of<T: Copy>(list: &[T], draw: u64) -> T {
    list[(draw % list.len() as u64) as usize]
}

/// All binary32 operations on one pair of exponent fields: every `stride`-th of its cases from a drawn one on, all of
/// them when `stride` is 1. The addend's exponent is near the product's, where the alignment of fma is tightest.
pub fn pair_difference(high: u32, low: u32, stride: u32, draw: &mut Generator) -> Option<String> {
    let first = draw.below(u64::from(stride)) as u32;
    for step in 0..CASES_OF_A_PAIR.div_ceil(stride) {
        let case = (first + step * stride) % CASES_OF_A_PAIR;
        let (signs, mantissas) = (case % 4, case / 4);
        let count = MANTISSAS.len() as u32;
        let a = high << 23 | MANTISSAS[(mantissas / count) as usize] | (signs & 1) << 31;
        let b = low << 23 | MANTISSAS[(mantissas % count) as usize] | (signs & 2) << 30;
        let random = draw.next();
        let field = (high + low + (random >> 40) as u32 % 64).saturating_sub(127 + 32).min(255);
        let c = field << 23 | random as u32 & 0x807F_FFFF;
        if let Some(difference) = single_difference(a, b, c) {
            return Some(difference);
        }
    }
    None
}

/// All binary64 operations on one pair of exponent fields: every pair of signs, drawn mantissas.
pub fn wide_pair_difference(high: u64, low: u64, draw: &mut Generator) -> Option<String> {
    (0..u64::from(CASES_OF_A_WIDE_PAIR)).find_map(|signs| {
        let random = draw.next();
        let a = high << 52 | one_of(&WIDE_MANTISSAS, random) | (signs & 1) << 63;
        let b = low << 52 | one_of(&WIDE_MANTISSAS, random >> 8) | (signs & 2) << 62;
        let field = (high + low + (random >> 16) % 128).saturating_sub(1023 + 64).min(2047);
        let c = field << 52 | draw.next() & 0x800F_FFFF_FFFF_FFFF;
        double_difference(a, b, c)
    })
}

/// fma on one triple of exponent fields: every triple of signs, drawn mantissas.
pub fn triple_difference(fields: [u32; 3], draw: &mut Generator) -> Option<String> {
    (0..CASES_OF_A_TRIPLE).find_map(|signs| {
        let random = draw.next();
        let mut at = 0;
        let [a, b, c] = fields.map(|field| {
            let mantissa = one_of(&MANTISSAS, random >> (8 * at));
            at += 1;
            field << 23 | mantissa | (signs >> (at - 1) & 1) << 31
        });
        fma_difference(a, b, c)
    })
}

fn fma_difference(a: u32, b: u32, c: u32) -> Option<String> {
    let hardware = canonical(f32::from_bits(a).mul_add(f32::from_bits(b), f32::from_bits(c)));
    let [x, y, z] = [a, b, c].map(Soft32::from_bits);
    let soft = canonical(x.fma(y, z));
    (hardware != soft)
        .then(|| format!("binary32 fma of {a:08x} {b:08x} {c:08x}: hardware {hardware:x}, soft {soft:x}"))
}
