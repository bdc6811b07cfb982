//! Lays operands out as tiles read them (M-3.3): panels of b, strips of a.

use super::super::micro::{LINE, Micro};
use super::{Left, Matrix};

/// Packs `terms` terms of `live` neighbors into a panel; the rest of each line is +0 and never stored.
///
/// # Safety
/// `b` can be read over `terms` x `live`, `to` written over `terms` x `Micro::columns`.
#[inline(always)]
pub(in crate::kernel) unsafe fn panel(micro: &Micro, b: Matrix, terms: usize, live: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe {
        if b.column == 1 {
            along(b.at, b.row, terms, live, micro.columns, to);
        } else {
            across(b, terms, live, micro, to);
        }
    }
}

/// Lines that are contiguous in the leaf.
#[inline(always)]
unsafe fn along(
    mut from: *const f32,
    down: usize,
    terms: usize,
    live: usize,
    columns: usize,
    mut to: *mut f32,
) {
    // SAFETY: the caller vouches for `terms` lines of `live` elements, and as many of `columns`.
    unsafe {
        for _ in 0..terms {
            if live == columns && columns == 32 {
                *to.cast::<[f32; 32]>() = *from.cast::<[f32; 32]>();
            } else if live == columns && columns == 16 {
                *to.cast::<[f32; 16]>() = *from.cast::<[f32; 16]>();
            } else {
                std::ptr::copy_nonoverlapping(from, to, live);
                to.add(live).write_bytes(0, columns - live);
            }
            from = from.wrapping_add(down);
            to = to.wrapping_add(columns);
        }
    }
}

/// A transposed view: neighbors of a line lie `b.column` elements apart.
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

/// Packs `tall` rows and `terms` terms of operand a.
///
/// # Safety
/// `a` can be read over `tall` x `terms`, `to` written over LINE x `tall`; `terms` is at most LINE.
#[inline(always)]
pub(super) unsafe fn strip(a: Matrix, tall: usize, terms: usize, to: *mut f32) -> Left {
    // SAFETY: the caller vouches for both extents.
    unsafe {
        if a.column == 1 {
            for r in 0..tall {
                std::ptr::copy_nonoverlapping(a.at.add(r * a.row), to.add(r * LINE), terms);
            }
            return Left::Rows(to);
        }
        for k in 0..terms {
            let from = a.at.add(k * a.column);
            if a.row == 1 {
                std::ptr::copy_nonoverlapping(from, to.add(k * tall), tall);
            } else {
                for r in 0..tall {
                    *to.add(k * tall + r) = *from.add(r * a.row);
                }
            }
        }
        Left::Terms(to, tall)
    }
}
