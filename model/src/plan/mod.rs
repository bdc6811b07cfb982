//! How a program is run (M-8): which rows go together, and when a buffer's last reader has read it.
//!
//! A plan never changes a bit: a stage computes what its rows define, and a row that is run twice gives the same twice.

mod attention;
mod leaves;
mod memory;
mod recompute;

pub(crate) use attention::{AttentionBackward, AttentionForward};

use crate::program::{Home, Leaf, Program};
use leaves::{reads, writes};

/// What of the forward pass is computed again instead of being kept (M-8.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recompute {
    /// Nothing: everything that the backward pass reads stays in memory.
    #[default]
    Nothing,
    /// Everything between two sums of the residual stream, when the backward pass comes to it (Chen et al. 2016).
    Blocks,
}

/// One row, or several rows whose values between them nobody else reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// One row.
    Row(usize),
    /// Scores to mixture (M-3.7).
    AttentionForward(AttentionForward),
    /// Gradient of the mixture to those of queries, keys and values.
    AttentionBackward(AttentionBackward),
}

/// A piece of work, and the leaves of the op list that nobody needs after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub work: Work,
    pub frees: Vec<u32>,
}

/// A program's stages in the order in which they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub(crate) stages: Vec<Stage>,
    peak: u64,
}

impl Plan {
    /// The plan of a run that nobody watches.
    pub fn new(program: &Program, recompute: Recompute) -> Plan {
        let works = attention::fused(program);
        let works = match recompute {
            Recompute::Nothing => works,
            Recompute::Blocks => recompute::blocks(program, works),
        };
        Plan::of(program, works)
    }

    /// The plan of a run that is watched: every row by itself, in order.
    pub fn traced(program: &Program) -> Plan {
        Plan::of(program, (0..program.rows.len()).map(Work::Row).collect())
    }

    fn of(program: &Program, works: Vec<Work>) -> Plan {
        let stages = leaves::with_frees(program, works);
        let peak = memory::peak(program, &stages);
        Plan { stages, peak }
    }

    /// Most bytes that tensors take at once, when steps follow each other in one workspace: the state before and
    /// after, and every value between that is alive. A thread adds about a MiB of its own.
    pub fn peak_bytes(&self) -> u64 {
        self.peak
    }
}

/// The leaf of the op list behind a home.
fn trace_leaf(home: Home) -> Option<u32> {
    if let Home::Trace(leaf) = home { Some(leaf) } else { None }
}

/// The number of a leaf of the op list.
fn traced(leaf: Leaf) -> Option<u32> {
    if let Leaf::Trace(leaf) = leaf { Some(leaf) } else { None }
}

#[cfg(test)]
mod tests;
