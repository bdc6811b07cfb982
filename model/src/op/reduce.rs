//! Sums and maxima along rows (16 lanes) and down columns (one chain) (M-3.4).

use super::{Arguments, Term};
use crate::arithmetic::Real32;

/// accumulator + a.
pub struct Sum;
impl Term for Sum {
    #[inline(always)]
    fn next<F: Real32>(accumulator: F, a: Arguments<F>) -> F {
        accumulator + a.x[0]
    }
}

/// The larger of accumulator and a; a tie or a NaN keeps the accumulator, so -0 and +0 need no rule of their own.
pub struct Maximum;
impl Term for Maximum {
    const EMPTY: u32 = 0xFF80_0000;

    #[inline(always)]
    fn next<F: Real32>(accumulator: F, a: Arguments<F>) -> F {
        Self::join(accumulator, a.x[0])
    }

    #[inline(always)]
    fn join<F: Real32>(left: F, right: F) -> F {
        if left.less(right) { right } else { left }
    }
}
