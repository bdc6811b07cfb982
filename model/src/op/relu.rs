//! The rectifier, forward above backward (M-3.11; Nair and Hinton 2010).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// x where it is above zero or a NaN, else +0: a comparison, since a maximum of two zeros may be either.
pub struct Relu;
impl Element for Relu {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let (x, zero) = (a.x[0], F::from_bits(0));
        if zero.less(x) || x.is_nan() { x } else { zero }
    }
}

/// dy where x is above zero, else +0; operands x, dy.
pub struct ReluBackward;
impl Element for ReluBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let zero = F::from_bits(0);
        if zero.less(a.x[0]) { a.x[1] } else { zero }
    }
}
