//! Attention a head at a time for one who takes parts (M-8.5): scores, probabilities and their gradients are shown some
//! rows at a time while they are in the cache, and are never written out.

use super::super::fast::Body;
use super::super::lanes::reduce;
use super::super::micro::Micro;
use super::super::product::Panels;
use super::backward::lengths as backward_lengths;
use super::forward::{Block, lengths as forward_lengths, transposed};
use super::{Backward, Engine, Extent, Forward, block_rows, fast, pool, scratch};
use crate::arithmetic::{Real32, canonical};
use crate::observer::{PART_UNIT, Sight};
use crate::op::definitions::{Divide, Maximum, MultiplyAdd, SoftmaxBackward, SoftmaxExp, Sum};
use crate::op::{Arguments, Element};
use std::sync::Mutex;

/// Elements of a sheet, about: three of them stay in a core's own cache.
const SHEET: usize = 1 << 14;

/// Rows of a sheet: whole parts (M-8.5).
fn height(e: Extent) -> usize {
    (SHEET / e.context).next_power_of_two().max(PART_UNIT / 16)
}

/// Some rows of a head's positions x positions, shown when they are all there.
struct Sheet<'a> {
    sight: Sight<'a>,
    /// Element of the output where the head begins.
    head: usize,
    context: usize,
    height: usize,
    memory: *mut f32,
}

impl Sheet<'_> {
    /// Writes row `row.len() - 1`, with +0 beyond its range; rows come in order.
    ///
    /// # Safety
    /// The memory has [`height`] rows of `context` elements, and nobody else uses it.
    #[inline(always)]
    unsafe fn put(&self, row: &[f32]) {
        let (live, wide) = (row.len(), self.context);
        let at = (live - 1) % self.height;
        // SAFETY: the caller vouches for the memory.
        let sheet = unsafe { std::slice::from_raw_parts_mut(self.memory, (at + 1) * wide) };
        let line = &mut sheet[at * wide..];
        line[..live].copy_from_slice(row);
        line[live..].fill(0.0);
        if at + 1 == self.height || live == wide {
            self.sight.part(self.head + (live - 1 - at) * wide, sheet);
        }
    }
}

/// The sheet of one of a head's outputs.
fn sheet<'a>(sight: Sight<'a>, head: usize, e: Extent, memory: *mut f32) -> Sheet<'a> {
    let (context, height) = (e.context, height(e).min(e.context));
    Sheet { sight, head: head * context * context, context, height, memory }
}

#[inline(always)]
fn number<F: Real32>(x: f32) -> F {
    F::from_bits(x.to_bits())
}

#[inline(always)]
fn word<F: Real32>(x: F) -> f32 {
    f32::from_bits(canonical(x))
}

/// The op's element where index and ids do not matter.
#[inline(always)]
fn element<E: Element, F: Real32>(x: [f32; 3], s: f32) -> f32 {
    let zero = F::from_bits(0);
    let s = [number(s), zero, zero, zero, zero];
    word(E::value(Arguments { x: x.map(number::<F>), words: [0; 3], s, index: [0; 4] }))
}

#[inline(always)]
fn exponentials<F: Real32>(row: &mut [f32], top: f32, scale: f32) {
    row.iter_mut().for_each(|x| *x = element::<SoftmaxExp, F>([*x, top, 0.0], scale));
}

#[inline(always)]
fn quotients<F: Real32>(row: &mut [f32], sum: f32) {
    row.iter_mut().for_each(|x| *x = element::<Divide, F>([*x, sum, 0.0], 0.0));
}

/// [`super::forward`], showing scores, exponentials and probabilities.
///
/// # Safety
/// As there.
pub(super) unsafe fn forward(engine: &Engine, micro: &Micro, f: &Forward, scores: Sight) {
    let e = f.extent;
    let sheet = height(e) * e.context;
    pool::run(engine.threads, e.batch * e.heads, &|at| {
        let [keys, values, block, strip] = forward_lengths(micro, e);
        scratch::with_head([keys, values, block, strip, sheet, sheet, sheet], |memory| {
            fast::run(engine.backend, HeadForward { f, micro, at, scores, memory });
        });
    });
}

/// [`super::backward`], showing the probabilities' gradients, their sums and the scores' gradients.
///
/// # Safety
/// As there.
pub(super) unsafe fn backward(engine: &Engine, micro: &Micro, b: &Backward, first: Sight) {
    let e = b.forward.extent;
    let sheet = height(e) * e.context;
    let mut dots = vec![0.0; e.batch * e.heads * e.context];
    let lines: Vec<_> = dots.chunks_mut(e.context).map(Mutex::new).collect();
    pool::run(engine.threads, e.batch * e.heads, &|at| {
        // Each line is taken once; the lock only hands it over.
        let Ok(mut dots) = lines[at].lock() else { return };
        let [across, values, keys, rows, p, ds, strip] = backward_lengths(micro, e);
        scratch::with_head([across, values, keys, rows, p, ds, strip, sheet, sheet], |memory| {
            fast::run(engine.backend, HeadBackward { b, micro, at, first, dots: &mut dots, memory });
        });
    });
    drop(lines);
    first.later(1).whole(engine.threads, &dots);
}

