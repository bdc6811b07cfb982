//! One head forward, and the blocks of queries that both directions work on.

use super::super::fast::Body;
use super::super::micro::Micro;
use super::super::product::{Bound, Chains, Matrix, Panels, strip_length};
use super::sheet::{self, Sheet};
use super::{Extent, Forward, block_rows, score_stride, softmax};
use crate::arithmetic::Real32;
use crate::observer::Sight;

/// One head of one sequence.
pub(super) struct Head<'a> {
    pub f: &'a Forward,
    pub micro: &'a Micro,
    /// Number of the head, counted over all sequences.
    pub at: usize,
    /// Who sees the row of the scores, and those after it.
    pub scores: Sight<'a>,
    /// Keys, values, a block of scores, a strip, sheets of scores, exponentials and probabilities.
    pub memory: [*mut f32; 7],
}

/// Elements of [`Head::memory`].
pub(super) fn lengths(micro: &Micro, e: Extent, scores: Sight) -> [usize; 7] {
    let keys = Panels::length(micro, e.head, e.context);
    let values = Panels::length(micro, e.context, e.head);
    let (block, sheet) = (block_rows(micro) * score_stride(e.context), sheet::length(scores, e));
    [keys, values, block, strip_length(micro), sheet, sheet, sheet]
}

impl Body for Head<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let Head { f, micro, at, scores: sight, memory: [keys, values, scores, strip, s, x, p] } = self;
        let e = f.extent;
        let (batch, head, scale) = (at / e.heads, at % e.heads, f32::from_bits(e.scale));
        let (query, key, value) =
            (f.query.head(batch, head), f.key.head(batch, head), f.value.head(batch, head));
        // SAFETY: the caller of `forward` vouches for the views, `lengths` for this thread's memory.
        unsafe {
            let seen = [(s, 0), (x, 2), (p, 4)].map(|(to, row)| Sheet::new(sight.later(row), at, e, to));
            let keys = Panels::pack(micro, transposed(key), e.head, e.context, keys);
            let values = Panels::pack(micro, value, e.context, e.head, values);
            for first in (0..e.context).step_by(block_rows(micro)) {
                let block = Block { micro, extent: e, first, scores, strip };
                block.scores(&keys, query);
                for i in first..block.end() {
                    let [top, sum] = softmax::probabilities::<F>(block.row(i), scale, &seen);
                    *f.top.add(at * e.context + i) = top;
                    *f.sum.add(at * e.context + i) = sum;
                }
                block.mix(&values, f.mixed.head(batch, head));
            }
        }
    }
}

/// Terms become rows.
#[inline(always)]
pub(super) fn transposed(matrix: Matrix) -> Matrix {
    Matrix { row: matrix.column, column: matrix.row, ..matrix }
}

/// Some queries and a row of scores for each.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub micro: &'a Micro,
    pub extent: Extent,
    /// The first query.
    pub first: usize,
    pub scores: *mut f32,
    /// Memory for a strip.
    pub strip: *mut f32,
}

impl Block<'_> {
    /// One past the last query.
    #[inline(always)]
    pub fn end(&self) -> usize {
        self.extent.context.min(self.first + block_rows(self.micro))
    }

    /// The scores of query `i`, those in range.
    ///
    /// # Safety
    /// The block has that row, and nobody else uses it.
    #[inline(always)]
    pub unsafe fn row<'a>(&self, i: usize) -> &'a mut [f32] {
        let at = (i - self.first) * score_stride(self.extent.context);
        // SAFETY: the caller vouches for the row.
        unsafe { std::slice::from_raw_parts_mut(self.scores.add(at), i + 1) }
    }

    /// The queries' rows of `left` times the panels, as far as any row's range reaches.
    ///
    /// # Safety
    /// The block and `left` exist.
    pub unsafe fn scores(&self, panels: &Panels, left: Matrix) {
        let row = score_stride(self.extent.context);
        for top in (self.first..self.end()).step_by(self.micro.rows) {
            let tall = self.micro.rows.min(self.end() - top);
            let out = self.scores.wrapping_add((top - self.first) * row);
            let chains = Chains { start: std::ptr::null(), start_row: 0, out, out_row: row };
            // SAFETY: the caller vouches for all of it.
            unsafe { panels.times(left.from(top, 0), tall, Bound::Full, top + tall, chains, self.strip) };
        }
    }

    /// The block's rows times the panels, each up to its own position, to the queries' rows of `to`.
    ///
    /// # Safety
    /// The block and `to` exist.
    pub unsafe fn mix(&self, panels: &Panels, to: Matrix) {
        let row = score_stride(self.extent.context);
        for top in (self.first..self.end()).step_by(self.micro.rows) {
            let tall = self.micro.rows.min(self.end() - top);
            let a = Matrix { at: self.scores.wrapping_add((top - self.first) * row), row, column: 1 };
            let out = to.from(top, 0).at.cast_mut();
            let chains = Chains { start: std::ptr::null(), start_row: 0, out, out_row: to.row };
            let bound = Bound::UpTo { first: top as isize, step: 1 };
            // SAFETY: the caller vouches for all of it.
            unsafe { panels.times(a, tall, bound, self.extent.head, chains, self.strip) };
        }
    }

    /// For every key that these queries see: the chain over the queries from the key's own position on.
    ///
    /// # Safety
    /// The block and `to` exist; keys before the block have their earlier queries behind them.
    pub unsafe fn gather(&self, panels: &Panels, to: Matrix) {
        for (from, end) in [(0, self.first), (self.first, self.end())] {
            for top in (from..end).step_by(self.micro.rows) {
                let tall = self.micro.rows.min(end - top);
                let column = score_stride(self.extent.context);
                let a = Matrix { at: self.scores.wrapping_add(top), row: 1, column };
                let out = to.from(top, 0).at.cast_mut();
                let chains = Chains { start: std::ptr::null(), start_row: 0, out, out_row: to.row };
                // SAFETY: the caller vouches for all of it.
                unsafe {
                    if top < self.first {
                        panels.times_in_place(a, tall, Bound::Full, chains.resting());
                    } else {
                        let first = (top - self.first) as isize;
                        panels.times_in_place(a, tall, Bound::From { first, step: 1 }, chains);
                    }
                }
            }
        }
    }
}
