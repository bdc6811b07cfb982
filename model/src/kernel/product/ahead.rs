//! Calls memory into the cache before it is packed, a few lines between one tile and the next.

use super::Matrix;

/// Elements of a cache line.
const LINE_ELEMENTS: usize = 16;

/// Lines of a block of a matrix that are still to be called.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    at: *const f32,
    /// Elements between two runs of neighbors.
    stride: usize,
    /// Runs left.
    runs: usize,
    /// Lines of a run.
    lines: usize,
    /// Line of the run that comes next.
    next: usize,
}

impl Ahead {
    /// No line.
    pub const NOTHING: Ahead = Ahead { at: std::ptr::null(), stride: 0, runs: 0, lines: 1, next: 0 };

    /// `rows` x `columns` of a matrix, whichever way its neighbors lie; nothing for other matrices.
    pub fn new(matrix: Matrix, rows: usize, columns: usize) -> Ahead {
        let (stride, runs, neighbors) = match (matrix.row, matrix.column) {
            (stride, 1) => (stride, rows, columns),
            (1, stride) => (stride, columns, rows),
            _ => (0, 0, 0),
        };
        // One more line: a run seldom begins on one.
        let lines = neighbors.div_ceil(LINE_ELEMENTS) + usize::from(!neighbors.is_multiple_of(LINE_ELEMENTS));
        Ahead { at: matrix.at, stride, runs, lines, next: 0 }
    }

    /// Lines left.
    pub fn left(&self) -> usize {
        (self.runs * self.lines).saturating_sub(self.next)
    }

    /// Calls up to `count` lines; near for what comes within a tile or two.
    #[inline(always)]
    pub fn call<const NEAR: bool>(&mut self, count: usize) {
        for _ in 0..count {
            if self.runs == 0 {
                return;
            }
            prefetch::<NEAR>(self.at.wrapping_add(self.next * LINE_ELEMENTS));
            self.next += 1;
            if self.next == self.lines {
                (self.next, self.runs) = (0, self.runs - 1);
                self.at = self.at.wrapping_add(self.stride);
            }
        }
    }
}

/// A hint; it reads nothing and never faults.
#[inline(always)]
fn prefetch<const NEAR: bool>(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch of any address is allowed.
        unsafe {
            if NEAR {
                _mm_prefetch::<_MM_HINT_T0>(at.cast());
            } else {
                _mm_prefetch::<_MM_HINT_T1>(at.cast());
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
