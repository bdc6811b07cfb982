//! Tiles for AVX-512F: 14 x 32 accumulators in 28 of the 32 registers.

use super::super::product::Matrix;
use super::super::product::pack::{panels, rows};
use super::{FULL, GROWING, LATE, Micro, Run, Tile, bodies, canonicalize, each};
use std::arch::x86_64::{
    __m512, __mmask16, _CMP_UNORD_Q, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_maskz_loadu_ps, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_storeu_ps,
};

const BY_ROWS: &[Run] = bodies!(run; [true, FULL]; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
const BY_TERMS: &[Run] = bodies!(run; [false, FULL]; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
const GROWING_BY_ROWS: &[Run] = bodies!(run; [true, GROWING]; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
const LATE_BY_TERMS: &[Run] = bodies!(run; [false, LATE]; 1 2 3 4 5 6 7 8 9 10 11 12 13 14);

pub(super) const MICRO: Micro = Micro {
    rows: 14,
    columns: 32,
    by_rows: BY_ROWS,
    by_terms: BY_TERMS,
    growing: GROWING_BY_ROWS,
    late: LATE_BY_TERMS,
    height: 16,
    pack,
    pack_rows,
    pack_terms,
    transpose,
    side: 16,
};

/// # Safety
/// See [`Run`]: AVX-512F, and a tile whose places exist.
#[target_feature(enable = "avx512f")]
unsafe fn run<const R: usize, const BY_ROWS: bool, const SHAPE: u8>(t: &Tile) {
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
    let mut at = Places::<R, BY_ROWS>::new(t);
    if SHAPE == LATE {
        each!(TERM in 0 1 2 3 4 5 6 7 8 9 10 11 12 => {
            if TERM + 1 < R {
                // SAFETY: the caller vouches for R - 1 terms before those of all rows.
                unsafe { at.term(&mut sums, t, 0, TERM + 1) };
            }
        });
    }
    let (mut turn, mut left) = (0, t.terms);
    while left > 0 {
        t.call::<R, 32>(turn);
        let count = left.min(t.turn());
        (turn, left) = (turn + 1, left - count);
        for _ in 0..count {
            // SAFETY: the caller vouches for `terms` terms of R rows of a and 32 columns of b.
            unsafe { at.term(&mut sums, t, 0, R) };
        }
    }
    if SHAPE == GROWING {
        each!(FIRST in 1 2 3 4 5 6 7 8 9 10 11 12 13 => {
            if FIRST < R {
                // SAFETY: the caller vouches for R - 1 terms behind those of all rows.
                unsafe { at.term(&mut sums, t, FIRST, R) };
            }
        });
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

/// Where the next term is.
struct Places<const R: usize, const BY_ROWS: bool> {
    /// Three places, each of which reaches five rows: more would not fit into registers.
    a: [*const f32; 3],
    b: *const f32,
}

impl<const R: usize, const BY_ROWS: bool> Places<R, BY_ROWS> {
    #[inline]
    fn new(t: &Tile) -> Self {
        Places { a: [0, 5, 10].map(|r| t.a.wrapping_add(r * t.a_step)), b: t.b }
    }

    /// A term of the rows from `first` up to `end`, both constants.
    ///
    /// # Safety
    /// See [`Run`]: the term exists.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn term(&mut self, sums: &mut [[__m512; 2]; R], t: &Tile, first: usize, end: usize) {
        let [a, a5, a10] = self.a;
        // SAFETY: the caller vouches for the term of these rows of a and 32 columns of b.
        unsafe {
            let y = [_mm512_loadu_ps(self.b), _mm512_loadu_ps(self.b.add(16))];
            for (r, line) in sums.iter_mut().enumerate() {
                if r < first || r >= end {
                    continue;
                }
                let at = match r {
                    _ if !BY_ROWS => a.add(r),
                    0..5 => a.add(r * t.a_step),
                    5..10 => a5.add((r - 5) * t.a_step),
                    _ => a10.add((r - 10) * t.a_step),
                };
                let x = _mm512_set1_ps(*at);
                *line = [_mm512_fmadd_ps(x, y[0], line[0]), _mm512_fmadd_ps(x, y[1], line[1])];
            }
        }
        let a_term = if BY_ROWS { 1 } else { t.a_step };
        self.a = self.a.map(|a| a.wrapping_add(a_term));
        self.b = self.b.wrapping_add(t.b_step);
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
/// See [`panels`].
#[target_feature(enable = "avx512f")]
unsafe fn pack(micro: &Micro, b: Matrix, terms: usize, live: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe { panels(micro, b, terms, live, to) }
}

/// # Safety
/// See [`rows`].
#[target_feature(enable = "avx512f")]
unsafe fn pack_rows(a: Matrix, tall: usize, terms: usize, to: *mut f32) {
    // SAFETY: the caller vouches for both extents.
    unsafe { rows(a, tall, terms, to) }
}

/// # Safety
/// See [`super::PackTerms`]: `terms` lines of `tall` elements, at least 1 and at most 16.
#[target_feature(enable = "avx512f")]
unsafe fn pack_terms(mut from: *const f32, down: usize, tall: usize, terms: usize, mut to: *mut f32) {
    let live: __mmask16 = u16::MAX >> (16 - tall);
    for _ in 0..terms {
        // SAFETY: the caller vouches for the live elements; a masked load touches no other.
        unsafe { _mm512_storeu_ps(to, _mm512_maskz_loadu_ps(live, from)) };
        from = from.wrapping_add(down);
        to = to.wrapping_add(16);
    }
}

/// An upper lane is its own where the bit of `distance` is clear, else the lower row's lane below.
const fn picks(distance: i32) -> [[i32; 16]; 2] {
    let mut found = [[0; 16]; 2];
    let mut lane = 0;
    while lane < 16 {
        let own = lane & distance == 0;
        found[0][lane as usize] = if own { lane } else { 16 + (lane ^ distance) };
        found[1][lane as usize] = if own { lane ^ distance } else { 16 + lane };
        lane += 1;
    }
    found
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
    let now = swap::<8>(now);
    let now = swap::<4>(now);
    let now = swap::<2>(now);
    let now = swap::<1>(now);
    for (i, line) in now.iter().enumerate() {
        // SAFETY: the caller vouches for the square.
        unsafe { _mm512_storeu_ps(to.add(i * down), *line) };
    }
}

/// Swaps the halves of the pairs of rows that are DISTANCE apart; a constant, so that all rows stay in registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap<const DISTANCE: usize>(mut now: [__m512; 16]) -> [__m512; 16] {
    let picks = const { picks(DISTANCE as i32) };
    // SAFETY: an array of sixteen lanes is what a vector is loaded from.
    let [upper, lower] = picks.each_ref().map(|p| unsafe { _mm512_loadu_si512(p.as_ptr().cast()) });
    for i in 0..16 {
        if i & DISTANCE == 0 {
            let (x, y) = (now[i], now[i + DISTANCE]);
            now[i] = _mm512_permutex2var_ps(x, upper, y);
            now[i + DISTANCE] = _mm512_permutex2var_ps(x, lower, y);
        }
    }
    now
}
