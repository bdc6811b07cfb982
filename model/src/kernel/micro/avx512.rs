//! Tiles for AVX-512F: 14 x 32 accumulators in 28 of the 32 registers.

use super::super::product::{Matrix, pack::panel};
use super::{LINE, Micro, Run, Tile, bodies, canonicalize};
use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_UNORD_Q, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

const BY_ROWS: &[Run] = bodies!(run; true; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
const BY_TERMS: &[Run] = bodies!(run; false; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);

pub(super) const MICRO: Micro =
    Micro { rows: 14, columns: 32, by_rows: BY_ROWS, by_terms: BY_TERMS, pack, transpose, side: 16 };

/// # Safety
/// See [`Run`]: AVX-512F, and a tile whose places exist.
#[target_feature(enable = "avx512f")]
unsafe fn run<const R: usize, const BY_ROWS: bool>(t: &Tile) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    if !t.start.is_null() {
        for (r, line) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for R rows of 32 start values.
            unsafe {
                let from = t.start.add(r * t.start_row);
                *line = [_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16))];
            }
        }
    }
    let (mut a, mut b) = (t.a, t.b);
    let a_term = if BY_ROWS { 1 } else { t.a_term };
    for _ in 0..t.terms {
        // SAFETY: the caller vouches for `terms` terms of R rows of a and 32 columns of b.
        unsafe {
            let y = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16))];
            for (r, line) in sums.iter_mut().enumerate() {
                let x = _mm512_set1_ps(*a.add(if BY_ROWS { r * LINE } else { r }));
                *line = [_mm512_fmadd_ps(x, y[0], line[0]), _mm512_fmadd_ps(x, y[1], line[1])];
            }
            a = a.add(a_term);
            b = b.add(32);
        }
    }
    for (r, line) in sums.iter().enumerate() {
        // SAFETY: the caller vouches for R rows of 32 output elements.
        unsafe {
            let to = t.out.add(r * t.out_row);
            _mm512_storeu_ps(to, line[0]);
            _mm512_storeu_ps(to.add(16), line[1]);
        }
    }
    if has_nan(&sums) {
        // SAFETY: these are the elements that were just written.
        unsafe { canonicalize(t.out, t.out_row, R, 32) };
    }
}

/// One comparison for two vectors: unordered is what a NaN on either side is.
#[target_feature(enable = "avx512f")]
fn has_nan<const R: usize>(sums: &[[__m512; 2]; R]) -> bool {
    let mut found: __mmask16 = 0;
    for line in sums {
        found |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(line[0], line[1]);
    }
    found != 0
}

/// # Safety
/// See [`panel`].
#[target_feature(enable = "avx512f")]
unsafe fn pack(micro: &Micro, b: Matrix, terms: usize, live: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe { panel(micro, b, terms, live, to) }
}

/// Sixteen vectors: four rounds swap the halves of pairs at distance 8, 4, 2, 1.
///
/// # Safety
/// AVX-512F; 16 rows of 16 elements can be read and written.
#[target_feature(enable = "avx512f")]
unsafe fn transpose(from: *const f32, across: usize, to: *mut f32, down: usize) {
    let mut now = [_mm512_setzero_ps(); 16];
    for (j, line) in now.iter_mut().enumerate() {
        // SAFETY: the caller vouches for the square.
        *line = unsafe { _mm512_loadu_ps(from.add(j * across)) };
    }
    for distance in [8, 4, 2, 1] {
        // Lane j of the upper row: its own where the bit of `distance` is clear, else the lower row's lane below.
        let pick = |set: i32| -> __m512i {
            let lane = |j: i32| match (j & distance == 0, set) {
                (true, 0) => j,
                (false, 0) => 16 + (j ^ distance),
                (true, _) => j ^ distance,
                (false, _) => 16 + j,
            };
            let lanes: [i32; 16] = std::array::from_fn(|j| lane(j as i32));
            // SAFETY: an array of sixteen lanes is what a vector is loaded from.
            unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
        };
        let (upper, lower) = (pick(0), pick(1));
        let before = now;
        for i in (0..16).filter(|i| i & distance as usize == 0) {
            let (x, y) = (before[i], before[i + distance as usize]);
            now[i] = _mm512_permutex2var_ps(x, upper, y);
            now[i + distance as usize] = _mm512_permutex2var_ps(x, lower, y);
        }
    }
    for (i, line) in now.iter().enumerate() {
        // SAFETY: the caller vouches for the square.
        unsafe { _mm512_storeu_ps(to.add(i * down), *line) };
    }
}
