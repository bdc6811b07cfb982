//! Softmax of attention scores and its gradient; the causal range is the row's, not the op's (M-3.7).

use super::{Arguments, Element};
use crate::arithmetic::Real32;
use crate::elementary::exp;

/// exp((score - row maximum) times the scalar): the softmax numerator.
pub struct SoftmaxExp;
impl Element for SoftmaxExp {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        exp((a.x[0] - a.x[1]) * a.s[0])
    }
}

/// (p (dp - r)) times the scalar; operands p, dp, r = row dot of dp and p.
pub struct SoftmaxBackward;
impl Element for SoftmaxBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        (a.x[0] * (a.x[1] - a.x[2])) * a.s[0]
    }
}
