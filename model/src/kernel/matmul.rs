//! Matrix products by register tiles over packed operands (M-3.3).
//!
//! ```text
//! for each group of output rows that share operand b
//!   for 256 columns, for 256 terms: pack b     the accumulators rest in the output between blocks of terms
//!     for R rows: pack a
//!       for C columns: R x C accumulators walk the block's terms, ascending
//! ```
//! Every element sees exactly the chain of its definition: blocks and tiles only decide who waits.

use super::Sources;
use super::lines::Line;
use crate::arithmetic::canonical;
use crate::op::Kind;
use crate::program::{Range, Row};

/// Terms of a packed block.
const BLOCK_TERMS: usize = 256;
/// Columns of a packed block; a multiple of every tile's columns.
const BLOCK_COLUMNS: usize = 256;

/// Dimension that counts the rows of one product: operand b stands still along it. `None` when no tile fits.
#[inline(always)]
pub(super) fn row_dimension(row: &Row) -> Option<usize> {
    let [a, b] = row.operands.as_slice() else { return None };
    if row.kind != Kind::MatMul || a.strides[3] != 0 || matches!(row.range, Range::UpTo(3) | Range::From(3)) {
        return None;
    }
    [2, 1].into_iter().find(|d| b.strides[*d] == 0)
}

/// Output rows that share operand b: `first + step * i` for i below `count`, numbered inside this piece.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    step: usize,
    count: usize,
}

/// The groups of the piece of `total` output rows that begins at row `first`.
#[inline(always)]
fn groups(row: &Row, dimension: usize, first: usize, total: usize) -> Vec<Group> {
    let [_, d1, d2, _] = row.shape.map(|d| d as usize);
    let mut groups = Vec::new();
    let (extent, step) = if dimension == 2 { (d2, 1) } else { (d1, d2) };
    let size = extent * step;
    for outer in first / size..(first + total).div_ceil(size) {
        for inner in 0..step {
            let base = outer * size + inner;
            let low = first.saturating_sub(base).div_ceil(step);
            let high = (first + total).saturating_sub(base).div_ceil(step).min(extent);
            if low < high {
                groups.push(Group { first: base + low * step - first, step, count: high - low });
            }
        }
    }
    groups
}

/// Continues the chains of all elements in `out`, which holds their start values.
#[inline(always)]
pub(super) fn tiled<const R: usize, const C: usize>(
    row: &Row,
    sources: &Sources,
    dimension: usize,
    first: usize,
    out: &mut [f32],
) {
    let width = row.shape[3] as usize;
    let terms = row.terms as usize;
    let panels = width.min(BLOCK_COLUMNS).div_ceil(C);
    let mut packed_b = vec![[0.0f32; C]; panels * terms.min(BLOCK_TERMS)];
    let mut packed_a = vec![[0.0f32; R]; terms.min(BLOCK_TERMS)];
    let total = out.len() / width;
    // Plain loops, since a closure would be compiled without the wrapper's instruction set.
    for group in groups(row, dimension, first, total) {
        for column in (0..width).step_by(BLOCK_COLUMNS) {
            for term in (0..terms).step_by(BLOCK_TERMS) {
                let block = Block {
                    column,
                    columns: BLOCK_COLUMNS.min(width - column),
                    term,
                    terms: BLOCK_TERMS.min(terms - term),
                };
                pack_b(row, sources, first + group.first, block, &mut packed_b);
                let rows = Rows { row, sources, dimension, first, group, block };
                rows.multiply(&mut packed_a, &packed_b, out);
            }
        }
    }
}

/// A block of operand b: some columns, some terms.
#[derive(Clone, Copy)]
struct Block {
    column: usize,
    columns: usize,
    term: usize,
    terms: usize,
}

/// Lays the block out as panels of C columns, terms one after another.
#[inline(always)]
fn pack_b<const C: usize>(row: &Row, sources: &Sources, at: usize, block: Block, packed: &mut [[f32; C]]) {
    let b = &row.operands[1];
    let (across, down) = (b.strides[3] as usize, b.term_stride as usize);
    let corner = Line::new(row, at).origin(b) + block.column * across + block.term * down;
    for (panel, lines) in packed.chunks_exact_mut(block.terms).enumerate() {
        let Some(live) = block.columns.checked_sub(panel * C).map(|left| left.min(C)) else { break };
        if live == 0 {
            break;
        }
        let leaf = &sources.operands[1][corner + panel * C * across..];
        if across == 1 {
            pack_along(leaf, down, live, lines);
        } else {
            pack_across(leaf, [across, down], live, lines);
        }
    }
}

/// Packs lines that are contiguous in the leaf, one every `down` elements.
#[inline(always)]
fn pack_along<const N: usize>(leaf: &[f32], down: usize, live: usize, lines: &mut [[f32; N]]) {
    let mut at = 0;
    for line in lines {
        match leaf[at..].first_chunk::<N>() {
            Some(chunk) if live == N => *line = *chunk,
            _ => {
                line[live..].fill(0.0);
                line[..live].copy_from_slice(&leaf[at..at + live]);
            }
        }
        at += down;
    }
}

/// Packs a transposed view: position j of line k is the leaf's element `across * j + down * k`.
#[inline(always)]
fn pack_across<const N: usize>(
    leaf: &[f32],
    [across, down]: [usize; 2],
    live: usize,
    lines: &mut [[f32; N]],
) {
    for j in 0..N {
        if j >= live {
            for line in lines.iter_mut() {
                line[j] = 0.0;
            }
        } else if down == 1 {
            let column = &leaf[j * across..j * across + lines.len()];
            for (line, x) in lines.iter_mut().zip(column) {
                line[j] = *x;
            }
        } else {
            for (k, line) in lines.iter_mut().enumerate() {
                line[j] = leaf[j * across + k * down];
            }
        }
    }
}

