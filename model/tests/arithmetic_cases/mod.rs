//! Operands worth trying, and what every operation makes of them in either body (M-1.5).
#![allow(dead_code, reason = "each test and the example use a part")]

pub mod chain;
pub mod grid;
pub mod sweep;

use retrace_model::arithmetic::{Real32, Real64, canonical};
use retrace_model::soft::{Soft32, Soft64};

/// Steele, Lea and Flood's splitmix64.
pub struct Generator(pub u64);

/// Zero, both ends of the subnormals, both ends of the normals, around 1, infinity, and three NaNs.
const SINGLES: [u32; 14] = [
    0,
    1,
    2,
    0x007F_FFFF,
    0x0080_0000,
    0x0080_0001,
    0x3F7F_FFFF,
    0x3F80_0000,
    0x3F80_0001,
    0x7F7F_FFFF,
    0x7F80_0000,
    0x7F80_0001,
    0x7FC0_0000,
    0x7FFF_FFFF,
];

/// The same in binary64, and around the ends of binary32.
const DOUBLES: [u64; 21] = [
    0,
    1,
    2,
    0x000F_FFFF_FFFF_FFFF,
    0x0010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x3FEF_FFFF_FFFF_FFFF,
    0x3FF0_0000_0000_0000,
    0x3FF0_0000_0000_0001,
    0x7FEF_FFFF_FFFF_FFFF,
    0x7FF0_0000_0000_0000,
    0x7FF0_0000_0000_0001,
    0x7FF8_0000_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0x3690_0000_0000_0000,
    0x3690_0000_0000_0001,
    0x36A0_0000_0000_0000,
    0x380F_FFFF_E000_0000,
    0x3810_0000_0000_0000,
    0x47EF_FFFF_EFFF_FFFF,
    0x47EF_FFFF_F000_0000,
];

impl Generator {
    /// The next 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Bits of a binary32: random, with a mantissa of few bits, or special.
    pub fn single(&mut self) -> u32 {
        let random = self.next();
        let sign = (random >> 63 << 31) as u32;
        match self.below(8) {
            0 => SINGLES[self.below(SINGLES.len() as u64) as usize] | sign,
            1 => random as u32 & (0xFF80_0000 | 1 << self.below(23)),
            2 => random as u32 | (0x007F_FFFF >> self.below(23)),
            _ => random as u32,
        }
    }

    /// Bits of a binary64: random, special, of few bits, or near a tie of binary32.
    pub fn double(&mut self) -> u64 {
        let random = self.next();
        let sign = random & (1 << 63);
        match self.below(8) {
            0 => DOUBLES[self.below(DOUBLES.len() as u64) as usize] | sign,
            1 => random & (0xFFF0_0000_0000_0000 | 1 << self.below(52)),
            2 => random | (0x000F_FFFF_FFFF_FFFF >> self.below(52)),
            3 | 4 => self.near_single_tie(),
            _ => random,
        }
    }

    /// A binary64 within one bit of a tie between binary32 numbers, subnormal ones included.
    fn near_single_tie(&mut self) -> u64 {
        let random = self.next();
        // From far below the subnormals (2^-160) to just above the largest binary32.
        let field = 1023 - 160 + self.below(160 + 130);
        let sign = random & (1 << 63);
        let tie_bit = 28 + 1023_u64.saturating_sub(126 + field).min(24);
        let high = random & (0x000F_FFFF_FFFF_FFFF << tie_bit) & 0x000F_FFFF_FFFF_FFFF;
        let bits = sign | field << 52 | high | 1 << tie_bit.min(51);
        bits.wrapping_add(self.below(3)).wrapping_sub(1)
    }
}

/// The operations of [`single_outcomes`], in order.
pub const SINGLE_OPERATIONS: [&str; 9] = ["+", "-", "*", "/", "fma", "sqrt", "<", "is_nan", "widen"];

/// Every binary32 operation on these operands, NaNs made canonical.
pub fn single_outcomes<F: Real32>(a: u32, b: u32, c: u32) -> [u64; 9] {
    let [a, b, c] = [a, b, c].map(F::from_bits);
    let bits = |x: F| u64::from(canonical(x));
    [
        bits(a + b),
        bits(a - b),
        bits(a * b),
        bits(a / b),
        bits(a.fma(b, c)),
        bits(a.sqrt()),
        u64::from(a.less(b)),
        u64::from(a.is_nan()),
        canonical_double(a.widen()),
    ]
}

/// The operations of [`double_outcomes`], in order.
pub const DOUBLE_OPERATIONS: [&str; 8] = ["+", "-", "*", "/", "fma", "sqrt", "<", "narrow"];

/// Every binary64 operation on these operands, NaNs made canonical.
pub fn double_outcomes<W: Real64>(a: u64, b: u64, c: u64) -> [u64; 8] {
    let [a, b, c] = [a, b, c].map(W::from_bits);
    [
        canonical_double(a + b),
        canonical_double(a - b),
        canonical_double(a * b),
        canonical_double(a / b),
        canonical_double(a.fma(b, c)),
        canonical_double(a.sqrt()),
        u64::from(a.less(b)),
        u64::from(canonical(a.narrow())),
    ]
}

fn canonical_double<W: Real64>(x: W) -> u64 {
    let bits = x.to_bits();
    if bits << 1 > 0xFFE0_0000_0000_0000 { 0x7FF8_0000_0000_0000 } else { bits }
}

/// The first binary32 operation on which hardware and integers disagree.
pub fn single_difference(a: u32, b: u32, c: u32) -> Option<String> {
    let hardware = single_outcomes::<f32>(a, b, c);
    let soft = single_outcomes::<Soft32>(a, b, c);
    let at = (0..hardware.len()).find(|&i| hardware[i] != soft[i])?;
    let (name, hard, soft) = (SINGLE_OPERATIONS[at], hardware[at], soft[at]);
    Some(format!("binary32 {name} of {a:08x} {b:08x} {c:08x}: hardware {hard:x}, soft {soft:x}"))
}

/// The first binary64 operation on which hardware and integers disagree.
pub fn double_difference(a: u64, b: u64, c: u64) -> Option<String> {
    let hardware = double_outcomes::<f64>(a, b, c);
    let soft = double_outcomes::<Soft64>(a, b, c);
    let at = (0..hardware.len()).find(|&i| hardware[i] != soft[i])?;
    let (name, hard, soft) = (DOUBLE_OPERATIONS[at], hardware[at], soft[at]);
    Some(format!("binary64 {name} of {a:016x} {b:016x} {c:016x}: hardware {hard:x}, soft {soft:x}"))
}

/// One drawn case in both widths, half of them with an addend that nearly cancels the product.
pub fn random_difference(draw: &mut Generator) -> Option<String> {
    let (a, b) = (draw.single(), draw.single());
    let c = if draw.next() & 1 == 0 {
        draw.single()
    } else {
        let product = (f32::from_bits(a) * f32::from_bits(b)).to_bits() ^ 1 << 31;
        product.wrapping_add(draw.below(5) as u32).wrapping_sub(2)
    };
    single_difference(a, b, c).or_else(|| random_double_difference(draw))
}

fn random_double_difference(draw: &mut Generator) -> Option<String> {
    let (a, b) = (draw.double(), draw.double());
    let c = if draw.next() & 1 == 0 {
        draw.double()
    } else {
        let product = (f64::from_bits(a) * f64::from_bits(b)).to_bits() ^ 1 << 63;
        product.wrapping_add(draw.below(5)).wrapping_sub(2)
    };
    double_difference(a, b, c)
}
