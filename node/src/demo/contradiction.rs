//! The file of a contradiction that ended a dispute: both disputes, each up to what the accused said in it (V-6.3).

use crate::network::Board;
use retrace_ledger::State;
use retrace_verifier::SignedMove;
use retrace_verifier::digest::Digest;
use retrace_verifier::evidence::{Contradiction, Testimony, judge_contradiction};
use std::collections::BTreeMap;

/// Moves of disputes as blocks hold them, by dispute.
type Moves = BTreeMap<Digest, Vec<SignedMove>>;

/// The contradiction that ended a dispute, where the moves show one.
pub(super) fn contradiction(board: &Board, moves: &Moves, dispute: &Digest) -> Option<Contradiction> {
    let found = board.read(|state| said_twice(state, moves, dispute))?;
    judge_contradiction(&found).is_ok().then_some(found)
}

/// The last answer in a dispute beside the first one to the same question.
fn said_twice(state: &State, moves: &Moves, dispute: &Digest) -> Option<Contradiction> {
    let record = state.dispute(dispute)?;
    let last = record.answers.last()?;
    let first = state.answer(&record.claim, record.unit, last.question)?;
    let testimony = |dispute: &Digest, number: u16| {
        let moves = moves.get(dispute)?.iter().take(usize::from(number) + 1).cloned();
        let docket = state.docket(dispute)?.clone();
        Some(Testimony { docket, delegations: Vec::new(), moves: moves.collect() })
    };
    Some(Contradiction::new(testimony(&first.dispute, first.number)?, testimony(dispute, last.number)?))
}
