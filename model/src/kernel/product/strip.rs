//! A strip: a few rows of a product against panels of operand b, over one block of terms (M-3.3, M-3.7).

use super::super::micro::{Ahead, Micro, Shape, Tile};
use super::{Bound, Left, Right};

/// Where the accumulators of a strip begin and rest.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Chains {
    /// First start value; null for +0.
    pub start: *const f32,
    /// Elements between two rows of the start.
    pub start_row: usize,
    /// First output element.
    pub out: *mut f32,
    /// Elements between two rows of the output.
    pub out_row: usize,
}

impl Chains {
    /// The same, some rows and columns on.
    #[inline(always)]
    pub fn at(self, row: usize, column: usize) -> Chains {
        let start = if self.start.is_null() {
            self.start
        } else {
            self.start.wrapping_add(row * self.start_row + column)
        };
        Chains { start, out: self.out.wrapping_add(row * self.out_row + column), ..self }
    }

    /// The same between two blocks of terms: the accumulators rest in the output.
    #[inline(always)]
    pub fn resting(self) -> Chains {
        Chains { start: self.out, start_row: self.out_row, ..self }
    }
}

/// Rows of a product with their operand a packed.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Strip<'a> {
    pub micro: &'a Micro,
    pub left: Left,
    /// Rows, at most the tile's.
    pub tall: usize,
    /// Terms of the block.
    pub terms: usize,
    /// Terms in range, counted inside the block; row 0 is the strip's first.
    pub bound: Bound,
}

/// What comes after a tile: where the next one's accumulators are, and memory to call.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Next {
    pub out: *const f32,
    /// Elements between two of their rows.
    pub row: usize,
    pub ahead: [Ahead; 2],
}

impl Next {
    /// After a tile of a few terms.
    fn nothing(self) -> Next {
        Next { ahead: [Ahead::NOTHING; 2], ..self }
    }
}

/// Widest tile of any body.
const COLUMNS_MAX: usize = 32;
/// Tallest tile of any body.
const ROWS_MAX: usize = 14;

impl Strip<'_> {
    /// One panel of b, of which `live` columns are there; `next` comes next.
    ///
    /// # Safety
    /// The strip's places, `terms` lines of the panel, and the live columns of the chains exist.
    #[inline(always)]
    pub unsafe fn panel(&self, b: Right, chains: Chains, live: usize, next: Next) {
        // SAFETY: the caller vouches for the live columns; the others go to a tile of this frame.
        unsafe {
            if live >= self.micro.columns {
                return self.ranges(b, chains, next);
            }
            let mut tile = [0.0f32; ROWS_MAX * COLUMNS_MAX];
            // One pointer for all that follows: a second borrow of the tile would end the first one's.
            let (tile, wide) = (tile.as_mut_ptr(), self.micro.columns);
            if !chains.start.is_null() {
                for r in 0..self.tall {
                    let from = chains.start.add(r * chains.start_row);
                    std::ptr::copy_nonoverlapping(from, tile.add(r * wide), live);
                }
            }
            let inner = Chains { start: tile, start_row: wide, out: tile, out_row: wide };
            self.ranges(b, inner, next);
            for r in 0..self.tall {
                let to = chains.out.add(r * chains.out_row);
                std::ptr::copy_nonoverlapping(tile.add(r * wide), to, live);
            }
        }
    }

    /// The terms that all rows have in range together, and the ends before and after them: in one tile where there is
    /// one of that shape, else row by row.
    #[inline(always)]
    unsafe fn ranges(&self, b: Right, chains: Chains, next: Next) {
        let shaped = |shape, span, chains, next| {
            // SAFETY: the caller vouches for all rows and terms.
            unsafe { self.tile(shape, 0..self.tall, span, b, chains, next) }
        };
        let row = |r, span, chains| {
            // SAFETY: as above.
            unsafe { self.tile(Shape::Full, r..r + 1, span, b, chains, next.nothing()) }
        };
        let shape = self.shape();
        match self.bound {
            Bound::Full => shaped(Shape::Full, [0, self.terms], chains, next),
            Bound::UpTo { .. } => {
                let common = self.span(0)[1];
                shaped(shape, [0, common], chains, next);
                for r in if shape == Shape::Full { 1..self.tall } else { 0..0 } {
                    let end = self.span(r)[1];
                    if common < end {
                        row(r, [common, end], chains.resting());
                    }
                }
            }
            Bound::From { .. } if shape == Shape::Late => {
                shaped(shape, [self.span(0)[0], self.terms + 1 - self.tall], chains, next);
            }
            Bound::From { .. } => {
                let common = self.span(self.tall - 1)[0];
                for r in 0..self.tall {
                    row(r, [self.span(r)[0], common], chains);
                }
                if common < self.terms {
                    shaped(Shape::Full, [common, self.terms], chains.resting(), next);
                }
            }
        }
    }

    /// The shape of one tile that walks all ranges; full where the ends before or after the common terms go apart.
    #[inline(always)]
    fn shape(&self) -> Shape {
        // No row's end is cut: the ranges of neighbors differ by a term.
        let whole = |first: isize, step: usize, behind: usize| {
            step == 1 && first >= 0 && first as usize + self.tall <= self.terms + behind
        };
        let by_rows = matches!(self.left, Left::Rows(..));
        let shape = match self.bound {
            Bound::UpTo { first, step } if whole(first, step, 0) => Shape::Growing,
            Bound::From { first, step } if whole(first, step, 1) => Shape::Late,
            _ => Shape::Full,
        };
        if self.micro.has(by_rows, shape) { shape } else { Shape::Full }
    }

    /// Terms in range of a row.
    #[inline(always)]
    fn span(&self, row: usize) -> [usize; 2] {
        self.bound.span(row, self.terms)
    }

    #[inline(always)]
    unsafe fn tile(
        &self,
        shape: Shape,
        rows: std::ops::Range<usize>,
        span: [usize; 2],
        b: Right,
        chains: Chains,
        next: Next,
    ) {
        let (first, tall) = (rows.start, rows.len());
        let (a, a_step, by_rows) = match self.left {
            Left::Rows(at, row) => (at.wrapping_add(first * row + span[0]), row, true),
            Left::Terms(at, term) => (at.wrapping_add(first + span[0] * term), term, false),
        };
        let chains = chains.at(first, 0);
        let tile = Tile {
            a,
            a_step,
            b: b.at.wrapping_add(span[0] * b.term),
            b_step: b.term,
            terms: span[1] - span[0],
            start: chains.start,
            start_row: chains.start_row,
            out: chains.out,
            out_row: chains.out_row,
            next: next.out,
            next_row: next.row,
            ahead: next.ahead,
        };
        // SAFETY: the caller vouches for the places; a micro kernel is only handed out where it can run.
        unsafe { self.micro.run(tall, by_rows, shape)(&tile) }
    }
}
