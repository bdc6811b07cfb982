//! SGD with momentum as two ops, one output each (M-5.4; Polyak 1964, decay as in Loshchilov and Hutter 2019).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// u' = mu u + g'; operands u, g, clip scale; scalar mu.
pub struct Momentum;
impl Element for Momentum {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.s[0].fma(a.x[0], a.x[1] * a.x[2])
    }
}

/// p' = p - lr (u' + wd p); operands p, u'; scalars lr, wd.
pub struct Parameter;
impl Element for Parameter {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let update = a.s[1].fma(a.x[0], a.x[1]);
        (F::from_bits(0) - a.s[0]).fma(update, a.x[0])
    }
}
