//! The exponential function in binary32 (M-2.1).

use super::polynomial::horner32;
use crate::arithmetic::{Real32, canonical};

/// -104: `exp` of it and of everything below rounds to +0.
const LOWEST: u32 = 0xC2D0_0000;
/// 89: `exp` of it and of everything above rounds to infinity.
const HIGHEST: u32 = 0x42B2_0000;

/// `1 / ln 2`.
const LOG2_E: u32 = 0x3FB8_AA3B;
/// 1.5 * 2^23 + 254: adding it rounds to an integer, which then stands, 254 too great, in the lowest bits. Twice 127
/// is twice the exponent field's bias, so that each half of the integer comes out as a field.
const ROUNDER: u32 = 0x4B40_00FE;
/// `-ln 2` rounded to binary32, and the rest of it.
const MINUS_LN_2: [u32; 2] = [0xBF31_7218, 0x3102_E308];

/// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`: a minimax fit of degree 4 in the relative error of `e^r`, which it
/// bounds by 2^-28.
pub(super) const COEFFICIENTS: [u32; 5] = [0x3EFF_FFFE, 0x3E2A_AA49, 0x3D2A_AC79, 0x3C09_1CF1, 0x3AB5_121A];

/// `e^r` for `|r| <= ln 2 / 2`: 1, 1, and the fit.
const POLYNOMIAL: [u32; 7] = {
    let [c2, c3, c4, c5, c6] = COEFFICIENTS;
    [0x3F80_0000, 0x3F80_0000, c2, c3, c4, c5, c6]
};

/// `e^x`, within 1 ULP (M-2.1).
#[inline(always)]
pub fn exp<F: Real32>(x: F) -> F {
    // The selects are written so that a NaN passes through both.
    let lowest = F::from_bits(LOWEST);
    let highest = F::from_bits(HIGHEST);
    let x = if x.less(lowest) { lowest } else { x };
    let x = if highest.less(x) { highest } else { x };
    let (shifted, r) = reduced(x, ROUNDER);
    let y = horner32(r, &POLYNOMIAL);
    // 2^n in two factors, since n reaches past both ends of the exponents; only the second product can round.
    let half = shifted >> 1;
    let [low, high] = [half, shifted.wrapping_sub(half)].map(|field| F::from_bits(field << 23));
    F::from_bits(canonical((y * low) * high))
}

/// The bits of `n` plus the rounder, and `r`, with `x = n * ln 2 + r`, for `|x| <= 104` (M-2.1).
#[inline(always)]
pub(super) fn reduced<F: Real32>(x: F, rounder: u32) -> (u32, F) {
    let rounder = F::from_bits(rounder);
    let shifted = x.fma(F::from_bits(LOG2_E), rounder);
    let n = shifted - rounder;
    // The first step is exact: n has 8 bits and the rounded ln 2 has 21; what is left is below 1/2, in units of 2^-25.
    let r = n.fma(F::from_bits(MINUS_LN_2[0]), x);
    (shifted.to_bits(), n.fma(F::from_bits(MINUS_LN_2[1]), r))
}
