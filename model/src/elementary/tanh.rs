//! The hyperbolic tangent (M-2.3).

use super::exp::{COEFFICIENTS, reduced};
use super::polynomial::horner32;
use crate::arithmetic::{Real32, canonical};

/// 10: `tanh` of it and of everything above rounds to 1.
const HIGHEST: u32 = 0x4120_0000;
const SIGN: u32 = 0x8000_0000;
const HALF: u32 = 0x3F00_0000;
const ONE: u32 = 0x3F80_0000;
/// 1.5 * 2^23 + 126: as for `exp`, one below the exponent field's bias, so that 2^n / 2 comes out.
const ROUNDER: u32 = 0x4B40_007E;

/// `tanh x`, within 2 ULP; that of -0 is -0 (M-2.3).
#[inline(always)]
pub fn tanh<F: Real32>(x: F) -> F {
    let sign = x.to_bits() & SIGN;
    let magnitude = F::from_bits(x.to_bits() & !SIGN);
    // Written so that a NaN passes through.
    let highest = F::from_bits(HIGHEST);
    let magnitude = if highest.less(magnitude) { highest } else { magnitude };
    let (shifted, r) = reduced(magnitude + magnitude, ROUNDER);
    let scale = F::from_bits(shifted << 23);
    let half = F::from_bits(HALF);
    // w = (e^(2|x|) - 1) / 2, of which r * 2^n / 2 is kept apart: without cancellation where |x| is small.
    let bent = ((r * r) * scale).fma(horner32(r, &COEFFICIENTS), scale.fma(r, scale - half));
    let ratio = bent / (bent + F::from_bits(ONE));
    // tanh is w / (w + 1), and w - w * w / (w + 1), where a small w hides the roundings of the quotient.
    let small = F::from_bits(ratio.to_bits() ^ SIGN).fma(bent, bent);
    let value = if bent.less(half) { small } else { ratio };
    F::from_bits(canonical(F::from_bits(value.to_bits() | sign)))
}
