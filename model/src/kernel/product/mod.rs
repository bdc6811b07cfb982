//! Matrix products by register tiles over packed operands (M-3.3).
//!
//! ```text
//! for each piece of the rows, on whatever thread is free
//!   for some columns, for LINE terms: pack b into panels
//!     for a strip of rows: pack a         the accumulators rest in the output between blocks of terms
//!       for each panel: one tile walks the block's terms, ascending
//! ```
//! Every element sees exactly the chain of its definition: blocks, tiles and threads only decide who waits.

mod ahead;
pub(super) mod pack;
mod panels;
mod row;
mod strip;

pub(super) use pack::strip_length;
pub(super) use panels::Panels;
pub(super) use row::{batch, is_product};
pub(super) use strip::Chains;
use strip::{Next, Strip};

use super::micro::{LINE, Micro};
use super::{pool, scratch};
use ahead::Shares;

/// The element of row i and column j is at `at + i * row + j * column`.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub at: *const f32,
    pub row: usize,
    pub column: usize,
}

impl Matrix {
    /// The same matrix, some rows and columns on.
    #[inline(always)]
    pub fn from(self, row: usize, column: usize) -> Matrix {
        Matrix { at: self.at.wrapping_add(row * self.row + column * self.column), ..self }
    }
}

/// A strip of operand a as tiles read it.
#[derive(Clone, Copy)]
pub(super) enum Left {
    /// Rows this many elements apart, terms neighbors.
    Rows(*const f32, usize),
    /// Rows neighbors, terms this many elements apart.
    Terms(*const f32, usize),
}

/// A panel of operand b as tiles read it: columns neighbors, terms `term` elements apart.
#[derive(Clone, Copy)]
pub(super) struct Right {
    pub at: *const f32,
    pub term: usize,
}

/// Terms in range of row i (M-3.7).
#[derive(Clone, Copy)]
pub(super) enum Bound {
    /// All of them.
    Full,
    /// Up to term `first + step * i`, which is in range.
    UpTo { first: isize, step: usize },
    /// From term `first + step * i` on.
    From { first: isize, step: usize },
}

impl Bound {
    /// First and one past the last term in range, of `terms`.
    #[inline(always)]
    pub fn span(self, row: usize, terms: usize) -> [usize; 2] {
        let clamp = |at: isize| at.clamp(0, terms as isize) as usize;
        match self {
            Bound::Full => [0, terms],
            Bound::UpTo { first, step } => [0, clamp(first + (step * row) as isize + 1)],
            Bound::From { first, step } => [clamp(first + (step * row) as isize), terms],
        }
    }

    /// True where no row below `rows` has a term in range.
    #[inline(always)]
    fn is_empty(self, rows: usize, terms: usize) -> bool {
        match self {
            Bound::Full => false,
            Bound::UpTo { .. } => self.span(rows - 1, terms)[1] == 0,
            Bound::From { .. } => self.span(0, terms)[0] == terms,
        }
    }

    /// The same bound seen from a later row and term.
    #[inline(always)]
    pub fn from(self, row: usize, term: usize) -> Bound {
        let moved = |first: isize, step: usize| first + (step * row) as isize - term as isize;
        match self {
            Bound::Full => Bound::Full,
            Bound::UpTo { first, step } => Bound::UpTo { first: moved(first, step), step },
            Bound::From { first, step } => Bound::From { first: moved(first, step), step },
        }
    }
}

/// One matrix product: `out[i, j] = start[i, j] + sum over k in range of a[i, k] * b[k, j]`, one chain an element.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// Rows, columns, terms; none is zero.
    pub size: [usize; 3],
    pub a: Matrix,
    pub b: Matrix,
    pub chains: Chains,
    pub bound: Bound,
    /// Row i writes +0 beyond column `first + step * i`.
    pub mask: Option<[usize; 2]>,
}

// SAFETY: pieces of a product write different rows, and what they read nobody writes.
unsafe impl Sync for Product {}

