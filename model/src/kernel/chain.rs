//! Chains of terms: matrix products by register tiles, column sums by rows, scatter-add by tokens.
//!
//! A tile holds the accumulators of ROWS x COLUMNS output elements and walks k ascending once, so every element
//! sees exactly the chain of its definition.

use super::{Sources, reference};
use crate::arithmetic::canonical;
use crate::op::Kind;
use crate::program::{Operand, Range, Row};

/// Columns of a register tile: four AVX2 or two AVX-512 vectors.
const COLUMNS: usize = 32;
/// Rows of a register tile.
const ROWS: usize = 6;

/// Computes the output rows from `first` on that fit into `out`.
#[inline(always)]
pub(super) fn rows(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    if row.operands.iter().chain(&row.start).any(|o| o.lookup.is_some()) {
        return reference::rows(row, sources, first, out);
    }
    load_start(row, sources, first, out);
    match row.kind {
        Kind::EmbeddingBackward => scatter(row, sources, first, out),
        Kind::ColumnSum => columns::<false>(row, sources, first, out),
        Kind::ColumnDot => columns::<true>(row, sources, first, out),
        _ if row.operands[1].strides[2] == 0 && row.range == Range::Full => tiled(row, sources, first, out),
        _ => columns::<true>(row, sources, first, out),
    }
    finish(row, first, out);
}

/// Puts the start value of every chain into its output element.
#[inline(always)]
fn load_start(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let Some(start) = &row.start else { return out.fill(0.0) };
    for (at, line) in out.chunks_mut(width).enumerate() {
        let from = origin(start, row, first + at);
        if start.strides[3] == 1 {
            line.copy_from_slice(&sources.start[from..from + width]);
        } else {
            let stride = start.strides[3] as usize;
            line.iter_mut().enumerate().for_each(|(j, slot)| *slot = sources.start[from + j * stride]);
        }
    }
}

/// Canonical bits everywhere, +0 under the mask.
#[inline(always)]
fn finish(row: &Row, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    for (at, line) in out.chunks_mut(width).enumerate() {
        line.iter_mut().for_each(|slot| *slot = f32::from_bits(canonical(*slot)));
        if row.masked {
            let query = row.index((first + at) as u64 * width as u64)[2] as usize;
            line[width.min(query + 1)..].fill(0.0);
        }
    }
}

/// Element that an operand reads for column 0 and term 0 of output row `at`.
#[inline(always)]
fn origin(operand: &Operand, row: &Row, at: usize) -> usize {
    let index = row.index(at as u64 * u64::from(row.shape[3]));
    operand.place(index, 0, &[]).unwrap_or(0) as usize
}

/// One output row at a time, terms outermost: for column sums, and products whose range or operand moves by row.
#[inline(always)]
fn columns<const PRODUCT: bool>(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let strides = row.operands.first().map_or(0, |o| o.term_stride) as usize;
    let second = row.operands.get(1);
    for (at, line) in out.chunks_mut(width).enumerate() {
        let index = row.index((first + at) as u64 * width as u64);
        let (from, end) = row.span(index);
        let a = origin(&row.operands[0], row, first + at);
        let b = second.map_or(0, |o| origin(o, row, first + at));
        for k in from as usize..end as usize {
            let a = View::new(sources.operands[0], a + k * strides, &row.operands[0]);
            match second {
                Some(o) if PRODUCT => {
                    let b = View::new(sources.operands[1], b + k * o.term_stride as usize, o);
                    multiply_add(line, a, b);
                }
                _ => sum(line, a),
            }
        }
    }
}

/// A leaf from one element on, moving by a fixed stride along columns.
#[derive(Clone, Copy)]
struct View<'a> {
    words: &'a [f32],
    stride: usize,
}

