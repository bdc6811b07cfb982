//! Lays operands out as tiles read them (M-3.3): panels of b, strips of a.

use super::super::micro::{LINE, LINE_ELEMENTS, Micro};
use super::{Left, Matrix};

/// Packs `terms` terms of `live` neighbors into panels; the rest of the last one's lines is +0 and never stored.
///
/// # Safety
/// `b` can be read over `terms` x `live`, `to` written over as many terms of whole panels.
#[inline(always)]
pub(in crate::kernel) unsafe fn panels(micro: &Micro, b: Matrix, terms: usize, live: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe {
        match (b.column, micro.columns) {
            (1, 32) => along::<32>(b, terms, live, to),
            (1, 16) => along::<16>(b, terms, live, to),
            (_, columns) => {
                for left in (0..live).step_by(columns) {
                    let to = to.wrapping_add(left * terms);
                    across(b.from(0, left), terms, columns.min(live - left), micro, to);
                }
            }
        }
    }
}

/// Lines that are contiguous in the leaf, term by term: each is one run of memory.
#[inline(always)]
unsafe fn along<const C: usize>(b: Matrix, terms: usize, live: usize, to: *mut f32) {
    let (whole, rest) = (live / C, live % C);
    // SAFETY: the caller vouches for `terms` lines of `live` elements, and as many of whole panels.
    unsafe {
        for k in 0..terms {
            let (from, to) = (b.at.add(k * b.row), to.add(k * C));
            for panel in 0..whole {
                *to.add(panel * terms * C).cast::<[f32; C]>() = *from.add(panel * C).cast::<[f32; C]>();
            }
            if rest > 0 {
                let to = to.add(whole * terms * C);
                std::ptr::copy_nonoverlapping(from.add(whole * C), to, rest);
                to.add(rest).write_bytes(0, C - rest);
            }
        }
    }
}

/// A panel of a transposed view: neighbors of a line lie `b.column` elements apart.
#[inline(always)]
unsafe fn across(b: Matrix, terms: usize, live: usize, micro: &Micro, to: *mut f32) {
    let (columns, side) = (micro.columns, micro.side);
    // SAFETY: the caller vouches for `terms` x `live` of b and `terms` x `columns` of the panel.
    unsafe {
        for left in (0..columns).step_by(side) {
            let whole = left + side <= live && b.row == 1;
            let squares = if whole { terms / side } else { 0 };
            for square in 0..squares {
                let from = b.at.add(left * b.column + square * side);
                (micro.transpose)(from, b.column, to.add(square * side * columns + left), columns);
            }
            for k in squares * side..terms {
                for j in left..left + side {
                    let x = if j < live { *b.at.add(j * b.column + k * b.row) } else { 0.0 };
                    *to.add(k * columns + j) = x;
                }
            }
        }
    }
}

/// Elements that a strip takes at most when packed.
pub(in crate::kernel) fn strip_length(micro: &Micro) -> usize {
    LINE * micro.height
}

/// Tiles that read a strip by terms for less than it costs to pack it.
const FEW: usize = 2;

/// `tall` rows and `terms` terms of operand a as tiles read them, packed into `to` where that pays for `panels` tiles.
///
/// # Safety
/// `a` can be read over `tall` x `terms`, `to` written over [`strip_length`]; `terms` is at most LINE.
#[inline(always)]
pub(super) unsafe fn strip(
    micro: &Micro,
    a: Matrix,
    tall: usize,
    terms: usize,
    panels: usize,
    to: *mut f32,
) -> Left {
    // SAFETY: the caller vouches for both extents.
    unsafe {
        match (a.row, a.column) {
            (row, 1) if is_spread(row) => Left::Rows(a.at, row),
            (_, 1) => {
                (micro.pack_rows)(a, tall, terms, to);
                Left::Rows(to, LINE)
            }
            (1, term) if panels <= FEW => Left::Terms(a.at, term),
            (1, term) => {
                (micro.pack_terms)(a.at, term, tall, terms, to);
                Left::Terms(to, micro.height)
            }
            _ => {
                for k in 0..terms {
                    for r in 0..tall {
                        *to.add(k * tall + r) = *a.at.add(k * a.column + r * a.row);
                    }
                }
                Left::Terms(to, tall)
            }
        }
    }
}

/// True where rows this far apart do not crowd into few sets of a cache: then tiles read them in place.
#[inline(always)]
fn is_spread(row: usize) -> bool {
    !row.is_multiple_of(2 * LINE)
}

/// Copies rows, LINE apart.
///
/// # Safety
/// `a`, whose terms are neighbors, can be read over `tall` x `terms`, `to` written over LINE x `tall`.
#[inline(always)]
pub(in crate::kernel) unsafe fn rows(a: Matrix, tall: usize, terms: usize, to: *mut f32) {
    let whole = terms / LINE_ELEMENTS * LINE_ELEMENTS;
    // SAFETY: the caller vouches for both extents.
    unsafe {
        for r in 0..tall {
            let (from, to) = (a.at.add(r * a.row), to.add(r * LINE));
            for k in (0..whole).step_by(LINE_ELEMENTS) {
                *to.add(k).cast::<[f32; LINE_ELEMENTS]>() = *from.add(k).cast::<[f32; LINE_ELEMENTS]>();
            }
            for k in whole..terms {
                *to.add(k) = *from.add(k);
            }
        }
    }
}

/// Copies terms of `tall` neighboring rows, HEIGHT apart: for the bodies without masked loads.
///
/// # Safety
/// See [`super::super::micro::PackTerms`].
pub(in crate::kernel) unsafe fn terms<const HEIGHT: usize>(
    from: *const f32,
    down: usize,
    tall: usize,
    terms: usize,
    to: *mut f32,
) {
    // SAFETY: the caller vouches for `terms` lines of `tall` elements, and as many of HEIGHT.
    unsafe {
        for k in 0..terms {
            for r in 0..tall {
                *to.add(k * HEIGHT + r) = *from.add(k * down + r);
            }
        }
    }
}
