//! Horner's rule, the one way that a polynomial is evaluated here (M-2.1 to M-2.8).

use crate::arithmetic::{Real32, Real64};

/// `c[0] + x*c[1] + x^2*c[2] + ...` from the highest coefficient down, one fma each.
///
/// The length is a constant, so the loop unrolls into straight-line code.
#[inline(always)]
pub(super) fn horner<W: Real64, const N: usize>(x: W, coefficients: &[u64; N]) -> W {
    let mut value = W::from_bits(coefficients[N - 1]);
    for degree in (0..N - 1).rev() {
        value = value.fma(x, W::from_bits(coefficients[degree]));
    }
    value
}

/// [`horner`] in binary32.
#[inline(always)]
pub(super) fn horner32<F: Real32, const N: usize>(x: F, coefficients: &[u32; N]) -> F {
    let mut value = F::from_bits(coefficients[N - 1]);
    for degree in (0..N - 1).rev() {
        value = value.fma(x, F::from_bits(coefficients[degree]));
    }
    value
}
