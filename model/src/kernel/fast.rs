//! The fast bodies: one text, compiled for each instruction set, chosen at run time.
//!
//! Everything below is `#[inline(always)]` down to the ops' definitions, so that the `#[target_feature]` wrappers
//! compile the same expressions to wider instructions; wider lanes hold other elements, never other orders.

use super::{Backend, Sources, chain, element, lanes};
use crate::arithmetic::Real32;
use crate::emulated::Portable32;
use crate::op::Form;
use crate::program::Row;

/// A text that is compiled once for each instruction set.
pub(super) trait Body {
    /// Runs it with these numbers; implementations are `#[inline(always)]` down to the last expression.
    fn run<F: Real32>(self);
}

/// Runs a body with the instructions of a backend.
pub(super) fn run<B: Body>(backend: Backend, body: B) {
    match backend {
        // SAFETY: `Backend::available` offers a backend only where its features were detected.
        #[cfg(target_arch = "x86_64")]
        Backend::Avx512 => unsafe { avx512(body) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 => unsafe { avx2(body) },
        _ => body.run::<Portable32>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<B: Body>(body: B) {
    body.run::<f32>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
fn avx512<B: Body>(body: B) {
    body.run::<f32>();
}

/// The output rows from `first` on that fit into `out`, of a row that is no matrix product.
pub(super) struct Rows<'a> {
    pub row: &'a Row,
    pub sources: &'a Sources<'a>,
    pub first: usize,
    pub out: &'a mut [f32],
}

impl Body for Rows<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let Rows { row, sources, first, out } = self;
        match row.kind.form() {
            Form::Element => element::rows::<F>(row, sources, first, out),
            Form::Chain => chain::rows::<F>(row, sources, first, out),
            Form::Lanes => lanes::rows::<F>(row, sources, first, out),
        }
    }
}
