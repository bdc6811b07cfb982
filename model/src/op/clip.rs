//! Gradient clipping by the global norm (M-3.9; Pascanu et al. 2013).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// bound / norm where the norm exceeds the bound, else 1; operand: sum of squares of all gradients.
pub struct ClipScale;
impl Element for ClipScale {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let (norm, bound) = (a.x[0].sqrt(), a.s[0]);
        if bound.less(norm) { bound / norm } else { F::from_bits(0x3F80_0000) }
    }
}
