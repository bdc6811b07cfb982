//! Tiles for NEON: 6 x 16 accumulators in 24 of the 32 registers.

use super::super::product::pack::{panels, rows, terms};
use super::{Micro, Run, Tile, bodies, canonicalize};
use std::arch::aarch64::{
    float32x4_t, uint32x4_t, vandq_u32, vceqq_f32, vdupq_n_f32, vdupq_n_u32, vfmaq_n_f32, vld1q_f32,
    vminvq_u32, vreinterpretq_f32_f64, vreinterpretq_f64_f32, vst1q_f32, vtrn1q_f32, vtrn1q_f64, vtrn2q_f32,
    vtrn2q_f64,
};

/// Vectors of four columns.
const VECTORS: usize = 4;

const BY_ROWS: &[Run] = bodies!(run; [true]; 1 2 3 4 5 6);
const BY_TERMS: &[Run] = bodies!(run; [false]; 1 2 3 4 5 6);

pub(super) const MICRO: Micro = Micro {
    rows: 6,
    columns: 16,
    by_rows: BY_ROWS,
    by_terms: BY_TERMS,
    growing: &[],
    late: &[],
    height: 8,
    pack: panels,
    pack_rows: rows,
    pack_terms: terms::<8>,
    transpose,
    side: 4,
};

/// # Safety
/// See [`Run`]: a tile whose places exist.
unsafe fn run<const R: usize, const BY_ROWS: bool>(t: &Tile) {
    // SAFETY: every aarch64 processor that runs this has NEON; the caller vouches for the tile's places.
    unsafe {
        let mut sums = [[vdupq_n_f32(0.0); VECTORS]; R];
        if !t.start.is_null() {
            for (r, line) in sums.iter_mut().enumerate() {
                *line = read(t.start.add(r * t.start_row));
            }
        }
        let (mut a, mut b) = (t.a, t.b);
        let (a_row, a_term) = if BY_ROWS { (t.a_step, 1) } else { (1, t.a_step) };
        for _ in 0..t.terms {
            let y = read(b);
            for (r, line) in sums.iter_mut().enumerate() {
                let x = *a.add(r * a_row);
                for (sum, y) in line.iter_mut().zip(y) {
                    *sum = vfmaq_n_f32(*sum, y, x);
                }
            }
            a = a.wrapping_add(a_term);
            b = b.wrapping_add(t.b_step);
        }
        for (r, line) in sums.iter().enumerate() {
            let to = t.out.add(r * t.out_row);
            for (v, sum) in line.iter().enumerate() {
                vst1q_f32(to.add(4 * v), *sum);
            }
        }
        if has_nan(&sums) {
            canonicalize(t.out, t.out_row, R, 4 * VECTORS);
        }
    }
}

/// # Safety
/// Sixteen elements can be read.
#[inline(always)]
unsafe fn read(from: *const f32) -> [float32x4_t; VECTORS] {
    // SAFETY: the caller vouches for them.
    std::array::from_fn(|v| unsafe { vld1q_f32(from.add(4 * v)) })
}

/// A NaN is what does not equal itself.
#[inline(always)]
fn has_nan<const R: usize>(sums: &[[float32x4_t; VECTORS]; R]) -> bool {
    // SAFETY: NEON is always there.
    unsafe {
        let mut same: uint32x4_t = vdupq_n_u32(u32::MAX);
        for x in sums.as_flattened() {
            same = vandq_u32(same, vceqq_f32(*x, *x));
        }
        vminvq_u32(same) == 0
    }
}

/// # Safety
/// Four rows of four elements can be read and written.
unsafe fn transpose(from: *const f32, across: usize, to: *mut f32, down: usize) {
    // SAFETY: the caller vouches for the square.
    unsafe {
        let x: [float32x4_t; 4] = std::array::from_fn(|j| vld1q_f32(from.add(j * across)));
        let pairs =
            [vtrn1q_f32(x[0], x[1]), vtrn2q_f32(x[0], x[1]), vtrn1q_f32(x[2], x[3]), vtrn2q_f32(x[2], x[3])];
        let wide = pairs.map(|pair| vreinterpretq_f64_f32(pair));
        let lines = [
            vtrn1q_f64(wide[0], wide[2]),
            vtrn1q_f64(wide[1], wide[3]),
            vtrn2q_f64(wide[0], wide[2]),
            vtrn2q_f64(wide[1], wide[3]),
        ];
        for (i, line) in lines.into_iter().enumerate() {
            vst1q_f32(to.add(i * down), vreinterpretq_f32_f64(line));
        }
    }
}
