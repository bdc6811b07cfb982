//! Matrix products by register tiles over packed operands (M-3.3).
//!
//! ```text
//! for each group of output rows that share operand b
//!   for 128 columns, for 256 terms: pack b     the accumulators rest in the output between blocks of terms
//!     for R rows: take a as it lies, or pack it
//!       for C columns: R x C accumulators walk the block's terms, ascending
//! ```
//! Every element sees exactly the chain of its definition: blocks and tiles only decide who waits.

use super::Sources;
use super::pack::{pack_across, pack_along};
use super::tile::{Begin, Left, Packed, Spans, Strided, tile};
use crate::op::Kind;
use crate::program::{Operand, Range, Row};

/// Terms of a packed block.
const BLOCK_TERMS: usize = 256;
/// Columns of a packed block; a multiple of every tile's columns.
const BLOCK_COLUMNS: usize = 128;

/// Dimension that counts the rows of one product: operand b stands still along it. `None` when no tile fits.
#[inline(always)]
pub(super) fn row_dimension(row: &Row) -> Option<usize> {
    let [a, b] = row.operands.as_slice() else { return None };
    if row.kind != Kind::MatMul || a.strides[3] != 0 || matches!(row.range, Range::UpTo(3) | Range::From(3)) {
        return None;
    }
    [2, 1].into_iter().find(|d| b.strides[*d] == 0)
}

/// True for a start value that tiles read by themselves; another must lie in the output already.
#[inline(always)]
pub(super) fn is_fused(start: &Operand) -> bool {
    start.strides[3] == 1
}

/// Output rows that share operand b: `first + step * i` for i below `count`, numbered inside this piece.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    step: usize,
    count: usize,
    /// Index of the first one.
    index: [u64; 4],
}

/// The groups of the piece of `total` output rows that begins at row `first`.
#[inline(always)]
fn groups(row: &Row, dimension: usize, first: usize, total: usize) -> Vec<Group> {
    let [_, d1, d2, width] = row.shape.map(|d| d as usize);
    let mut groups = Vec::new();
    let (extent, step) = if dimension == 2 { (d2, 1) } else { (d1, d2) };
    let size = extent * step;
    for outer in first / size..(first + total).div_ceil(size) {
        for inner in 0..step {
            let base = outer * size + inner;
            let low = first.saturating_sub(base).div_ceil(step);
            let high = (first + total).saturating_sub(base).div_ceil(step).min(extent);
            if low < high {
                let at = base + low * step;
                let index = row.index((at * width) as u64);
                groups.push(Group { first: at - first, step, count: high - low, index });
            }
        }
    }
    groups
}

/// Runs the chains of all elements of `out`, which holds start values that are not [`is_fused`].
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
                let columns = BLOCK_COLUMNS.min(width - column);
                let block = Block { column, columns, term, terms: BLOCK_TERMS.min(terms - term) };
                pack_b(row, sources, group.index, block, &mut packed_b);
                let rows = Rows { row, sources, dimension, group, block };
                for top in (0..group.count).step_by(R) {
                    let tall = R.min(group.count - top);
                    rows.multiply(top, tall, &mut packed_a, &packed_b, out);
                }
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

/// Element that an operand reads for this index and term 0.
#[inline(always)]
fn origin(operand: &Operand, index: [u64; 4]) -> usize {
    operand.place(index, 0, &[]).unwrap_or(0) as usize
}

/// Lays the block out as panels of C columns, terms one after another.
#[inline(always)]
fn pack_b<const C: usize>(
    row: &Row,
    sources: &Sources,
    index: [u64; 4],
    block: Block,
    packed: &mut [[f32; C]],
) {
    let b = &row.operands[1];
    let (across, down) = (b.strides[3] as usize, b.term_stride as usize);
    let corner = origin(b, index) + block.column * across + block.term * down;
    let panels = block.columns.div_ceil(C);
    for (panel, lines) in packed.chunks_exact_mut(block.terms).take(panels).enumerate() {
        let live = C.min(block.columns - panel * C);
        let leaf = &sources.operands[1][corner + panel * C * across..];
        if across == 1 {
            pack_along(leaf, down, live, lines);
        } else {
            pack_across(leaf, [across, down], live, lines);
        }
    }
}

