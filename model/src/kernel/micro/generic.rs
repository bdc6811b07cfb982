//! Tiles without instructions of their own: the compiler's vectors, on any machine.

use super::super::product::pack::{panels, rows, terms};
use super::{Micro, Run, Tile, bodies};
use crate::arithmetic::{Real32, canonical};
use crate::emulated::Portable32 as Plain;

/// Columns of a tile.
const C: usize = 16;
/// Side of a transposed square.
const SIDE: usize = 8;

const BY_ROWS: &[Run] = bodies!(run; [true]; 1 2 3 4);
const BY_TERMS: &[Run] = bodies!(run; [false]; 1 2 3 4);

pub(super) const MICRO: Micro = Micro {
    rows: 4,
    columns: C,
    by_rows: BY_ROWS,
    by_terms: BY_TERMS,
    growing: &[],
    late: &[],
    height: 4,
    pack: panels,
    pack_rows: rows,
    pack_terms: terms::<4>,
    transpose,
    side: SIDE,
};

/// # Safety
/// See [`Run`]: a tile whose places exist.
unsafe fn run<const R: usize, const BY_ROWS: bool>(t: &Tile) {
    let mut sums = [[<Plain as Real32>::from_bits(0); C]; R];
    if !t.start.is_null() {
        for (r, line) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for R rows of C start values.
            *line = unsafe { read(t.start.add(r * t.start_row)) };
        }
    }
    let (mut a, mut b) = (t.a, t.b);
    let (a_row, a_term) = if BY_ROWS { (t.a_step, 1) } else { (1, t.a_step) };
    for _ in 0..t.terms {
        // SAFETY: the caller vouches for `terms` terms of R rows of a and C columns of b.
        unsafe {
            let y = read(b);
            for (r, line) in sums.iter_mut().enumerate() {
                let x = <Plain as Real32>::from_bits((*a.add(r * a_row)).to_bits());
                for j in 0..C {
                    line[j] = x.fma(y[j], line[j]);
                }
            }
            a = a.wrapping_add(a_term);
            b = b.wrapping_add(t.b_step);
        }
    }
    for (r, line) in sums.iter().enumerate() {
        // SAFETY: the caller vouches for R rows of C output elements.
        unsafe {
            let to = t.out.add(r * t.out_row);
            for (j, sum) in line.iter().enumerate() {
                *to.add(j) = f32::from_bits(canonical(*sum));
            }
        }
    }
}

/// # Safety
/// C elements can be read.
#[inline(always)]
unsafe fn read(from: *const f32) -> [Plain; C] {
    // SAFETY: the caller vouches for C elements.
    std::array::from_fn(|j| <Plain as Real32>::from_bits(unsafe { *from.add(j) }.to_bits()))
}

/// # Safety
/// SIDE rows of SIDE elements can be read and written.
unsafe fn transpose(from: *const f32, across: usize, to: *mut f32, down: usize) {
    for i in 0..SIDE {
        for j in 0..SIDE {
            // SAFETY: the caller vouches for the square.
            unsafe { *to.add(i * down + j) = *from.add(j * across + i) };
        }
    }
}
