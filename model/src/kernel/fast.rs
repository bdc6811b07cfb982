//! The fast bodies: one text, compiled for each instruction set, chosen at run time.
//!
//! Everything below is `#[inline(always)]` down to the ops' definitions, so that the `#[target_feature]` wrappers
//! compile the same expressions to wider instructions; wider lanes hold other elements, never other orders.

use super::{Sources, chain, element, lanes};
use crate::op::Form;
use crate::program::Row;

/// Output rows of a row that is no matrix product.
#[inline(always)]
fn rows(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    match row.kind.form() {
        Form::Element => element::rows(row, sources, first, out),
        Form::Chain => chain::rows(row, sources, first, out),
        Form::Lanes => lanes::rows(row, sources, first, out),
    }
}

/// The body without vector instructions of its own.
pub(super) fn rows_portable(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    rows(row, sources, first, out);
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{rows_avx2, rows_avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Row, Sources, rows};

    #[target_feature(enable = "avx2,fma")]
    fn avx2(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
        rows(row, sources, first, out);
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
    fn avx512(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
        rows(row, sources, first, out);
    }

    /// The body for AVX2 with FMA.
    pub(in crate::kernel) fn rows_avx2(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
        // SAFETY: `Backend::available` offers this backend only where both features were detected.
        unsafe { avx2(row, sources, first, out) }
    }

    /// The body for AVX-512.
    pub(in crate::kernel) fn rows_avx512(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
        // SAFETY: `Backend::available` offers this backend only where all these features were detected.
        unsafe { avx512(row, sources, first, out) }
    }
}
