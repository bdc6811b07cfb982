//! One head backward: queries in ascending blocks, so that keys and values meet their terms in order.

use super::super::fast::Body;
use super::super::micro::Micro;
use super::super::product::{Panels, strip_length};
use super::forward::{Block, transposed};
use super::sheet::{self, Sheet};
use super::{Backward, Extent, block_rows, score_stride, softmax};
use crate::arithmetic::Real32;
use crate::observer::Sight;

/// One head of one sequence.
pub(super) struct Head<'a> {
    pub b: &'a Backward,
    pub micro: &'a Micro,
    /// Number of the head, counted over all sequences.
    pub at: usize,
    /// Who sees the row of the probabilities' gradient, and those after it.
    pub first: Sight<'a>,
    /// Where that one finds the dot products of the head's rows.
    pub dots: Option<&'a mut [f32]>,
    /// Keys and values across, keys, rows of a block, probabilities, their gradients, a strip, sheets of the gradients
    /// of probabilities and scores.
    pub memory: [*mut f32; 9],
}

/// Elements of [`Head::memory`].
pub(super) fn lengths(micro: &Micro, e: Extent, first: Sight) -> [usize; 9] {
    let across = Panels::length(micro, e.head, e.context);
    let keys = Panels::length(micro, e.context, e.head);
    let rows = Panels::length(micro, block_rows(micro), e.head);
    let scores = block_rows(micro) * score_stride(e.context);
    let sheet = sheet::length(first, e);
    [across, across, keys, rows, scores, scores, strip_length(micro), sheet, sheet]
}

impl Body for Head<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let Head { b, micro, at, first: sight, mut dots, memory } = self;
        let [keys_across, values_across, keys, rows, p, ds, strip, dp_sheet, ds_sheet] = memory;
        let (f, e) = (&b.forward, b.forward.extent);
        let (batch, head, scale) = (at / e.heads, at % e.heads, f32::from_bits(e.scale));
        let (query, key) = (f.query.head(batch, head), f.key.head(batch, head));
        let (value, gradient) = (f.value.head(batch, head), b.gradient.head(batch, head));
        // SAFETY: the caller of `backward` vouches for the views, `lengths` for this thread's memory.
        unsafe {
            let sheets = [(dp_sheet, 0), (ds_sheet, 2)];
            let seen = sheets.map(|(to, row)| Sheet::new(sight.later(row), at, e, to));
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
                    let dot = softmax::gradients::<F>(weights.row(i), slopes.row(i), scale, &seen);
                    if let Some(dots) = &mut dots {
                        dots[i] = dot;
                    }
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
