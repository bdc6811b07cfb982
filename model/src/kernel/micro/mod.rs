//! Register tiles: up to R x C accumulators that walk their terms, ascending (M-3.3).
//!
//! A tile is the only place where products are added. Everything around it packs operands and decides who waits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod generic;
#[cfg(target_arch = "aarch64")]
mod neon;

use super::Backend;
use super::product::Matrix;
use crate::arithmetic::canonical;

/// Most terms of a block; the rows of a strip of operand a that is packed by rows are as far apart.
pub(super) const LINE: usize = 256;

/// What one tile reads and writes. Panels of b hold `Micro::columns` neighbors a term.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// First element of operand a: by rows `a[r * a_step + k]`, by terms `a[r + k * a_step]`.
    pub a: *const f32,
    /// Elements between two rows of a, or between two terms.
    pub a_step: usize,
    /// First element of operand b: `b[k * b_step + j]`.
    pub b: *const f32,
    /// Elements between two terms of b.
    pub b_step: usize,
    /// Terms to walk that all rows have; a [`Shape`] may have more.
    pub terms: usize,
    /// Where the accumulators begin; null for +0.
    pub start: *const f32,
    /// Elements between two rows of the start.
    pub start_row: usize,
    /// Where the accumulators go, canonical.
    pub out: *mut f32,
    /// Elements between two rows of the output.
    pub out_row: usize,
    /// Where the next tile's accumulators will go: called into the cache, never read.
    pub next: *const f32,
    /// Elements between two rows there.
    pub next_row: usize,
    /// What comes soon, and what comes later.
    pub ahead: [Ahead; 2],
}

/// Turns of a tile; between two of them it calls some memory into the cache, since many calls at once would wait.
pub(super) const TURNS: usize = 16;

/// Memory that a tile calls into the cache while it computes: in turn t, of each run, what is at `t * step`.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub at: *const f32,
    pub runs: usize,
    /// Elements between two runs.
    pub stride: usize,
    pub step: usize,
}

impl Ahead {
    /// No memory.
    pub const NOTHING: Ahead = Ahead { at: std::ptr::null(), runs: 0, stride: 0, step: 0 };

    #[inline(always)]
    fn call<const NEAR: bool>(&self, turn: usize) {
        for run in 0..self.runs {
            prefetch::<NEAR>(self.at.wrapping_add(run * self.stride + turn * self.step));
        }
    }
}

#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // other bodies call nothing ahead
impl Tile {
    /// Terms of a turn.
    #[inline(always)]
    fn turn(&self) -> usize {
        self.terms.div_ceil(TURNS)
    }

    /// Calls what turn `turn` has to call, while the terms before it keep the processor busy.
    #[inline(always)]
    fn call<const ROWS: usize, const COLUMNS: usize>(&self, turn: usize) {
        if turn < ROWS {
            let line = self.next.wrapping_add(turn * self.next_row);
            for last in (LINE_ELEMENTS..=COLUMNS).step_by(LINE_ELEMENTS) {
                // The cache line of each sixteenth column; the one before the first is a neighbor's last.
                prefetch::<true>(line.wrapping_add(last - 1));
            }
        }
        self.ahead[0].call::<true>(turn);
        self.ahead[1].call::<false>(turn);
    }
}

/// Elements of a cache line.
pub(super) const LINE_ELEMENTS: usize = 16;

/// A hint, near for what comes within a tile or two; it reads nothing and never faults.
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

/// Which terms the rows of a tile have, counted from its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All rows all terms.
    Full,
    /// Row r the [`Tile`]'s terms and r more.
    Growing,
    /// Row r begins at term r; behind the last row's first one are the [`Tile`]'s terms.
    Late,
}

/// The shapes as constants of a body.
#[cfg(target_arch = "x86_64")]
const FULL: u8 = Shape::Full as u8;
#[cfg(target_arch = "x86_64")]
const GROWING: u8 = Shape::Growing as u8;
#[cfg(target_arch = "x86_64")]
const LATE: u8 = Shape::Late as u8;

/// Runs a tile of a fixed number of rows.
///
/// # Safety
/// The machine has the instructions of the tile's body, and everything that the [`Tile`] names for its rows,
/// columns and terms can be read (`out`: written, and not read by anyone else), but for `next` and `ahead`, which are
/// hints and may lie past all that there is.
pub(super) type Run = unsafe fn(&Tile);

/// [`super::product::pack::panels`], with the body's instructions: the body, operand b, terms, columns, to.
///
/// # Safety
/// The machine has the instructions of the body, the terms and columns of b can be read, and `to` can be written over
/// as many terms of whole panels.
pub(super) type Pack = unsafe fn(&Micro, Matrix, usize, usize, *mut f32);

