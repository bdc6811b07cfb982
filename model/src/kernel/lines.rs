//! The rows of an output one after another, their index kept without divisions.

use crate::program::{Operand, Row};

/// Index of the first element of an output row, moved on by one row at a time.
#[derive(Clone, Copy)]
pub(super) struct Line {
    extents: [u64; 4],
    /// Index of column 0 of the row.
    pub index: [u64; 4],
}

impl Line {
    /// Row `at` of the output, counted over the first three dimensions.
    #[inline(always)]
    pub fn new(row: &Row, at: usize) -> Line {
        let index = row.index(at as u64 * u64::from(row.shape[3]));
        Line { extents: row.shape.map(u64::from), index }
    }

    /// The next row.
    #[inline(always)]
    pub fn advance(&mut self) {
        self.index[2] += 1;
        if self.index[2] == self.extents[2] {
            self.index[2] = 0;
            self.index[1] += 1;
            if self.index[1] == self.extents[1] {
                self.index[1] = 0;
                self.index[0] += 1;
            }
        }
    }

    /// Element that an operand without look-up reads for column 0 and term 0.
    #[inline(always)]
    pub fn origin(&self, operand: &Operand) -> usize {
        operand.place(self.index, 0, &[]).unwrap_or(0) as usize
    }
}
