//! The hyperbolic tangent (M-2.3).

use super::exp::expm1_parts;
use crate::arithmetic::{Real32, Real64, canonical};

/// 16: `tanh` of it and of everything above rounds to 1.
const HIGHEST: u32 = 0x4180_0000;
const SIGN: u32 = 0x8000_0000;
const ONE: u64 = 0x3FF0_0000_0000_0000;
const TWO: u64 = 0x4000_0000_0000_0000;

/// `tanh x`, within 2 ULP; that of -0 is -0 (M-2.3).
#[inline(always)]
pub fn tanh<F: Real32>(x: F) -> F {
    let sign = x.to_bits() & SIGN;
    let magnitude = F::from_bits(x.to_bits() & !SIGN);
    // Written so that a NaN passes through.
    let highest = F::from_bits(HIGHEST);
    let magnitude = if highest.less(magnitude) { highest } else { magnitude };
    let wide = magnitude.widen();
    let (scale, rest) = expm1_parts(wide + wide);
    // e^(2|x|) - 1, without cancellation where |x| is small: there the scale is 1.
    let expm1 = scale.fma(rest, scale - F::Wide::from_bits(ONE));
    let value = (expm1 / (expm1 + F::Wide::from_bits(TWO))).narrow();
    F::from_bits(canonical(F::from_bits(value.to_bits() | sign)))
}
