//! LayerNorm's one op of its own; its other steps are sums and products (M-3.5; Ba et al. 2016).

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// 1 / sqrt(fma(square sum, 1/width, epsilon)).
pub struct ReciprocalStd;
impl Element for ReciprocalStd {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        F::from_bits(0x3F80_0000) / a.x[0].fma(a.s[0], a.s[1]).sqrt()
    }
}
