//! Tiles for AVX2 with FMA: 6 x 16 accumulators in 12 of the 16 registers.

use super::super::product::Matrix;
use super::super::product::pack::{panels, rows};
use super::{FULL, GROWING, LATE, Micro, Run, Tile, bodies, canonicalize, each};
use std::arch::x86_64::{
    __m256, _CMP_UNORD_Q, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_maskload_ps, _mm256_movemask_ps, _mm256_or_ps, _mm256_permute2f128_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

const BY_ROWS: &[Run] = bodies!(run; [true, FULL]; 1 2 3 4 5 6);
const BY_TERMS: &[Run] = bodies!(run; [false, FULL]; 1 2 3 4 5 6);
const GROWING_BY_ROWS: &[Run] = bodies!(run; [true, GROWING]; 1 2 3 4 5 6);
const LATE_BY_TERMS: &[Run] = bodies!(run; [false, LATE]; 1 2 3 4 5 6);

pub(super) const MICRO: Micro = Micro {
    rows: 6,
    columns: 16,
    by_rows: BY_ROWS,
    by_terms: BY_TERMS,
    growing: GROWING_BY_ROWS,
    late: LATE_BY_TERMS,
    height: 8,
    pack,
    pack_rows,
    pack_terms,
    transpose,
    side: 8,
};

/// # Safety
/// See [`Run`]: AVX2 and FMA, and a tile whose places exist.
#[target_feature(enable = "avx2,fma")]
unsafe fn run<const R: usize, const BY_ROWS: bool, const SHAPE: u8>(t: &Tile) {
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    if !t.start.is_null() {
        for (r, line) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for R rows of 16 start values.
            unsafe {
                let from = t.start.add(r * t.start_row);
                *line = [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))];
            }
        }
    }
    let mut at = Places::<R, BY_ROWS>::new(t);
    if SHAPE == LATE {
        each!(TERM in 0 1 2 3 4 => {
            if TERM + 1 < R {
                // SAFETY: the caller vouches for R - 1 terms before those of all rows.
                unsafe { at.term(&mut sums, t, 0, TERM + 1) };
            }
        });
    }
    let (mut turn, mut left) = (0, t.terms);
    while left > 0 {
        t.call::<R, 16>(turn);
        let count = left.min(t.turn());
        (turn, left) = (turn + 1, left - count);
        for _ in 0..count {
            // SAFETY: the caller vouches for `terms` terms of R rows of a and 16 columns of b.
            unsafe { at.term(&mut sums, t, 0, R) };
        }
    }
    if SHAPE == GROWING {
        each!(FIRST in 1 2 3 4 5 => {
            if FIRST < R {
                // SAFETY: the caller vouches for R - 1 terms behind those of all rows.
                unsafe { at.term(&mut sums, t, FIRST, R) };
            }
        });
    }
    for (r, line) in sums.iter().enumerate() {
        // SAFETY: the caller vouches for R rows of 16 output elements.
        unsafe {
            let to = t.out.add(r * t.out_row);
            _mm256_storeu_ps(to, line[0]);
            _mm256_storeu_ps(to.add(8), line[1]);
        }
    }
    if has_nan(&sums) {
        // SAFETY: these are the elements that were just written.
        unsafe { canonicalize(t.out, t.out_row, R, 16) };
    }
}

/// Where the next term is.
struct Places<const R: usize, const BY_ROWS: bool> {
    /// Two places, which reach five rows and one: more would not fit into registers.
    a: [*const f32; 2],
    b: *const f32,
}

impl<const R: usize, const BY_ROWS: bool> Places<R, BY_ROWS> {
    #[inline]
    fn new(t: &Tile) -> Self {
        Places { a: [0, 5].map(|r| t.a.wrapping_add(r * t.a_step)), b: t.b }
    }

