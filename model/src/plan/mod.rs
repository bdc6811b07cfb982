//! How a program is run (M-8): which rows go together, and when a buffer's last reader has read it.
//!
//! A plan never changes a bit: a stage computes what its rows define, and a row that is run twice gives the same twice.

mod attention;
mod leaves;
mod memory;
mod recompute;
mod slots;
mod updates;

pub(crate) use attention::{AttentionBackward, AttentionForward};

use crate::program::{Home, Leaf, Program};
use leaves::{reads, writes};
use memory::Bytes;
use slots::Sharing;

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

/// A piece of work with its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub work: Work,
    /// Leaves of the op list that nobody needs after it.
    pub frees: Vec<u32>,
    /// The buffer of each output; none for one that leaves the run.
    pub slots: Vec<Option<usize>>,
    /// The operand in whose place the output may be written, where the caller gives the pre-state away (M-8.4).
    pub in_place: Option<usize>,
    /// Stages, this one first, that are updated in place together, a piece at a time (M-8.4); 1 for all others.
    pub together: usize,
}

impl Stage {
    /// The number of the row that is updated in place, and the operand that it writes over.
    pub fn updated(&self) -> Option<(usize, usize)> {
        match (self.work, self.in_place) {
            (Work::Row(at), Some(own)) => Some((at, own)),
            _ => None,
        }
    }
}

/// A program's stages in the order in which they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub(crate) stages: Vec<Stage>,
    /// Elements of each buffer.
    pub(crate) slots: Vec<u64>,
    bytes: Bytes,
}

impl Plan {
    /// The plan of a run that nobody watches.
    pub fn new(program: &Program, recompute: Recompute) -> Plan {
        let works = attention::fused(program);
        let works = match recompute {
            Recompute::Nothing => works,
            Recompute::Blocks => recompute::blocks(program, works),
        };
        Plan::of(program, works, Sharing::AnyLength)
    }

    /// The plan of a run whose outputs are taken in parts: attentions go together where a head's scores are whole parts
    /// (M-8.5).
    pub fn in_parts(program: &Program) -> Plan {
        let works = attention::fused(program).into_iter().flat_map(attention::apart_unless_whole);
        Plan::of(program, works.collect(), Sharing::AnyLength)
    }

    /// The plan of a run whose outputs somebody sees whole: every row by itself, in order (M-8.1).
    pub fn traced(program: &Program) -> Plan {
        Plan::of(program, (0..program.rows.len()).map(Work::Row).collect(), Sharing::EqualLength)
    }

    fn of(program: &Program, works: Vec<Work>, sharing: Sharing) -> Plan {
        let mut stages = leaves::with_frees(program, works);
        let slots = slots::assign(program, &mut stages, sharing);
        updates::mark(program, &mut stages);
        // Who sees whole outputs sees every row before the next one begins.
        if sharing == Sharing::AnyLength {
            updates::join(program, &mut stages);
        }
        let bytes = memory::bytes(program, &stages, &slots);
        Plan { stages, slots, bytes }
    }

    /// Most bytes that tensors take at once, when steps follow each other in one workspace: the state before and
    /// after, and every value between that is alive. A thread adds about a MiB of its own; with long contexts the keys,
    /// values and scores of an attention's head that it works on, 12 bytes a lane and about 500 more for each position;
    /// 650 where outputs are taken in parts.
    pub fn peak_bytes(&self) -> u64 {
        self.bytes.outside + self.bytes.slots + self.bytes.written
    }

    /// [`Plan::peak_bytes`] where the state after takes the place of the one before (M-8.4), as
    /// [`crate::advance_in`] does.
    pub fn advancing_bytes(&self) -> u64 {
        self.peak_bytes() - self.bytes.in_place
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
use leaves::outputs;
#[cfg(test)]
mod tests;
