//! R x C accumulators in registers, and the terms they walk (M-3.3).
#![allow(clippy::needless_range_loop)] // constant bounds: the compiler unrolls these loops into registers

use crate::arithmetic::canonical;

/// Operand a of a tile: for each term, the elements of R rows.
pub(super) trait Left<const R: usize>: Copy {
    /// Element of row `r` and term `k`.
    fn at(self, r: usize, k: usize) -> f32;
}

/// Operand a as lines of R elements, one line a term.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a, const R: usize>(pub &'a [[f32; R]]);

impl<const R: usize> Left<R> for Packed<'_, R> {
    #[inline(always)]
    fn at(self, r: usize, k: usize) -> f32 {
        self.0[k][r]
    }
}

/// Operand a as it lies, where a row's terms are neighbors.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a, const R: usize>([&'a [f32]; R]);

impl<'a, const R: usize> Strided<'a, R> {
    /// Rows `across` elements apart; those that are not there repeat the last one.
    #[inline(always)]
    pub fn new(leaf: &'a [f32], across: usize, tall: usize, terms: usize) -> Self {
        let mut rows = [&leaf[..terms]; R];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = &leaf[r.min(tall - 1) * across..][..terms];
        }
        Strided(rows)
    }
}

impl<const R: usize> Left<R> for Strided<'_, R> {
    #[inline(always)]
    fn at(self, r: usize, k: usize) -> f32 {
        self.0[r][k]
    }
}

/// Terms in range of each row of a tile, first and one past the last.
#[derive(Clone, Copy)]
pub(super) struct Spans<const R: usize> {
    rows: [[usize; 2]; R],
    /// Terms that all rows have in range.
    common: [usize; 2],
}

impl<const R: usize> Spans<R> {
    /// The same terms for all rows.
    #[inline(always)]
    pub fn all(terms: usize) -> Self {
        Spans { rows: [[0, terms]; R], common: [0, terms] }
    }

    /// Causal spans: either all firsts or all ends are the same.
    #[inline(always)]
    pub fn new(rows: [[usize; 2]; R]) -> Self {
        let mut common = rows[0];
        for [from, end] in rows {
            common = [common[0].max(from), common[1].min(end)];
        }
        Spans { rows, common }
    }

    /// Terms that any row has in range, first and one past the last.
    #[inline(always)]
    pub fn any(&self) -> [usize; 2] {
        let mut any = self.rows[0];
        for [from, end] in self.rows {
            any = [any[0].min(from), any[1].max(end)];
        }
        any
    }
}

/// Where the accumulators of a tile wait.
#[derive(Clone, Copy)]
pub(super) enum Begin<'a> {
    /// Nowhere: the chains begin at +0.
    Zero,
    /// In the start value's leaf, rows this many elements apart.
    Start(&'a [f32], usize),
    /// In the output, between two blocks of terms.
    Resting,
}

/// One tile into `out`, whose rows are `down` elements apart; `edge` says how many rows and columns are there,
/// all of them where `WHOLE`: then every copy has a constant length and the tile never leaves the registers.
#[inline(always)]
pub(super) fn tile<const WHOLE: bool, const R: usize, const C: usize, L: Left<R>>(
    a: L,
    b: &[[f32; C]],
    spans: &Spans<R>,
    begin: Begin,
    out: &mut [f32],
    down: usize,
    edge: [usize; 2],
) {
    let mut tile = [[0.0; C]; R];
    match begin {
        Begin::Zero => {}
        Begin::Start(leaf, across) => read::<WHOLE, R, C>(leaf, across, edge, &mut tile),
        Begin::Resting => read::<WHOLE, R, C>(out, down, edge, &mut tile),
    }
    walk(a, b, spans, &mut tile);
    for r in 0..if WHOLE { R } else { edge[0] } {
        let clean = canonical_line(&tile[r]);
        let line = &mut out[r * down..];
        if !WHOLE {
            line[..edge[1]].copy_from_slice(&clean[..edge[1]]);
        } else if let Some(whole) = line.first_chunk_mut() {
            *whole = clean;
        }
    }
}

#[inline(always)]
fn read<const WHOLE: bool, const R: usize, const C: usize>(
    from: &[f32],
    across: usize,
    edge: [usize; 2],
    tile: &mut [[f32; C]; R],
) {
    for r in 0..if WHOLE { R } else { edge[0] } {
        let line = &from[r * across..];
        if !WHOLE {
            tile[r][..edge[1]].copy_from_slice(&line[..edge[1]]);
        } else if let Some(whole) = line.first_chunk() {
            tile[r] = *whole;
        }
    }
}

/// Canonical bits: every block's end is a place where an accumulator may be posted.
#[inline(always)]
fn canonical_line<const C: usize>(line: &[f32; C]) -> [f32; C] {
    let mut clean = [0.0; C];
    for j in 0..C {
        clean[j] = f32::from_bits(canonical(line[j]));
    }
    clean
}

/// The terms that all rows have in range run in registers, the causal ends before and after them row by row.
#[inline(always)]
fn walk<const R: usize, const C: usize, L: Left<R>>(
    a: L,
    b: &[[f32; C]],
    spans: &Spans<R>,
    tile: &mut [[f32; C]; R],
) {
    let [from, end] = spans.common;
    for r in 0..R {
        walk_row(a, b, r, spans.rows[r][0]..from, &mut tile[r]);
    }
    let mut registers = *tile;
    for k in from..end {
        let y = &b[k];
        for r in 0..R {
            let x = a.at(r, k);
            for j in 0..C {
                registers[r][j] = x.mul_add(y[j], registers[r][j]);
            }
        }
    }
    *tile = registers;
    for r in 0..R {
        walk_row(a, b, r, end..spans.rows[r][1], &mut tile[r]);
    }
}

/// Terms of one row alone.
#[inline(always)]
fn walk_row<const R: usize, const C: usize, L: Left<R>>(
    a: L,
    b: &[[f32; C]],
    r: usize,
    terms: std::ops::Range<usize>,
    line: &mut [f32; C],
) {
    for k in terms {
        let x = a.at(r, k);
        for j in 0..C {
            line[j] = x.mul_add(b[k][j], line[j]);
        }
    }
}
