//! Calls memory into the cache before it is read, some of it between one tile and the next.

use super::super::micro::{LINE_ELEMENTS, prefetch};
use super::Matrix;

/// Runs of a block of a matrix that are still to be called.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    at: *const f32,
    /// Elements between two runs of neighbors.
    stride: usize,
    /// Runs left.
    runs: usize,
    /// Cache lines of a run.
    lines: usize,
}

impl Ahead {
    /// No run.
    pub const NOTHING: Ahead = Ahead { at: std::ptr::null(), stride: 0, runs: 0, lines: 0 };

    /// `rows` x `columns` of a matrix, whichever way its neighbors lie; nothing for other matrices.
    pub fn new(matrix: Matrix, rows: usize, columns: usize) -> Ahead {
        let (stride, runs, neighbors) = match (matrix.row, matrix.column) {
            (stride, 1) => (stride, rows, columns),
            (1, stride) => (stride, columns, rows),
            _ => return Ahead::NOTHING,
        };
        // One more line: a run seldom begins on one.
        let lines = neighbors.div_ceil(LINE_ELEMENTS) + usize::from(!neighbors.is_multiple_of(LINE_ELEMENTS));
        Ahead { at: matrix.at, stride, runs, lines }
    }

    /// Runs for each of `turns` calls.
    pub fn share(&self, turns: usize) -> usize {
        self.runs.div_ceil(turns.max(1))
    }

    /// Calls up to `count` runs; near for what comes within a tile or two.
    #[inline(always)]
    pub fn call<const NEAR: bool>(&mut self, count: usize) {
        let count = count.min(self.runs);
        self.runs -= count;
        for _ in 0..count {
            for line in 0..self.lines {
                prefetch::<NEAR>(self.at.wrapping_add(line * LINE_ELEMENTS));
            }
            self.at = self.at.wrapping_add(self.stride);
        }
    }
}
