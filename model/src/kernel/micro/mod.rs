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

/// Elements between two rows of a strip of operand a that is packed by rows; no block has more terms.
pub(super) const LINE: usize = 256;

/// What one tile reads and writes. Panels of b hold `Micro::columns` neighbors a term.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// First element of operand a: by rows `a[r * LINE + k]`, by terms `a[r + k * a_term]`.
    pub a: *const f32,
    /// Elements between two terms of a, by terms only.
    pub a_term: usize,
    /// First element of the panel of operand b.
    pub b: *const f32,
    /// Terms to walk.
    pub terms: usize,
    /// Where the accumulators begin; null for +0.
    pub start: *const f32,
    /// Elements between two rows of the start.
    pub start_row: usize,
    /// Where the accumulators go, canonical.
    pub out: *mut f32,
    /// Elements between two rows of the output.
    pub out_row: usize,
}

/// Runs a tile of a fixed number of rows.
///
/// # Safety
/// The machine has the instructions of the tile's body, and everything that the [`Tile`] names for its rows,
/// columns and terms can be read (`out`: written, and not read by anyone else).
pub(super) type Run = unsafe fn(&Tile);

/// [`super::product::pack::panel`], with the body's instructions.
pub(super) type Pack = unsafe fn(&Micro, Matrix, usize, usize, *mut f32);

/// The tiles of one body.
#[derive(Clone, Copy)]
pub(super) struct Micro {
    /// Most rows of a tile.
    pub rows: usize,
    /// Columns of every tile.
    pub columns: usize,
    by_rows: &'static [Run],
    by_terms: &'static [Run],
    /// Packs a panel of operand b: the body's own compilation of [`super::product::pack::panel`].
    pub pack: Pack,
    /// Copies a square transposed: from, elements between its rows, to, elements between its rows.
    pub transpose: unsafe fn(*const f32, usize, *mut f32, usize),
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

    /// The body for `rows` rows, at least 1 and at most [`Micro::rows`].
    #[inline(always)]
    pub fn run(&self, rows: usize, by_rows: bool) -> Run {
        if by_rows { self.by_rows[rows - 1] } else { self.by_terms[rows - 1] }
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

/// The bodies of tiles of 1, 2, ... rows.
macro_rules! bodies {
    ($run:ident; $by_rows:literal; $($rows:literal)*) => {
        &[$($run::<$rows, $by_rows>),*]
    };
}
use bodies;
