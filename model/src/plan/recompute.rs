//! Drops what lies between two sums of the residual stream, and computes it again for the backward pass (M-8.3).

use super::leaves::outputs;
use super::{Work, reads, writes};
use crate::op::Kind;
use crate::program::{Home, Program};
use std::collections::BTreeSet;
use std::ops::Range;

/// The stages with those of the forward pass repeated that the backward pass needs again.
pub(super) fn blocks(program: &Program, works: Vec<Work>) -> Vec<Work> {
    let is_loss = |work: &Work| outputs(*work).iter().any(|at| program.rows[*at].home == Home::Loss);
    let Some(loss) = works.iter().position(is_loss) else { return works };
    let (forward, backward) = works.split_at(loss + 1);
    // With several micro-batches there are backward passes before the last loss: each keeps what it has.
    let is_slope =
        |work: &Work| matches!(work, Work::Row(at) if program.rows[*at].kind == Kind::CrossEntropyBackward);
    if forward.iter().any(is_slope) {
        return works;
    }
    let mut insertions: Vec<(usize, Vec<Work>)> = Vec::new();
    for segment in segments(program, forward) {
        if let Some((before, again)) = again(program, forward, backward, segment) {
            insertions.push((before, again));
        }
    }
    let mut all = forward.to_vec();
    for (at, work) in backward.iter().enumerate() {
        for (_, again) in insertions.iter().filter(|(before, _)| *before == at) {
            all.extend(again);
        }
        all.push(*work);
    }
    all
}

/// Runs of stages that end with a sum; what comes after the last one is needed at once.
fn segments(program: &Program, forward: &[Work]) -> Vec<Range<usize>> {
    let is_sum = |work: &Work| matches!(work, Work::Row(at) if program.rows[*at].kind == Kind::Add);
    let mut first = 0;
    let mut segments = Vec::new();
    for (at, work) in forward.iter().enumerate() {
        if is_sum(work) {
            segments.push(first..at);
            first = at + 1;
        }
    }
    segments
}

/// What of a segment must be repeated, and before which stage of the backward pass; nothing when it reads none of it.
fn again(
    program: &Program,
    forward: &[Work],
    backward: &[Work],
    segment: Range<usize>,
) -> Option<(usize, Vec<Work>)> {
    let mut own: BTreeSet<u32> =
        forward[segment.clone()].iter().flat_map(|work| writes(program, *work)).collect();
    // What another segment reads stays, as the sums do; the segment's own sum does not count.
    for work in forward[..segment.start].iter().chain(forward.get(segment.end + 1..)?) {
        for leaf in reads(program, *work) {
            own.remove(&leaf);
        }
    }
    let reads_own =
        |work: &Work| reads(program, *work).into_iter().filter(|leaf| own.contains(leaf)).collect::<Vec<_>>();
    let before = backward.iter().position(|work| !reads_own(work).is_empty())?;
    let mut needed: BTreeSet<u32> = backward.iter().flat_map(reads_own).collect();
    let mut again = Vec::new();
    for work in forward[segment].iter().rev() {
        if writes(program, *work).iter().any(|leaf| needed.contains(leaf)) {
            needed.extend(reads_own(work));
            again.push(*work);
        }
    }
    again.reverse();
    Some((before, again))
}