impl<'a> View<'a> {
    #[inline(always)]
    fn new(leaf: &'a [f32], place: usize, operand: &Operand) -> View<'a> {
        View { words: &leaf[place..], stride: operand.strides[3] as usize }
    }
}

#[inline(always)]
fn sum(line: &mut [f32], a: View) {
    if a.stride == 1 {
        line.iter_mut().zip(a.words).for_each(|(slot, x)| *slot += x);
    } else {
        line.iter_mut().enumerate().for_each(|(j, slot)| *slot += a.words[j * a.stride]);
    }
}

#[inline(always)]
fn multiply_add(line: &mut [f32], a: View, b: View) {
    match (a.stride, b.stride) {
        (0, 1) => {
            let x = a.words[0];
            line.iter_mut().zip(b.words).for_each(|(slot, y)| *slot = x.mul_add(*y, *slot));
        }
        (1, 1) => {
            let pairs = a.words.iter().zip(b.words);
            line.iter_mut().zip(pairs).for_each(|(slot, (x, y))| *slot = x.mul_add(*y, *slot));
        }
        _ => line.iter_mut().enumerate().for_each(|(j, slot)| {
            *slot = a.words[j * a.stride].mul_add(b.words[j * b.stride], *slot);
        }),
    }
}

/// For every token ascending: adds its row gradient to its own row; other rows are left as they are.
#[inline(always)]
fn scatter(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let rows = out.len() / width;
    let (ids, gradients) = (&row.operands[0], &row.operands[1]);
    for k in 0..row.terms as usize {
        let id = sources.operands[0][ids.offset as usize + k * ids.term_stride as usize].to_bits() as usize;
        if id >= first && id < first + rows {
            let place = gradients.offset as usize + k * gradients.term_stride as usize;
            let a = View::new(sources.operands[1], place, gradients);
            sum(&mut out[(id - first) * width..(id - first + 1) * width], a);
        }
    }
}

/// Matrix products: both operands packed, register tiles over the output.
#[inline(always)]
fn tiled(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let height = row.shape[2] as usize;
    let terms = row.terms as usize;
    let mut packed_b = vec![0.0; terms * COLUMNS];
    let mut packed_a = vec![0.0; terms * ROWS];
    let total = out.len() / width;
    let mut at = 0;
    while at < total {
        // Rows of one matrix of the batch: they share operand b.
        let group = (height - (first + at) % height).min(total - at);
        for column in (0..width).step_by(COLUMNS) {
            let live = COLUMNS.min(width - column);
            pack_b(row, sources, first + at, column, live, &mut packed_b);
            for top in (at..at + group).step_by(ROWS) {
                let tall = ROWS.min(at + group - top);
                pack_a(row, sources, first + top, tall, &mut packed_a);
                let corner = Corner { top, column, tall, live, width };
                tile(&packed_a, &packed_b, out, corner);
            }
        }
        at += group;
    }
}

#[inline(always)]
fn pack_b(row: &Row, sources: &Sources, at: usize, column: usize, live: usize, packed: &mut [f32]) {
    let b = &row.operands[1];
    let (across, down) = (b.strides[3] as usize, b.term_stride as usize);
    let from = origin(b, row, at) + column * across;
    let leaf = sources.operands[1];
    let (lines, _) = packed.as_chunks_mut::<COLUMNS>();
    for (k, line) in lines.iter_mut().enumerate() {
        let from = from + k * down;
        if across == 1 {
            line[..live].copy_from_slice(&leaf[from..from + live]);
        } else {
            line[..live].iter_mut().enumerate().for_each(|(j, slot)| *slot = leaf[from + j * across]);
        }
    }
}

#[inline(always)]
fn pack_a(row: &Row, sources: &Sources, at: usize, tall: usize, packed: &mut [f32]) {
    let a = &row.operands[0];
    let down = a.term_stride as usize;
    let leaf = sources.operands[0];
    let (lines, _) = packed.as_chunks_mut::<ROWS>();
    for r in 0..tall {
        let from = origin(a, row, at + r);
        lines.iter_mut().enumerate().for_each(|(k, line)| line[r] = leaf[from + k * down]);
    }
}

/// Where a tile stands in the output.
#[derive(Clone, Copy)]
struct Corner {
    top: usize,
    column: usize,
    tall: usize,
    live: usize,
    width: usize,
}

#[inline(always)]
fn tile(packed_a: &[f32], packed_b: &[f32], out: &mut [f32], c: Corner) {
    let mut accumulators = [[0.0f32; COLUMNS]; ROWS];
    for r in 0..c.tall {
        let from = (c.top + r) * c.width + c.column;
        accumulators[r][..c.live].copy_from_slice(&out[from..from + c.live]);
    }
    let (lines_a, _) = packed_a.as_chunks::<ROWS>();
    let (lines_b, _) = packed_b.as_chunks::<COLUMNS>();
    for (a, b) in lines_a.iter().zip(lines_b) {
        for r in 0..ROWS {
            for j in 0..COLUMNS {
                accumulators[r][j] = a[r].mul_add(b[j], accumulators[r][j]);
            }
        }
    }
    for r in 0..c.tall {
        let from = (c.top + r) * c.width + c.column;
        out[from..from + c.live].copy_from_slice(&accumulators[r][..c.live]);
    }
}
