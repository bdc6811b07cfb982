//! The multiply-add chain behind matrix products and dot products (M-3.3).

use super::{Arguments, Term};
use crate::arithmetic::Real32;

/// accumulator = fma(a, b, accumulator).
pub struct MultiplyAdd;
impl Term for MultiplyAdd {
    #[inline(always)]
    fn next<F: Real32>(accumulator: F, a: Arguments<F>) -> F {
        a.x[0].fma(a.x[1], accumulator)
    }
}
