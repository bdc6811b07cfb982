//! Chains of terms that are no tiled product: column sums by panels, scatter-add by tokens.

use super::lines::Line;
use super::{Sources, reference};
use crate::arithmetic::{Real32, canonical};
use crate::op::Kind;
use crate::program::{Operand, Range, Row};

/// Columns whose accumulators stay in registers together.
const PANEL: usize = 64;

/// Computes the output rows from `first` on that fit into `out`, for chains that are no tiled product.
#[inline(always)]
pub(super) fn rows<F: Real32>(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let plain = row.operands.iter().chain(&row.start).all(|o| o.lookup.is_none());
    if !plain || matches!(row.range, Range::UpTo(3) | Range::From(3)) {
        return reference::rows(row, sources, first, out);
    }
    if row.kind == Kind::EmbeddingBackward {
        if !is_one_table(row) {
            return reference::rows(row, sources, first, out);
        }
        load_start(row, sources, first, out);
        scatter(row, sources, first, out);
        return finish(row, first, out);
    }
    load_start(row, sources, first, out);
    if row.kind == Kind::ColumnSum {
        columns::<false, F>(row, sources, first, out);
    } else {
        columns::<true, F>(row, sources, first, out);
    }
    finish(row, first, out);
}

/// Puts the start value of every chain into its output element.
#[inline(always)]
fn load_start(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let Some(start) = &row.start else { return out.fill(0.0) };
    let stride = start.strides[3] as usize;
    let mut place = Line::new(row, first);
    for line in out.chunks_exact_mut(width) {
        let leaf = &sources.start[place.origin(start)..];
        if stride == 1 {
            line.copy_from_slice(&leaf[..width]);
        } else {
            line.iter_mut().enumerate().for_each(|(j, slot)| *slot = leaf[j * stride]);
        }
        place.advance();
    }
}

/// Canonical bits everywhere, +0 under the mask.
#[inline(always)]
fn finish(row: &Row, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    out.iter_mut().for_each(|slot| *slot = f32::from_bits(canonical(*slot)));
    if row.masked {
        let mut place = Line::new(row, first);
        for line in out.chunks_exact_mut(width) {
            line[width.min(place.index[2] as usize + 1)..].fill(0.0);
            place.advance();
        }
    }
}

/// One output row at a time: for column sums, and products of which neither operand stands still along rows.
#[inline(always)]
fn columns<const PRODUCT: bool, F: Real32>(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let width = row.shape[3] as usize;
    let mut place = Line::new(row, first);
    for line in out.chunks_exact_mut(width) {
        let (from, end) = row.span(place.index);
        let terms = from as usize..end as usize;
        let views = [0, usize::from(PRODUCT)].map(|at| {
            let operand = &row.operands[at];
            let [across, down] = [operand.strides[3], operand.term_stride].map(|s| s as usize);
            View { leaf: &sources.operands[at][place.origin(operand)..], across, down }
        });
        for (panel, slots) in line.chunks_mut(PANEL).enumerate() {
            chain::<PRODUCT, F>(slots, views.map(|v| v.from(panel * PANEL)), terms.clone());
        }
        place.advance();
    }
}

/// An operand from one element on: steps to the next column and to the next term.
#[derive(Clone, Copy)]
struct View<'a> {
    leaf: &'a [f32],
    across: usize,
    down: usize,
}

impl<'a> View<'a> {
    #[inline(always)]
    fn from(self, column: usize) -> View<'a> {
        View { leaf: &self.leaf[column * self.across..], ..self }
    }

    /// Whole panels of contiguous columns.
    #[inline(always)]
    fn panel(&self, term: usize) -> &'a [f32; PANEL] {
        const NOTHING: &[f32; PANEL] = &[0.0; PANEL];
        // The row's check proved the view, so there always is a panel.
        self.leaf[term * self.down..].first_chunk().unwrap_or(NOTHING)
    }
}

/// Walks the terms of up to a panel of neighboring columns.
#[inline(always)]
fn chain<const PRODUCT: bool, F: Real32>(
    slots: &mut [f32],
    [a, b]: [View; 2],
    terms: std::ops::Range<usize>,
) {
    let dense = a.across == 1 && b.across == 1;
    if let (true, Some(whole)) = (dense, slots.first_chunk_mut::<PANEL>()) {
        let mut registers = whole.map(number::<F>);
        for k in terms {
            let (x, y) = (a.panel(k), b.panel(k));
            for j in 0..PANEL {
                registers[j] = next::<PRODUCT, F>(registers[j], x[j], y[j]);
            }
        }
        *whole = registers.map(|x| f32::from_bits(x.to_bits()));
        return;
    }
    for k in terms {
        let (x, y) = (&a.leaf[k * a.down..], &b.leaf[k * b.down..]);
        for (j, slot) in slots.iter_mut().enumerate() {
            let next = next::<PRODUCT, F>(number(*slot), x[j * a.across], y[j * b.across]);
            *slot = f32::from_bits(next.to_bits());
        }
    }
}

#[inline(always)]
fn number<F: Real32>(x: f32) -> F {
    F::from_bits(x.to_bits())
}

#[inline(always)]
fn next<const PRODUCT: bool, F: Real32>(sum: F, x: f32, y: f32) -> F {
    if PRODUCT { number::<F>(x).fma(number(y), sum) } else { sum + number(x) }
}

/// True where output rows are the rows of one table and every term is one token's gradient row.
fn is_one_table(row: &Row) -> bool {
    let still = |o: &Operand| o.strides[..3] == [0; 3];
    let [ids, gradients] = [&row.operands[0], &row.operands[1]];
    let dense = ids.strides[3] == 0 && gradients.strides[3] == 1;
    row.shape[..2] == [1, 1] && row.range == Range::Full && still(ids) && still(gradients) && dense
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
            let gradient = &sources.operands[1][place..place + width];
            let line = &mut out[(id - first) * width..(id - first + 1) * width];
            line.iter_mut().zip(gradient).for_each(|(slot, x)| *slot += x);
        }
    }
}
