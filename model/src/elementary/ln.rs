//! The natural logarithm (M-2.2).

use super::polynomial::horner;
use crate::arithmetic::{CANONICAL_NAN, Real32, Real64, canonical};

const INFINITY: u32 = 0x7F80_0000;
const MINUS_INFINITY: u32 = 0xFF80_0000;

/// The binary64 number 1.
const ONE: u64 = 0x3FF0_0000_0000_0000;
/// The binary64 number nearest to the square root of 1/2.
const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
/// The mantissa field of binary64.
const MANTISSA: u64 = 0x000F_FFFF_FFFF_FFFF;
/// 2^52: an integer below 2^52 in its mantissa field adds exactly that integer.
const TWO_52: u64 = 0x4330_0000_0000_0000;
/// 2^52 + 1023.
const TWO_52_AND_BIAS: u64 = 0x4330_0000_0000_03FF;
/// `ln 2` rounded to binary64, and the rest of it.
const LN_2: [u64; 2] = [0x3FE6_2E42_FEFA_39EF, 0x3C7A_BC9E_3B39_803F];

/// `atanh(s) / s` in powers of `s^2`: the coefficient of `s^2k` is `1 / (2k + 1)`.
const COEFFICIENTS: [u64; 10] = [
    0x3FF0_0000_0000_0000,
    0x3FD5_5555_5555_5555,
    0x3FC9_9999_9999_999A,
    0x3FC2_4924_9249_2492,
    0x3FBC_71C7_1C71_C71C,
    0x3FB7_45D1_745D_1746,
    0x3FB3_B13B_13B1_3B14,
    0x3FB1_1111_1111_1111,
    0x3FAE_1E1E_1E1E_1E1E,
    0x3FAA_F286_BCA1_AF28,
];

/// The natural logarithm, within 1 ULP; that of either zero is minus infinity (M-2.2).
#[inline(always)]
pub fn ln<F: Real32>(x: F) -> F {
    let bits = x.to_bits();
    let value = canonical(ln64(x.widen()).narrow());
    // What the sequence makes of other operands is replaced; above infinity lie NaNs and negatives.
    let value = if bits == INFINITY { INFINITY } else { value };
    let value = if bits > INFINITY { CANONICAL_NAN } else { value };
    let value = if bits << 1 == 0 { MINUS_INFINITY } else { value };
    F::from_bits(value)
}

/// `ln w` for a finite normal `w > 0`: with `w = m * 2^e`, `e * ln 2 + 2 * atanh((m - 1) / (m + 1))` (M-2.2,
/// M-2.8).
#[inline(always)]
pub(crate) fn ln64<W: Real64>(w: W) -> W {
    // Moving the root of 1/2 to 1 puts e, biased, in the exponent field, and m - ROOT_HALF below it.
    let moved = w.to_bits().wrapping_add(ONE - ROOT_HALF);
    let m = W::from_bits((moved & MANTISSA) + ROOT_HALF);
    let e = W::from_bits(TWO_52 | (moved >> 52)) - W::from_bits(TWO_52_AND_BIAS);
    let one = W::from_bits(ONE);
    let s = (m - one) / (m + one);
    let ln_m = (s + s) * horner(s * s, &COEFFICIENTS);
    e.fma(W::from_bits(LN_2[0]), e.fma(W::from_bits(LN_2[1]), ln_m))
}