/// Columns of a packed block of b: with LINE terms half of a usual second-level cache.
const BLOCK_COLUMNS: usize = 512;
/// Rows or columns of a piece of work, as far as threads go round.
const PIECE: usize = 1024;

/// Columns for each thread, from which on pieces are cut by columns.
const HALF_BLOCK: usize = BLOCK_COLUMNS / 2;
/// Strips that read a block of b for less than it costs to pack it.
const FEW: usize = 2;
/// Elements between two terms of b, up to which tiles read it in place.
const NEAR: usize = 256;

/// A block of operand b: which columns, which terms.
#[derive(Clone, Copy)]
struct Block {
    column: usize,
    columns: usize,
    term: usize,
    terms: usize,
}

impl Product {
    /// Runs the product on one thread.
    ///
    /// # Safety
    /// All places of the product exist, and nobody else uses the output.
    pub unsafe fn run(&self, micro: &Micro) {
        // SAFETY: the caller vouches for the product.
        unsafe { self.rows(micro, 0, self.size[0]) }
    }

    /// Runs the product on up to `threads` threads.
    ///
    /// # Safety
    /// All places of the product exist, and nobody else uses the output.
    pub unsafe fn run_shared(&self, micro: &Micro, threads: usize) {
        let [rows, columns, _] = self.size;
        // A piece packs the block of b that it works on. Pieces of whole blocks of columns pack nothing twice, and
        // strips of a are packed once a block anyway.
        let by_columns = self.mask.is_none() && (columns > rows || columns >= threads * HALF_BLOCK);
        let (side, tile, piece) = if by_columns {
            (columns, micro.columns, BLOCK_COLUMNS)
        } else {
            (rows, micro.rows, if self.b_in_place() { PIECE / 4 } else { PIECE })
        };
        let tiles = side.div_ceil(tile);
        let pieces = side.div_ceil(piece).next_multiple_of(threads).min(tiles);
        let cut = |piece: usize| {
            let at = piece * tiles / pieces;
            if by_columns { columns.min(at * tile) } else { at * rows / tiles }
        };
        pool::run(threads, pieces, &|piece| {
            let (from, end) = (cut(piece), cut(piece + 1));
            // SAFETY: pieces are disjoint; the caller vouches for the rest.
            unsafe {
                if by_columns {
                    self.columns(from, end).rows(micro, 0, rows);
                } else {
                    self.rows(micro, from, end);
                }
            }
        });
    }

    /// True where tiles read b in place, however many rows there are.
    fn b_in_place(&self) -> bool {
        self.b.column == 1 && self.b.row <= NEAR
    }

    /// The same product, some of its columns alone.
    fn columns(&self, from: usize, end: usize) -> Product {
        let [rows, _, terms] = self.size;
        Product {
            size: [rows, end - from, terms],
            b: self.b.from(0, from),
            chains: self.chains.at(0, from),
            ..*self
        }
    }

    /// Columns that the mask leaves to row `row`.
    #[inline(always)]
    fn live(&self, row: usize) -> usize {
        self.mask.map_or(self.size[1], |[first, step]| self.size[1].min(first + step * row + 1))
    }

    /// Number of blocks, columns outermost: the accumulators stay near from one block of terms to the next.
    fn blocks(&self) -> usize {
        self.size[1].div_ceil(BLOCK_COLUMNS) * self.size[2].div_ceil(LINE)
    }

    /// Block `at`; blocks of terms are as even as can be.
    fn block(&self, at: usize) -> Block {
        let [_, width, terms] = self.size;
        let cuts = terms.div_ceil(LINE);
        let (column, cut) = (at / cuts * BLOCK_COLUMNS, at % cuts);
        let (term, end) = (cut * terms / cuts, (cut + 1) * terms / cuts);
        Block { column, columns: BLOCK_COLUMNS.min(width - column), term, terms: end - term }
    }