/// The rows of a group against one packed block.
#[derive(Clone, Copy)]
struct Rows<'a> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    dimension: usize,
    group: Group,
    block: Block,
}

impl Rows<'_> {
    /// R rows from `top` on, of which `tall` are there.
    #[inline(always)]
    fn multiply<const R: usize, const C: usize>(
        &self,
        top: usize,
        tall: usize,
        packed_a: &mut [[f32; R]],
        packed_b: &[[f32; C]],
        out: &mut [f32],
    ) {
        let a = &self.row.operands[0];
        let (across, down) = (a.strides[self.dimension] as usize, a.term_stride as usize);
        let corner = origin(a, self.index(top)) + self.block.term * down;
        let leaf = &self.sources.operands[0][corner..];
        let spans = self.spans::<R>(top, tall);
        if down == 1 {
            let left = Strided::<R>::new(leaf, across, tall, self.block.terms);
            return self.panels(top, tall, left, &spans, packed_b, out);
        }
        // Terms that no row has in range stay as they were: nothing reads them.
        let [from, end] = spans.any();
        if from < end {
            let (leaf, lines) = (&leaf[from * down..], &mut packed_a[from..end]);
            if across == 1 {
                pack_along(leaf, down, tall, lines);
            } else {
                pack_across(leaf, [across, down], tall, lines);
            }
        }
        self.panels(top, tall, Packed(&*packed_a), &spans, packed_b, out);
    }

    #[inline(always)]
    fn panels<const R: usize, const C: usize, L: Left<R>>(
        &self,
        top: usize,
        tall: usize,
        left: L,
        spans: &Spans<R>,
        packed_b: &[[f32; C]],
        out: &mut [f32],
    ) {
        let width = self.row.shape[3] as usize;
        let corner = (self.group.first + top * self.group.step) * width + self.block.column;
        let down = self.group.step * width;
        let live = self.live_columns(top, tall);
        let begin = self.begin(top);
        for (panel, lines) in packed_b.chunks_exact(self.block.terms).take(live.div_ceil(C)).enumerate() {
            let column = panel * C;
            let edge = [tall, C.min(self.block.columns - column)];
            let begin = match begin {
                Begin::Start(leaf, across) => Begin::Start(&leaf[column..], across),
                other => other,
            };
            let out = &mut out[corner + column..];
            if edge == [R, C] {
                tile::<true, R, C, L>(left, lines, spans, begin, out, down, edge);
            } else {
                tile::<false, R, C, L>(left, lines, spans, begin, out, down, edge);
            }
        }
    }

    /// Where the accumulators of the rows from `top` on wait.
    #[inline(always)]
    fn begin(&self, top: usize) -> Begin<'_> {
        match &self.row.start {
            Some(start) if self.block.term == 0 && is_fused(start) => {
                let place = origin(start, self.index(top)) + self.block.column;
                Begin::Start(&self.sources.start[place..], start.strides[self.dimension] as usize)
            }
            None if self.block.term == 0 => Begin::Zero,
            _ => Begin::Resting,
        }
    }

    /// Index of row `at` of the group.
    #[inline(always)]
    fn index(&self, at: usize) -> [u64; 4] {
        let mut index = self.group.index;
        index[self.dimension] += at as u64;
        index
    }

    /// Columns of the block that the mask leaves to any of these rows.
    #[inline(always)]
    fn live_columns(&self, top: usize, tall: usize) -> usize {
        if !self.row.masked {
            return self.block.columns;
        }
        let query = self.index(top + tall - 1)[2] as usize;
        (query + 1).saturating_sub(self.block.column).min(self.block.columns)
    }

    /// Terms in range of each row, inside the block; rows that are not there share the last one's.
    #[inline(always)]
    fn spans<const R: usize>(&self, top: usize, tall: usize) -> Spans<R> {
        let (low, high) = (self.block.term as u64, (self.block.term + self.block.terms) as u64);
        let mut rows = [[0, self.block.terms]; R];
        if self.row.range == Range::Full {
            return Spans::all(self.block.terms);
        }
        for (r, span) in rows.iter_mut().enumerate() {
            let (from, end) = self.row.span(self.index(top + r.min(tall - 1)));
            *span = [(from.clamp(low, high) - low) as usize, (end.clamp(low, high) - low) as usize];
        }
        Spans::new(rows)
    }
}
