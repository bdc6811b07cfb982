//! The outer Nesterov step that merges deltas (M-5.3; Douillard et al. 2023, DiLoCo).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// u' = mu u + mean delta; operands u, mean delta; scalar mu.
pub struct Momentum;
impl Element for Momentum {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.s[0].fma(a.x[0], a.x[1])
    }
}

/// p' = p + eta (mu u' + mean delta); operands p, u', mean delta; scalars mu, eta.
pub struct Parameter;
impl Element for Parameter {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.s[1].fma(a.s[0].fma(a.x[1], a.x[2]), a.x[0])
    }
}
