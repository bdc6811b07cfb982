//! `GET /v1/disputes/{id}`: the sides, their clocks, the moves with their sizes, and what was found.

use super::disputes::{DisputeHead, head_words};
use super::run::LedgerSpan;
use crate::names;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::history::MoveNote;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{DisputeRecord, DisputeStatus, State};
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::game::ulp_distance;
use retrace_verifier::{Finding, Side};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A dispute.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Dispute {
    /// Where it stands.
    pub head: DisputeHead,
    /// round.slot.step of the unit.
    pub at: String,
    /// accused or challenger, while it is open.
    pub turn: Option<String>,
    /// What each side may use.
    pub clock: LedgerSpan,
    /// What the accused has used in its earlier moves.
    pub used_by_accused: LedgerSpan,
    /// What the challenger has used in its earlier moves.
    pub used_by_challenger: LedgerSpan,
    /// Who won, once it is decided by the referee or a clock.
    pub winner: Option<String>,
    /// True when a clock decided, not arithmetic.
    pub by_clock: bool,
    /// The wrong value, where the referee found one.
    pub finding: Option<FoundValue>,
    /// The moves; none when they are older than this node's memory.
    pub moves: Option<Vec<PlayedMove>>,
    /// Where the evidence is, where there is any.
    pub evidence: Option<String>,
}

/// A value that was claimed and is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundValue {
    /// Position of the row in the unit's program.
    pub row: u32,
    /// The op.
    pub op: String,
    /// The tensor.
    pub tensor: String,
    /// Index of the element in it.
    pub index: Vec<u64>,
    /// The link of the element's chain; none for an element-wise op.
    pub link: Option<u64>,
    /// What was claimed.
    pub claimed_bits: String,
    /// What is right.
    pub right_bits: String,
    /// Their distance in units in the last place; none with a NaN.
    pub ulp_distance: Option<u64>,
}

/// A move.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlayedMove {
    /// Its number, from 0.
    pub number: u16,
    /// Height of its block.
    pub height: u64,
    /// accused or challenger.
    pub side: String,
    /// What kind of move.
    pub kind: String,
    /// Its bytes with the signature.
    pub bytes: u64,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/disputes/{id}", "A dispute: sides, clocks, moves, finding", &[], look)
}

fn side_word(side: Side) -> String {
    format!("{side:?}").to_lowercase()
}

fn move_words(note: &MoveNote) -> PlayedMove {
    let (side, kind) = (side_word(note.side), format!("{:?}", note.kind).to_lowercase());
    PlayedMove { number: note.number, height: note.height, side, kind, bytes: note.bytes }
}

fn look(door: &Door, asked: &Asked) -> Result<Dispute, Refused> {
    let id = asked.digest("id")?;
    let found = door.board.read(|state| {
        let record = state.dispute(&id)?;
        Some((head_words(state, &id, record), record.clone(), state.docket(&id)?.clone(), turn(state, &id)))
    });
    // The place of a finding takes a program to derive: not while the board waits.
    let (head, record, docket, turn) = found.ok_or_else(|| Refused::unknown("dispute", id))?;
    let moves = door.history.moves(&id);
    Ok(words(head, &record, &docket, turn, moves))
}

fn turn(state: &State, id: &retrace_verifier::digest::Digest) -> Option<String> {
    let is_open = state.dispute(id).is_some_and(|record| record.status == DisputeStatus::Open);
    state.game(id).filter(|_| is_open).map(|game| side_word(game.turn()))
}

fn words(
    head: DisputeHead,
    record: &DisputeRecord,
    docket: &Docket,
    turn: Option<String>,
    moves: Option<Vec<MoveNote>>,
) -> Dispute {
    let slot = if let Claim::Segment(signed) = &docket.claim { Some(signed.commitment.slot) } else { None };
    let outcome = if let DisputeStatus::Ended(outcome) = &record.status { Some(outcome) } else { None };
    let finding = outcome.and_then(|outcome| outcome.finding);
    let clocks = &record.clocks;
    Dispute {
        at: names::coordinates(docket.facts.round, slot, docket.unit),
        turn,
        clock: clocks.budget.into(),
        used_by_accused: clocks.accused.into(),
        used_by_challenger: clocks.challenger.into(),
        winner: outcome.map(|outcome| side_word(outcome.winner)),
        by_clock: outcome.is_some() && record.judging_bytes == 0,
        finding: finding.map(|finding| finding_words(docket, &finding)),
        moves: moves.map(|moves| moves.iter().map(move_words).collect()),
        evidence: finding.map(|_| format!("/v1/evidence/{}", head.id)),
        head,
    }
}

/// A finding with the names that people know its place by.
pub fn finding_words(docket: &Docket, finding: &Finding) -> FoundValue {
    let facts = &docket.facts;
    let place = names::place(&facts.spec, docket.unit, facts.deltas.len(), finding);
    FoundValue {
        row: finding.row,
        op: place.op,
        tensor: place.tensor,
        index: place.index,
        link: finding.link,
        claimed_bits: names::bits(finding.claimed_bits),
        right_bits: names::bits(finding.right_bits),
        ulp_distance: ulp_distance(finding.claimed_bits, finding.right_bits),
    }
}
