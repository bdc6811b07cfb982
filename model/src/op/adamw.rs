//! AdamW as three ops, one output each (M-5.1; Loshchilov and Hutter 2019).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// m' = b1 m + (1 - b1) g'; operands m, g, clip scale; scalars b1, 1 - b1.
pub struct First;
impl Element for First {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let gradient = a.x[1] * a.x[2];
        a.s[0].fma(a.x[0], a.s[1] * gradient)
    }
}

/// v' = b2 v + (1 - b2) g'^2; operands v, g, clip scale; scalars b2, 1 - b2.
pub struct Second;
impl Element for Second {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let gradient = a.x[1] * a.x[2];
        a.s[0].fma(a.x[0], (a.s[1] * gradient) * gradient)
    }
}

/// p' = p - lr (m' c1 / (sqrt(v' c2) + eps) + wd p); operands p, m', v'; scalars lr, c1, c2, eps, wd.
pub struct Parameter;
impl Element for Parameter {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let [rate, first_correction, second_correction, epsilon, decay] = a.s;
        let denominator = (a.x[2] * second_correction).sqrt() + epsilon;
        let update = (a.x[1] * first_correction) / denominator;
        let zero = F::from_bits(0);
        (zero - rate).fma(decay.fma(a.x[0], update), a.x[0])
    }
}