    /// A term of the rows from `first` up to `end`, both constants.
    ///
    /// # Safety
    /// See [`Run`]: the term exists.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn term(&mut self, sums: &mut [[__m256; 2]; R], t: &Tile, first: usize, end: usize) {
        let [a, a5] = self.a;
        // SAFETY: the caller vouches for the term of these rows of a and 16 columns of b.
        unsafe {
            let y = [_mm256_loadu_ps(self.b), _mm256_loadu_ps(self.b.add(8))];
            for (r, line) in sums.iter_mut().enumerate() {
                if r < first || r >= end {
                    continue;
                }
                let at = match r {
                    _ if !BY_ROWS => a.add(r),
                    0..5 => a.add(r * t.a_step),
                    _ => a5,
                };
                let x = _mm256_set1_ps(*at);
                *line = [_mm256_fmadd_ps(x, y[0], line[0]), _mm256_fmadd_ps(x, y[1], line[1])];
            }
        }
        let a_term = if BY_ROWS { 1 } else { t.a_step };
        self.a = self.a.map(|a| a.wrapping_add(a_term));
        self.b = self.b.wrapping_add(t.b_step);
    }
}

/// One comparison for two vectors: unordered is what a NaN on either side is.
#[target_feature(enable = "avx2,fma")]
fn has_nan<const R: usize>(sums: &[[__m256; 2]; R]) -> bool {
    let mut found = _mm256_setzero_ps();
    for line in sums {
        found = _mm256_or_ps(found, _mm256_cmp_ps::<_CMP_UNORD_Q>(line[0], line[1]));
    }
    _mm256_movemask_ps(found) != 0
}

/// # Safety
/// See [`panels`].
#[target_feature(enable = "avx2,fma")]
unsafe fn pack(micro: &Micro, b: Matrix, terms: usize, live: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe { panels(micro, b, terms, live, to) }
}

/// # Safety
/// See [`rows`].
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_rows(a: Matrix, tall: usize, terms: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe { rows(a, tall, terms, to) }
}

/// # Safety
/// See [`super::PackTerms`]: `terms` lines of `tall` elements, at least 1 and at most 8.
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_terms(mut from: *const f32, down: usize, tall: usize, terms: usize, mut to: *mut f32) {
    let lanes: [i32; 8] = std::array::from_fn(|lane| if lane < tall { -1 } else { 0 });
    // SAFETY: an array of eight lanes is what a vector is loaded from.
    let live = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
    for _ in 0..terms {
        // SAFETY: the caller vouches for the live elements; a masked load touches no other.
        unsafe { _mm256_storeu_ps(to, _mm256_maskload_ps(from, live)) };
        from = from.wrapping_add(down);
        to = to.wrapping_add(8);
    }
}

/// Eight vectors: pairs, pairs of pairs, then halves.
///
/// # Safety
/// AVX2; 8 rows of 8 elements can be read and written.
#[target_feature(enable = "avx2,fma")]
unsafe fn transpose(from: *const f32, across: usize, to: *mut f32, down: usize) {
    let mut x = [_mm256_setzero_ps(); 8];
    for (j, line) in x.iter_mut().enumerate() {
        // SAFETY: the caller vouches for the square.
        *line = unsafe { _mm256_loadu_ps(from.add(j * across)) };
    }
    let mut pairs = x;
    for j in (0..8).step_by(2) {
        pairs[j] = _mm256_unpacklo_ps(x[j], x[j + 1]);
        pairs[j + 1] = _mm256_unpackhi_ps(x[j], x[j + 1]);
    }
    let mut quads = x;
    for j in [0, 4] {
        let [a, b, c, d] = [pairs[j], pairs[j + 1], pairs[j + 2], pairs[j + 3]];
        quads[j] = _mm256_shuffle_ps::<0x44>(a, c);
        quads[j + 1] = _mm256_shuffle_ps::<0xEE>(a, c);
        quads[j + 2] = _mm256_shuffle_ps::<0x44>(b, d);
        quads[j + 3] = _mm256_shuffle_ps::<0xEE>(b, d);
    }
    for j in 0..4 {
        let (low, high) = (quads[j], quads[j + 4]);
        // SAFETY: the caller vouches for the square.
        unsafe {
            _mm256_storeu_ps(to.add(j * down), _mm256_permute2f128_ps::<0x20>(low, high));
            _mm256_storeu_ps(to.add((j + 4) * down), _mm256_permute2f128_ps::<0x31>(low, high));
        }
    }
}
