//! Causal attention a head at a time (M-3.7): scores and probabilities stay in the cache and are never written out.
//!
//! Every element that is written is the one that the rows of the program define: the same products over the same
//! ranges, the same maximum, exponentials, sums and quotients. What the backward pass needs of them it computes again.

mod backward;
mod forward;
mod softmax;
mod traced;

use super::micro::{LINE, Micro};
use super::product::Matrix;
use super::{Engine, fast, pool, scratch};
use crate::observer::{PART_UNIT, Sight};

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
    if scores.is_open() {
        // SAFETY: the caller vouches for the views.
        return unsafe { traced::forward(engine, micro, f, scores) };
    }
    pool::run(engine.threads, f.extent.batch * f.extent.heads, &|at| {
        scratch::with_head(forward::lengths(micro, f.extent), |memory| {
            fast::run(engine.backend, forward::Head { f, micro, at, memory });
        });
    });
}

/// The gradients of queries, keys and values of every head. To whoever sees the row of the probabilities' gradient, the
/// rows that are not written are shown.
///
/// # Safety
/// All views exist; nobody else uses what is written.
pub(crate) unsafe fn backward(engine: &Engine, b: &Backward, first: Sight) {
    let micro = Micro::of(engine.backend);
    if first.is_open() {
        // SAFETY: the caller vouches for the views.
        return unsafe { traced::backward(engine, micro, b, first) };
    }
    pool::run(engine.threads, b.forward.extent.batch * b.forward.extent.heads, &|at| {
        scratch::with_head(backward::lengths(micro, b.forward.extent), |memory| {
            fast::run(engine.backend, backward::Head { b, micro, at, memory });
        });
    });
}

/// Queries that are worked on together: whole strips.
fn block_rows(micro: &Micro) -> usize {
    micro.rows * (64 / micro.rows)
}

/// Elements between two rows of scores: neighbors fall into different sets of a cache.
fn score_stride(context: usize) -> usize {
    context.next_multiple_of(16) + 48
}
