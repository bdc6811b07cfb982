//! SiLU, forward above backward (M-3.11; Elfwing et al. 2017, Hendrycks and Gimpel 2016).

use super::{Arguments, Element};
use crate::arithmetic::Real32;
use crate::elementary::exp;

/// 1 + exp(-x): its reciprocal is the logistic gate, shared by both directions.
#[inline(always)]
fn divisor<F: Real32>(x: F) -> F {
    F::from_bits(0x3F80_0000) + exp(F::from_bits(0) - x)
}

/// x / (1 + exp(-x)).
pub struct Silu;
impl Element for Silu {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] / divisor(a.x[0])
    }
}

/// dy gate (1 + x (1 - gate)); operands x, dy.
pub struct SiluBackward;
impl Element for SiluBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let (x, one) = (a.x[0], F::from_bits(0x3F80_0000));
        let gate = one / divisor(x);
        a.x[1] * (gate * x.fma(one - gate, one))
    }
}
