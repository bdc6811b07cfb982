//! Causal attention a head at a time (M-3.7): scores and probabilities stay in the cache and are never written out.
//!
//! Every element that is written is the one that the rows of the program define: the same products over the same
//! ranges, the same maximum, exponentials, sums and quotients. What the backward pass needs of them it computes again.

mod backward;
mod forward;
mod sheet;
mod softmax;

use super::micro::{LINE, Micro};
use super::product::Matrix;
use super::{Engine, fast, pool, scratch};
use crate::observer::{PART_UNIT, Sight};
use std::sync::Mutex;

/// A (batch, position, head, lane) view of a leaf: lanes are neighbors.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    /// The first element.
    pub at: *mut f32,
    /// Elements between two sequences, two heads, two positions.
    pub strides: [usize; 3],
}

impl Heads {
    /// The positions x lanes of one head.
    #[inline(always)]
    fn head(self, batch: usize, head: usize) -> Matrix {
        let [per_batch, per_head, row] = self.strides;
        Matrix { at: self.at.wrapping_add(batch * per_batch + head * per_head), row, column: 1 }
    }
}

/// The sizes of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub batch: usize,
    pub heads: usize,
    /// Positions of a sequence.
    pub context: usize,
    /// Lanes of a head, at most [`HEAD_MAX`].
    pub head: usize,
    /// Bits of what scores are multiplied by.
    pub scale: u32,
}

impl Extent {
    /// True where some rows of a head's scores are whole parts of an output (M-8.5).
    pub fn is_whole_parts(self) -> bool {
        (self.context * self.context).is_multiple_of(PART_UNIT)
    }
}

/// Widest head that is computed here: one block of terms.
pub(crate) const HEAD_MAX: usize = LINE;

/// What the forward pass reads and writes; `top` and `sum` have an element a score row.
#[derive(Clone, Copy)]
pub(crate) struct Forward {
    pub extent: Extent,
    pub query: Heads,
    pub key: Heads,
    pub value: Heads,
    pub top: *mut f32,
    pub sum: *mut f32,
    pub mixed: Heads,
}

/// What the backward pass reads and writes.
#[derive(Clone, Copy)]
pub(crate) struct Backward {
    /// Of the forward pass; `mixed` is not read.
    pub forward: Forward,
    /// Gradient of the mixture.
    pub gradient: Heads,
    pub query: Heads,
    pub key: Heads,
    pub value: Heads,
}

// SAFETY: a head writes its own lanes and rows, and what it reads nobody writes.
unsafe impl Sync for Forward {}
// SAFETY: as above.
unsafe impl Sync for Backward {}

/// Mixes the values of every head. To whoever sees the row of the scores, the rows that are not written are shown.
///
/// # Safety
/// All views exist; nobody else uses what is written.
pub(crate) unsafe fn forward(engine: &Engine, f: &Forward, scores: Sight) {
    let micro = Micro::of(engine.backend);
    pool::run(engine.threads, f.extent.batch * f.extent.heads, &|at| {
        scratch::with_head(forward::lengths(micro, f.extent, scores), |memory| {
            fast::run(engine.backend, forward::Head { f, micro, at, scores, memory });
        });
    });
}

/// The gradients of queries, keys and values of every head. To whoever sees the row of the probabilities' gradient, the
/// rows that are not written are shown.
///
/// # Safety
/// All views exist; nobody else uses what is written.
pub(crate) unsafe fn backward(engine: &Engine, b: &Backward, first: Sight) {
    let (micro, e) = (Micro::of(engine.backend), b.forward.extent);
    let mut dots = vec![0.0; if first.is_open() { e.batch * e.heads * e.context } else { 0 }];
    let lines: Vec<_> = dots.chunks_mut(e.context).map(Mutex::new).collect();
    pool::run(engine.threads, e.batch * e.heads, &|at| {
        // Each line is taken once; the lock only hands it over.
        let mut line = lines.get(at).and_then(|line| line.lock().ok());
        let dots = line.as_mut().map(|line| &mut ***line);
        scratch::with_head(backward::lengths(micro, e, first), |memory| {
            fast::run(engine.backend, backward::Head { b, micro, at, first, dots, memory });
        });
    });
    drop(lines);
    first.later(1).whole(engine.threads, &dots);
}

/// Queries that are worked on together: whole strips.
fn block_rows(micro: &Micro) -> usize {
    micro.rows * (64 / micro.rows)
}

/// Elements between two rows of scores: neighbors fall into different sets of a cache.
fn score_stride(context: usize) -> usize {
    context.next_multiple_of(16) + 48
}