/// The rows of a group against one packed block.
struct Rows<'a> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    dimension: usize,
    first: usize,
    group: Group,
    block: Block,
}

impl Rows<'_> {
    #[inline(always)]
    fn multiply<const R: usize, const C: usize>(
        &self,
        packed_a: &mut [[f32; R]],
        packed_b: &[[f32; C]],
        out: &mut [f32],
    ) {
        let packed_a = &mut packed_a[..self.block.terms];
        for top in (0..self.group.count).step_by(R) {
            let tall = R.min(self.group.count - top);
            let spans = self.spans::<R>(top, tall);
            let query = self.last_live_column(top, tall);
            self.pack_a(top, tall, packed_a);
            for (panel, lines) in packed_b.chunks_exact(self.block.terms).enumerate() {
                let column = self.block.column + panel * C;
                if panel * C >= self.block.columns || column > query {
                    break;
                }
                let live = C.min(self.block.columns - panel * C);
                let mut tile = [[0.0f32; C]; R];
                let width = self.row.shape[3] as usize;
                let corner = (self.group.first + top * self.group.step) * width + column;
                let down = self.group.step * width;
                for r in 0..tall {
                    load(&out[corner + r * down..][..live], &mut tile[r]);
                }
                walk(packed_a, lines, &spans, &mut tile);
                for r in 0..tall {
                    store(&tile[r], &mut out[corner + r * down..][..live]);
                }
            }
        }
    }

    /// Row `at` of the group.
    #[inline(always)]
    fn line(&self, at: usize) -> Line {
        Line::new(self.row, self.first + self.group.first + at * self.group.step)
    }

    /// The last column that the mask leaves to any of these rows.
    #[inline(always)]
    fn last_live_column(&self, top: usize, tall: usize) -> usize {
        if !self.row.masked {
            return usize::MAX;
        }
        let last = if self.dimension == 2 { top + tall - 1 } else { top };
        self.line(last).index[2] as usize
    }

    /// Terms in range of each row, inside the block; rows that are not there share the last one's.
    #[inline(always)]
    fn spans<const R: usize>(&self, top: usize, tall: usize) -> [[usize; 2]; R] {
        let block = self.block;
        if self.row.range == Range::Full {
            return [[0, block.terms]; R];
        }
        let mut index = self.line(top).index;
        let start = index[self.dimension];
        let (low, high) = (block.term as u64, (block.term + block.terms) as u64);
        let mut spans = [[0; 2]; R];
        for (r, span) in spans.iter_mut().enumerate() {
            index[self.dimension] = start + r.min(tall - 1) as u64;
            let (from, end) = self.row.span(index);
            *span = [(from.clamp(low, high) - low) as usize, (end.clamp(low, high) - low) as usize];
        }
        spans
    }

    #[inline(always)]
    fn pack_a<const R: usize>(&self, top: usize, tall: usize, packed: &mut [[f32; R]]) {
        let a = &self.row.operands[0];
        let (across, down) = (a.strides[self.dimension] as usize, a.term_stride as usize);
        let leaf = &self.sources.operands[0][self.line(top).origin(a) + self.block.term * down..];
        if across == 1 {
            pack_along(leaf, down, tall, packed);
        } else {
            pack_across(leaf, [across, down], tall, packed);
        }
    }
}

#[inline(always)]
fn load<const C: usize>(from: &[f32], line: &mut [f32; C]) {
    match from.first_chunk::<C>() {
        Some(whole) => *line = *whole,
        None => line[..from.len()].copy_from_slice(from),
    }
}

/// Every block's end is a place where an accumulator rests, so canonical bits do no harm there.
#[inline(always)]
fn store<const C: usize>(line: &[f32; C], to: &mut [f32]) {
    let mut clean = [0.0; C];
    for j in 0..C {
        clean[j] = f32::from_bits(canonical(line[j]));
    }
    match to.first_chunk_mut::<C>() {
        Some(whole) => *whole = clean,
        None => to.copy_from_slice(&clean[..to.len()]),
    }
}

/// The terms that all rows have in range run in registers, the causal ends before and after them row by row.
#[inline(always)]
fn walk<const R: usize, const C: usize>(
    a: &[[f32; R]],
    b: &[[f32; C]],
    spans: &[[usize; 2]; R],
    tile: &mut [[f32; C]; R],
) {
    let (mut from, mut end) = (0, b.len());
    for [first, last] in spans {
        (from, end) = (from.max(*first), end.min(*last));
    }
    for r in 0..R {
        walk_row(a, b, r, spans[r][0]..from, &mut tile[r]);
    }
    let mut registers = *tile;
    for (x, y) in a[from..end].iter().zip(&b[from..end]) {
        for r in 0..R {
            for j in 0..C {
                registers[r][j] = x[r].mul_add(y[j], registers[r][j]);
            }
        }
    }
    *tile = registers;
    for r in 0..R {
        walk_row(a, b, r, end..spans[r][1], &mut tile[r]);
    }
}

/// Terms of one row alone.
#[inline(always)]
fn walk_row<const R: usize, const C: usize>(
    a: &[[f32; R]],
    b: &[[f32; C]],
    r: usize,
    terms: std::ops::Range<usize>,
    line: &mut [f32; C],
) {
    for k in terms {
        for j in 0..C {
            line[j] = a[k][r].mul_add(b[k][j], line[j]);
        }
    }
}
