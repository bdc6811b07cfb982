//! Sine and cosine of an angle up to 2^16 in size (M-2.7).

use super::cos::{COS_COEFFICIENTS, SIN_COEFFICIENTS};
use super::polynomial::horner;
use crate::arithmetic::{CANONICAL_NAN, Real32, Real64, canonical};

/// 2^16: beyond it no angle is defined.
const LARGEST: u32 = 0x4780_0000;
const SIGN: u32 = 0x8000_0000;

/// `2 / pi`.
const QUARTERS: u64 = 0x3FE4_5F30_6DC9_C883;
/// 1.5 * 2^52: adding it rounds to an integer, which then stands in the lowest bits.
const ROUNDER: u64 = 0x4338_0000_0000_0000;
/// `-pi / 2` rounded to binary64, and the rest of it.
const MINUS_QUARTER_TURN: [u64; 2] = [0xBFF9_21FB_5444_2D18, 0xBC91_A626_3314_5C07];

/// `sin x` for `|x| <= 2^16`, within 1 ULP; the canonical NaN beyond; that of -0 is -0 (M-2.7).
#[inline(always)]
pub fn sin<F: Real32>(x: F) -> F {
    rotated(x, 0)
}

/// `cos x` for `|x| <= 2^16`, within 1 ULP; the canonical NaN beyond (M-2.7).
#[inline(always)]
pub fn cos<F: Real32>(x: F) -> F {
    rotated(x, 1)
}

/// `sin(x + quarters * pi / 2)`.
#[inline(always)]
fn rotated<F: Real32>(x: F, quarters: u64) -> F {
    let wide = x.widen();
    let rounder = F::Wide::from_bits(ROUNDER);
    let shifted = wide.fma(F::Wide::from_bits(QUARTERS), rounder);
    let n = shifted - rounder;
    // The first step is exact: n has at most 16 bits, and what is left is below 1 with the last place of pi / 2.
    let r = n.fma(F::Wide::from_bits(MINUS_QUARTER_TURN[0]), wide);
    let r = n.fma(F::Wide::from_bits(MINUS_QUARTER_TURN[1]), r);
    let square = r * r;
    let sin = r * horner(square, &SIN_COEFFICIENTS);
    let cos = horner(square, &COS_COEFFICIENTS);
    // The lowest bits of `shifted` are n in two's complement: its quarter says which, and with which sign.
    let quarter = shifted.to_bits().wrapping_add(quarters);
    let value = if quarter & 1 == 0 { sin } else { cos };
    let value = value.narrow().to_bits() ^ ((quarter as u32) << 30 & SIGN);
    let magnitude = F::from_bits(x.to_bits() & !SIGN);
    let beyond = F::from_bits(LARGEST).less(magnitude);
    F::from_bits(if beyond { CANONICAL_NAN } else { canonical(F::from_bits(value)) })
}