    /// Rows `from` to `end`, strips as even as can be.
    unsafe fn rows(&self, micro: &Micro, from: usize, end: usize) {
        let length = BLOCK_COLUMNS * LINE.min(self.size[2]);
        scratch::with_panels(length, |packed| {
            scratch::with_strip(strip_length(micro), |strip| {
                for at in 0..self.blocks() {
                    let next = (at + 1 < self.blocks()).then(|| self.block(at + 1));
                    // SAFETY: the caller vouches for the product; both memories are this thread's.
                    unsafe { self.rows_of_block(micro, from..end, self.block(at), next, packed, strip) };
                }
            });
        });
        if self.mask.is_some() {
            for row in from..end {
                let live = self.live(row);
                let line = self.chains.at(row, live).out;
                // SAFETY: masked columns belong to the output too.
                unsafe { line.write_bytes(0, self.size[1] - live) };
            }
        }
    }

    unsafe fn rows_of_block(
        &self,
        micro: &Micro,
        rows: std::ops::Range<usize>,
        block: Block,
        next: Option<Block>,
        packed: *mut f32,
        memory: *mut f32,
    ) {
        let wide = micro.columns;
        let b = self.b.from(block.term, block.column);
        let strips = rows.len().div_ceil(micro.rows);
        let in_place = b.column == 1 && (strips <= FEW || self.b_in_place());
        // A panel that lacks columns is packed: tiles read whole lines.
        let packed_from = if in_place { block.columns / wide * wide } else { 0 };
        if packed_from < block.columns {
            // SAFETY: the caller vouches for b; the memory holds a whole block.
            unsafe {
                (micro.pack)(micro, b.from(0, packed_from), block.terms, block.columns - packed_from, packed);
            }
        }
        let right = |column: usize| match column.checked_sub(packed_from) {
            Some(packed_column) => Right { at: packed.wrapping_add(packed_column * block.terms), term: wide },
            None => Right { at: b.from(0, column).at, term: b.row },
        };
        let cut = |strip: usize| rows.start + strip * rows.len() / strips;
        let tiles = strips * block.columns.div_ceil(wide);
        let mut later = next.map_or(Shares::NOTHING, |next| {
            Shares::new(self.b.from(next.term, next.column), next.terms, next.columns, tiles)
        });
        for strip in 0..strips {
            let (top, tall) = (cut(strip), cut(strip + 1) - cut(strip));
            let bound = self.bound.from(top, block.term);
            if block.term > 0 && bound.is_empty(tall, block.terms) {
                continue;
            }
            let below = if strip + 1 < strips { micro.rows.min(rows.end - top - tall) } else { 0 };
            let live = self.live(top + tall - 1).saturating_sub(block.column).min(block.columns);
            let panels = live.div_ceil(wide);
            // SAFETY: the caller vouches for a; the memory holds a whole strip.
            let left = unsafe {
                pack::strip(micro, self.a.from(top, block.term), tall, block.terms, panels, memory)
            };
            let strip = Strip { micro, left, tall, terms: block.terms, bound };
            let mut soon = Shares::new(self.a.from(top + tall, block.term), below, block.terms, panels);
            for panel in 0..panels {
                let column = panel * wide;
                let chains = self.chains.at(top, block.column + column);
                let next = if panel + 1 < panels {
                    chains.at(0, wide)
                } else {
                    self.chains.at(top + tall, block.column)
                };
                let next = Next { out: next.out, row: next.out_row, ahead: [soon.take(), later.take()] };
                let chains = if block.term > 0 { chains.resting() } else { chains };
                // SAFETY: the caller vouches for the product's places.
                unsafe { strip.panel(right(column), chains, wide.min(block.columns - column), next) };
            }
        }
    }
}

/// Memory that pieces of a job write apart from each other.
#[derive(Clone, Copy)]
pub(super) struct Shared(*mut f32);

impl Shared {
    /// The memory's first element.
    pub fn get(self) -> *mut f32 {
        self.0
    }
}

// SAFETY: whoever shares it hands out disjoint parts.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}