/// One head of one sequence, forward.
struct HeadForward<'a> {
    f: &'a Forward,
    micro: &'a Micro,
    /// Number of the head, counted over all sequences.
    at: usize,
    /// The row of the scores.
    scores: Sight<'a>,
    /// As [`forward::Head`]'s, then three sheets.
    memory: [*mut f32; 7],
}

impl Body for HeadForward<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let HeadForward { f, micro, at, scores: sight, memory: [keys, values, scores, strip, s, x, p] } =
            self;
        let (e, scale) = (f.extent, f32::from_bits(f.extent.scale));
        let (batch, head) = (at / e.heads, at % e.heads);
        let (query, key, value) =
            (f.query.head(batch, head), f.key.head(batch, head), f.value.head(batch, head));
        let seen = [(s, 0), (x, 2), (p, 4)].map(|(memory, row)| sheet(sight.later(row), at, e, memory));
        // SAFETY: the caller of `forward` vouches for the views, the lengths for this thread's memory.
        unsafe {
            let keys = Panels::pack(micro, transposed(key), e.head, e.context, keys);
            let values = Panels::pack(micro, value, e.context, e.head, values);
            for first in (0..e.context).step_by(block_rows(micro)) {
                let block = Block { micro, extent: e, first, scores, strip };
                block.scores(&keys, query);
                for i in first..block.end() {
                    let row = block.row(i);
                    seen[0].put(row);
                    let top = word(reduce::<Maximum, F>(row, row));
                    exponentials::<F>(row, top, scale);
                    seen[1].put(row);
                    let sum = word(reduce::<Sum, F>(row, row));
                    quotients::<F>(row, sum);
                    seen[2].put(row);
                    *f.top.add(at * e.context + i) = top;
                    *f.sum.add(at * e.context + i) = sum;
                }
                block.mix(&values, f.mixed.head(batch, head));
            }
        }
    }
}

/// One head of one sequence, backward.
struct HeadBackward<'a> {
    b: &'a Backward,
    micro: &'a Micro,
    /// Number of the head, counted over all sequences.
    at: usize,
    /// The row of the probabilities' gradient.
    first: Sight<'a>,
    /// An element a position.
    dots: &'a mut [f32],
    /// As [`backward::Head`]'s, then two sheets.
    memory: [*mut f32; 9],
}

impl Body for HeadBackward<'_> {
    #[inline(always)]
    fn run<F: Real32>(self) {
        let HeadBackward { b, micro, at, first: sight, dots, memory } = self;
        let [keys_across, values_across, keys, rows, p, ds, strip, dp_sheet, ds_sheet] = memory;
        let (f, e) = (&b.forward, b.forward.extent);
        let (batch, head, scale) = (at / e.heads, at % e.heads, f32::from_bits(e.scale));
        let (query, key) = (f.query.head(batch, head), f.key.head(batch, head));
        let (value, gradient) = (f.value.head(batch, head), b.gradient.head(batch, head));
        let seen = [(dp_sheet, 0), (ds_sheet, 2)].map(|(memory, row)| sheet(sight.later(row), at, e, memory));
        // SAFETY: the caller of `backward` vouches for the views, the lengths for this thread's memory.
        unsafe {
            let keys_across = Panels::pack(micro, transposed(key), e.head, e.context, keys_across);
            let values_across = Panels::pack(micro, transposed(value), e.head, e.context, values_across);
            let keys = Panels::pack(micro, key, e.context, e.head, keys);
            for first in (0..e.context).step_by(block_rows(micro)) {
                let weights = Block { micro, extent: e, first, scores: p, strip };
                let slopes = Block { scores: ds, ..weights };
                weights.scores(&keys_across, query);
                slopes.scores(&values_across, gradient);
                for (i, dot) in (first..).zip(&mut dots[first..weights.end()]) {
                    let (top, sum) = (*f.top.add(at * e.context + i), *f.sum.add(at * e.context + i));
                    let (weights, slopes) = (weights.row(i), slopes.row(i));
                    exponentials::<F>(weights, top, scale);
                    quotients::<F>(weights, sum);
                    seen[0].put(slopes);
                    *dot = word(reduce::<MultiplyAdd, F>(slopes, weights));
                    for (slot, p) in slopes.iter_mut().zip(weights.iter()) {
                        *slot = element::<SoftmaxBackward, F>([*p, *slot, *dot], scale);
                    }
                    seen[1].put(slopes);
                }
                slopes.mix(&keys, b.query.head(batch, head));
                let count = weights.end() - first;
                let panels = Panels::pack(micro, gradient.from(first, 0), count, e.head, rows);
                weights.gather(&panels, b.value.head(batch, head));
                let panels = Panels::pack(micro, query.from(first, 0), count, e.head, rows);
                slopes.gather(&panels, b.key.head(batch, head));
            }
        }
    }
}
