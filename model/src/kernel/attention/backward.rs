//! One head backward: queries in ascending blocks, so that keys and values meet their terms in order.

use super::super::fast::Body;
use super::super::micro::Micro;
use super::super::product::{Panels, strip_length};
use super::forward::{Block, transposed};
use super::{Backward, Extent, block_rows, score_stride, softmax};
use crate::arithmetic::Real32;

/// One head of one sequence.
pub(super) struct Head<'a> {
    pub b: &'a Backward,
    pub micro: &'a Micro,
    /// Number of the head, counted over all sequences.
    pub at: usize,
    /// Keys and values across, keys, rows of a block, probabilities, their gradients, a strip.
    pub memory: [*mut f32; 7],
}

/// Elements of [`Head::memory`].
pub(super) fn lengths(micro: &Micro, e: Extent) -> [usize; 7] {
    let across = Panels::length(micro, e.head, e.context);
    let keys = Panels::length(micro, e.context, e.head);
    let rows = Panels::length(micro, block_rows(micro), e.head);
    let scores = block_rows(micro) * score_stride(e.context);
    [across, across, keys, rows, scores, scores, strip_length(micro)]
}

impl Body for Head<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let Head { b, micro, at, memory: [keys_across, values_across, keys, rows, p, ds, strip] } = self;
        let (f, e) = (&b.forward, b.forward.extent);
        let (batch, head, scale) = (at / e.heads, at % e.heads, f32::from_bits(e.scale));
        let (query, key) = (f.query.head(batch, head), f.key.head(batch, head));
        let (value, gradient) = (f.value.head(batch, head), b.gradient.head(batch, head));
        // SAFETY: the caller of `backward` vouches for the views, `lengths` for this thread's memory.
        unsafe {
            let keys_across = Panels::pack(micro, transposed(key), e.head, e.context, keys_across);
            let values_across = Panels::pack(micro, transposed(value), e.head, e.context, values_across);
            let keys = Panels::pack(micro, key, e.context, e.head, keys);
            for first in (0..e.context).step_by(block_rows(micro)) {
                let weights = Block { micro, extent: e, first, scores: p, strip };
                let slopes = Block { scores: ds, ..weights };
                weights.scores(&keys_across, query);
                slopes.scores(&values_across, gradient);
                for i in first..weights.end() {
                    let (top, sum) = (*f.top.add(at * e.context + i), *f.sum.add(at * e.context + i));
                    softmax::probabilities_again::<F>(weights.row(i), top, sum, scale);
                    softmax::gradients::<F>(weights.row(i), slopes.row(i), scale);
                }
                slopes.mix(&keys, b.query.head(batch, head));
                let count = weights.end() - first;
                let panels = Panels::pack(micro, gradient.from(first, 0), count, e.head, rows);
                weights.gather(&panels, b.value.head(batch, head));
                let panels = Panels::pack(micro, query.from(first, 0), count, e.head, rows);
                slopes.gather(&panels, b.key.head(batch, head));
            }
        }
    }
}
