//! What tiles call into the cache before it is read (`micro::Ahead`): each of some tiles takes its share of a block.

use super::super::micro::{Ahead, LINE_ELEMENTS, TURNS};
use super::Matrix;

/// A block of a matrix that the tiles to come call, one share each; of long runs the first cache lines.
#[derive(Clone, Copy)]
pub(super) struct Shares {
    /// The next share.
    next: Ahead,
    /// Elements from one share to the next.
    stride: usize,
    left: usize,
}

impl Shares {
    /// No share.
    pub const NOTHING: Shares = Shares { next: Ahead::NOTHING, stride: 0, left: 0 };

    /// `rows` x `columns` of a matrix for `tiles` tiles, whichever way its neighbors lie; nothing for other matrices.
    pub fn new(matrix: Matrix, rows: usize, columns: usize, tiles: usize) -> Shares {
        let (stride, runs, neighbors) = match (matrix.row, matrix.column) {
            (stride, 1) => (stride, rows, columns),
            (1, stride) => (stride, columns, rows),
            _ => return Shares::NOTHING,
        };
        if runs == 0 || neighbors == 0 || tiles == 0 {
            return Shares::NOTHING;
        }
        if neighbors <= LINE_ELEMENTS {
            // Short runs, one cache line each: of its last element, since the first one's is a neighbor's, too. A
            // turn takes some runs.
            let share = runs.div_ceil(tiles * TURNS);
            let at = matrix.at.wrapping_add(neighbors - 1);
            let next = Ahead { at, runs: share, stride, step: share * stride };
            return Shares { next, stride: TURNS * share * stride, left: tiles };
        }
        // Long runs, a cache line a turn: their beginnings. To call all of a longer one was measured, and is no faster.
        let share = runs.div_ceil(tiles);
        let next = Ahead { at: matrix.at, runs: share, stride, step: LINE_ELEMENTS };
        Shares { next, stride: share * stride, left: runs.div_ceil(share) }
    }

    /// A tile's share.
    #[inline(always)]
    pub fn take(&mut self) -> Ahead {
        if self.left == 0 {
            return Ahead::NOTHING;
        }
        let share = self.next;
        self.left -= 1;
        self.next.at = self.next.at.wrapping_add(self.stride);
        share
    }
}
