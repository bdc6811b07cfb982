//! Which leaves of the op list a stage reads and writes, and where each is free.

use super::{Stage, Work, trace_leaf, traced};
use crate::program::{Program, Row};

fn operands(row: &Row) -> impl Iterator<Item = u32> {
    row.operands.iter().chain(&row.start).filter_map(|operand| traced(operand.leaf))
}

/// Leaves of the op list that a stage reads.
pub(super) fn reads(program: &Program, work: Work) -> Vec<u32> {
    let of = |at: usize, operand: usize| traced(program.rows[at].operands[operand].leaf);
    let mut leaves: Vec<u32> = match work {
        Work::Row(at) => operands(&program.rows[at]).collect(),
        Work::AttentionForward(f) => {
            [of(f.scores, 0), of(f.scores, 1), of(f.mixed(), 1)].into_iter().flatten().collect()
        }
        Work::AttentionBackward(b) => {
            let f = b.forward;
            let kept = [f.top(), f.sum()].map(|at| trace_leaf(program.rows[at].home));
            let views = [of(f.scores, 0), of(f.scores, 1), of(f.mixed(), 1), of(b.first, 0)];
            kept.into_iter().chain(views).flatten().collect()
        }
    };
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// Rows whose outputs a stage writes.
pub(super) fn outputs(work: Work) -> Vec<usize> {
    match work {
        Work::Row(at) => vec![at],
        Work::AttentionForward(f) => vec![f.top(), f.sum(), f.mixed()],
        Work::AttentionBackward(b) => vec![b.query(), b.key(), b.value()],
    }
}

/// Leaves of the op list that a stage writes.
pub(super) fn writes(program: &Program, work: Work) -> Vec<u32> {
    outputs(work).into_iter().filter_map(|at| trace_leaf(program.rows[at].home)).collect()
}

/// Stages with the leaves that each is the last to need before they are written again, or never.
pub(super) fn with_frees(program: &Program, works: Vec<Work>) -> Vec<Stage> {
    let mut needed = vec![false; program.trace_leaves as usize];
    let mut stages = Vec::with_capacity(works.len());
    for work in works.into_iter().rev() {
        let mut frees = Vec::new();
        // Backward in time a write ends the need, a read begins it; a value that nobody reads is free at once.
        for leaf in writes(program, work) {
            if !needed[leaf as usize] {
                frees.push(leaf);
            }
            needed[leaf as usize] = false;
        }
        for leaf in reads(program, work) {
            if !std::mem::replace(&mut needed[leaf as usize], true) {
                frees.push(leaf);
            }
        }
        let slots = vec![None; outputs(work).len()];
        stages.push(Stage { work, frees, slots, in_place: None, together: 1 });
    }
    stages.reverse();
    stages
}