/// [`super::product::pack::rows`], with the body's instructions: operand a, rows, terms, to.
///
/// # Safety
/// The machine has the instructions of the body, a's terms are neighbors, its rows and terms can be read, and `to` can
/// be written over [`LINE`] elements a row; there are at most LINE terms.
pub(super) type PackRows = unsafe fn(Matrix, usize, usize, *mut f32);

/// Copies lines of up to `Micro::height` elements, whatever follows them: from, elements between two lines, elements
/// of a line, lines, to; there each line takes `Micro::height`.
///
/// # Safety
/// The machine has the instructions of the body, a line has at least 1 and at most `Micro::height` elements, all of
/// them can be read, and `to` can be written over `Micro::height` elements a line. Nothing else is touched.
pub(super) type PackTerms = unsafe fn(*const f32, usize, usize, usize, *mut f32);

/// Copies a square of `Micro::side` transposed: from, elements between its rows, to, elements between its rows.
///
/// # Safety
/// The machine has the instructions of the body, the square can be read at `from` and written at `to`, and the two do
/// not overlap.
pub(super) type Transpose = unsafe fn(*const f32, usize, *mut f32, usize);

/// The tiles of one body.
#[derive(Clone, Copy)]
pub(super) struct Micro {
    /// Most rows of a tile.
    pub rows: usize,
    /// Columns of every tile.
    pub columns: usize,
    by_rows: &'static [Run],
    by_terms: &'static [Run],
    /// [`Shape::Growing`] by rows; empty where the body has none.
    growing: &'static [Run],
    /// [`Shape::Late`] by terms; empty where the body has none.
    late: &'static [Run],
    /// Elements between two terms of a strip of operand a that is packed by terms; at least `rows`.
    pub height: usize,
    /// Packs a block of operand b: the body's own compilation of [`super::product::pack::panels`].
    pub pack: Pack,
    /// Packs a strip of operand a by rows: likewise.
    pub pack_rows: PackRows,
    /// Packs a strip of operand a by terms.
    pub pack_terms: PackTerms,
    /// Copies a square of `side` transposed.
    pub transpose: Transpose,
    /// Side of that square.
    pub side: usize,
}

impl Micro {
    /// The tiles of a backend.
    pub fn of(backend: Backend) -> &'static Micro {
        match backend {
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => &avx512::MICRO,
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => &avx2::MICRO,
            #[cfg(target_arch = "aarch64")]
            Backend::Neon => &neon::MICRO,
            _ => &generic::MICRO,
        }
    }

    /// True where [`Micro::run`] has bodies for that shape.
    #[inline(always)]
    pub fn has(&self, by_rows: bool, shape: Shape) -> bool {
        match shape {
            Shape::Full => true,
            Shape::Growing => by_rows && !self.growing.is_empty(),
            Shape::Late => !by_rows && !self.late.is_empty(),
        }
    }

    /// The body for `rows` rows, at least 1 and at most [`Micro::rows`], of a shape that it [has](Micro::has).
    #[inline(always)]
    pub fn run(&self, rows: usize, by_rows: bool, shape: Shape) -> Run {
        let bodies = match shape {
            Shape::Full if by_rows => self.by_rows,
            Shape::Full => self.by_terms,
            Shape::Growing => self.growing,
            Shape::Late => self.late,
        };
        bodies[rows - 1]
    }
}

/// Makes NaNs canonical in a tile that was stored with some: in memory, so that the tile itself never leaves the
/// registers.
///
/// # Safety
/// `rows` rows of `columns` elements of the output can be read and written.
#[cold]
#[inline(never)]
unsafe fn canonicalize(out: *mut f32, out_row: usize, rows: usize, columns: usize) {
    for r in 0..rows {
        for j in 0..columns {
            // SAFETY: the caller vouches for the tile.
            unsafe {
                let slot = out.add(r * out_row + j);
                *slot = f32::from_bits(canonical(*slot));
            }
        }
    }
}

/// Some constants, one after another, as statements of their own: loops over them may stay loops, and accumulators that
/// a loop chooses do not stay in registers.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_macros))]
macro_rules! each {
    ($name:ident in $($value:literal)* => $body:block) => {
        $({ const $name: usize = $value; $body })*
    };
}
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_imports))]
use each;

/// The bodies of tiles of 1, 2, ... rows: `run` with each of them and some more constants.
macro_rules! bodies {
    ($run:ident; $constants:tt; $($rows:literal)*) => {
        &[$(bodies!(@ $run; $constants; $rows)),*]
    };
    (@ $run:ident; [$($constant:expr),*]; $rows:literal) => {
        $run::<$rows, $({ $constant }),*>
    };
}
use bodies;
