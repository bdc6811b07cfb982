//! Sums, products and quotients of elements (M-3.2).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// a + b.
pub struct Add;
impl Element for Add {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] + a.x[1]
    }
}

/// a - b.
pub struct Subtract;
impl Element for Subtract {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] - a.x[1]
    }
}

/// a times the scalar.
pub struct Scale;
impl Element for Scale {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] * a.s[0]
    }
}

/// a times b.
pub struct Multiply;
impl Element for Multiply {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] * a.x[1]
    }
}

/// fma(b, scalar, a): centers a row by its sum, applies a mean to a gradient.
pub struct AddScaled;
impl Element for AddScaled {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[1].fma(a.s[0], a.x[0])
    }
}

/// fma(a, b, c): gain and bias of a norm.
pub struct Affine;
impl Element for Affine {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0].fma(a.x[1], a.x[2])
    }
}

/// a / b.
pub struct Divide;
impl Element for Divide {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0] / a.x[1]
    }
}
