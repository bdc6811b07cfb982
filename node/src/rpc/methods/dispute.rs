//! `GET /v1/disputes/{id}`: the sides, their clocks, the moves with their sizes, and what was found.

use super::breaker::{DeferredWords, deferred_for};
use super::disputes::{DisputeHead, head_words};
use super::run::LedgerSpan;
use crate::events::status_text;
use crate::names;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::history::MoveNote;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Clock, Defense, DisputeRecord, DisputeStatus, Event, Moment, State};
use retrace_verifier::digest::Digest;
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
    /// accused or challenger, while it is played.
    pub turn: Option<String>,
    /// Height at which it found a place and its clocks began; none while it is queued.
    pub started_at: Option<u64>,
    /// Height since which the accusation stands: the earliest one over the unit gets the bounty.
    pub accused_since: u64,
    /// True where it stands by a seal or a rival base, which come after verdicts of the same height.
    pub by_seal: bool,
    /// What the accused may use, in all disputes over the claim together; none before the first one started.
    pub clock_of_accused: Option<LedgerSpan>,
    /// What the challenger may use in this dispute.
    pub clock_of_challenger: LedgerSpan,
    /// Disputes over the claim that wait for a move of the accused.
    pub waiting_for_accused: u32,
    /// The clock of the side to move; none while it is queued and once it is over.
    pub running: Option<RunningClock>,
    /// What the accused has used of its clock.
    pub used_by_accused: LedgerSpan,
    /// What the challenger has used of its clock.
    pub used_by_challenger: LedgerSpan,
    /// Who won, once it is decided by the referee, a clock or a contradiction.
    pub winner: Option<String>,
    /// True when a clock decided, not arithmetic.
    pub by_clock: bool,
    /// True when two answers of the accused to one question decided, not arithmetic.
    pub by_contradiction: bool,
    /// The wrong value, where the referee found one.
    pub finding: Option<FoundValue>,
    /// Slashes for it that a circuit breaker deferred, and what became of them.
    pub deferred: Vec<DeferredWords>,
    /// The moves; none when they are older than this node's memory.
    pub moves: Option<Vec<PlayedMove>>,
    /// Where the evidence is, where there may be any (W-3.9).
    pub evidence: Option<String>,
    /// What became of the claim.
    pub claim_status: String,
    /// Why the claim cannot be settled now; none where it can.
    pub unsettled: Option<String>,
}

/// The clock of the side to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningClock {
    /// Whose.
    pub side: String,
    /// What it has used of its clock, up to the last block.
    pub used: LedgerSpan,
    /// What must pass until it has run out, of heights and of time.
    pub left: LedgerSpan,
    /// True when it has run out: anybody may say so.
    pub expired: bool,
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
    // The place of a finding takes a program to derive: not while the board waits.
    let found =
        door.board.read(|state| Found::of(state, &id)).ok_or_else(|| Refused::unknown("dispute", id))?;
    let mut dispute = words(found, door.history.moves(&id));
    // Two answers may come to light after the dispute has ended, and convict by it all the same (L-5.14).
    if dispute.evidence.is_none() && door.history.contradiction(&id).is_some() {
        dispute.evidence = Some(evidence_path(&id.to_string()));
    }
    Ok(dispute)
}

/// A dispute of a state and of the events that made it, for whoever has them without a door.
pub fn in_blocks(state: &State, events: &[Vec<Event>], id: &Digest) -> Option<Dispute> {
    let blocks =
        (1u64..).zip(events).flat_map(|(height, block)| block.iter().map(move |event| (height, event)));
    let moves = blocks.filter_map(|(height, event)| match event {
        Event::Moved { dispute, number, side, kind, bytes } if dispute == id => {
            Some(MoveNote { height, number: *number, side: *side, kind: *kind, bytes: *bytes })
        }
        _ => None,
    });
    Some(words(Found::of(state, id)?, Some(moves.collect())))
}

/// What the state says of a dispute.
struct Found {
    head: DisputeHead,
    record: DisputeRecord,
    defense: Option<Defense>,
    docket: Docket,
    turn: Option<Side>,
    now: Moment,
    claim_status: String,
    unsettled: Option<String>,
    deferred: Vec<DeferredWords>,
}

impl Found {
    fn of(state: &State, id: &Digest) -> Option<Found> {
        let record = state.dispute(id)?.clone();
        let is_open = record.status == DisputeStatus::Open;
        let now = state.now().ok()?.moment();
        Some(Found {
            head: head_words(state, id, &record),
            defense: state.defense(&record.claim).copied(),
            docket: state.docket(id)?.clone(),
            turn: state.game(id).filter(|_| is_open).map(|game| game.turn()),
            now,
            claim_status: state
                .claim(&record.claim)
                .map_or(String::new(), |claim| status_text(&claim.status)),
            unsettled: state.settlement(&record.claim, now).err().map(|reason| reason.to_string()),
            deferred: deferred_for(state, &record.run, id),
            record,
        })
    }
}

fn running(clock: &Clock, side: Side, now: Moment) -> RunningClock {
    let (used, budget) = (clock.used_at(now), clock.budget);
    // A clock has run out when more than the budget is used.
    let left = |budget: u64, used: u64| budget.saturating_add(1).saturating_sub(used);
    let left = LedgerSpan { heights: left(budget.heights, used.heights), ms: left(budget.ms, used.ms) };
    RunningClock { side: side_word(side), used: used.into(), left, expired: clock.has_expired(now) }
}

/// Who won; and whether a clock decided, or a contradiction.
fn decided(record: &DisputeRecord) -> (Option<Side>, bool, bool) {
    match &record.status {
        DisputeStatus::Ended(outcome) => (Some(outcome.winner), record.judging_bytes == 0, false),
        DisputeStatus::Contradicted => (Some(Side::Challenger), false, true),
        DisputeStatus::Open | DisputeStatus::Queued | DisputeStatus::Overtaken { .. } => (None, false, false),
    }
}

fn words(found: Found, moves: Option<Vec<MoveNote>>) -> Dispute {
    let Found { head, record, defense, docket, turn, now, claim_status, unsettled, deferred } = found;
    // The memory has no entry for a dispute before its first move.
    let moves = moves.or_else(|| (head.moves == 0).then(Vec::new));
    let slot = if let Claim::Segment(signed) = &docket.claim { Some(signed.commitment.slot) } else { None };
    let outcome = if let DisputeStatus::Ended(outcome) = &record.status { Some(outcome) } else { None };
    let finding = outcome.and_then(|outcome| outcome.finding);
    let (winner, by_clock, by_contradiction) = decided(&record);
    let accused = defense.unwrap_or_default().clock;
    let clock_of = |side| if side == Side::Accused { &accused } else { &record.clock };
    Dispute {
        at: names::coordinates(docket.facts.round, slot, docket.unit),
        turn: turn.map(side_word),
        started_at: record.started.map(|moment| moment.height.0),
        accused_since: record.precedence.height.0,
        by_seal: record.precedence.sealed,
        clock_of_accused: defense.map(|defense| defense.clock.budget.into()),
        clock_of_challenger: record.clock.budget.into(),
        waiting_for_accused: defense.map_or(0, |defense| defense.waiting),
        running: turn.map(|side| running(clock_of(side), side, now)),
        used_by_accused: accused.used_at(now).into(),
        used_by_challenger: record.clock.used_at(now).into(),
        winner: winner.map(side_word),
        by_clock,
        by_contradiction,
        finding: finding.map(|finding| finding_words(&docket, &finding)),
        deferred,
        moves: moves.map(|moves| moves.iter().map(move_words).collect()),
        evidence: (winner == Some(Side::Challenger)).then(|| evidence_path(&head.id)),
        claim_status,
        unsettled,
        head,
    }
}

fn evidence_path(id: &str) -> String {
    format!("/v1/evidence/{id}")
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

#[cfg(test)]
mod tests {
    use super::{LedgerSpan, running};
    use retrace_ledger::{Clock, Height, Moment, Span};
    use retrace_verifier::Side;

    /// W-3.1, L-3.4: what is left of a clock is nothing exactly when it has run out, in heights and in time.
    #[test]
    fn a_clock_says_what_is_left() {
        let at = |height, credited_ms| Moment { height: Height(height), credited_ms };
        let budget = Span { heights: 10, ms: 1_000 };
        let clock = Clock { since: Some(at(100, 5_000)), ..Clock::full(budget) };
        let left = |now| {
            let running = running(&clock, Side::Accused, now);
            (running.left.heights, running.left.ms, running.expired)
        };
        assert_eq!(left(at(100, 5_000)), (11, 1_001, false));
        assert_eq!(left(at(110, 7_000)), (1, 0, false));
        assert_eq!(left(at(300, 6_000)), (0, 1, false));
        assert_eq!(left(at(111, 6_001)), (0, 0, true));
        let now = at(103, 5_400);
        let said = running(&clock, Side::Accused, now);
        assert_eq!((said.side.as_str(), said.used), ("accused", LedgerSpan { heights: 3, ms: 400 }));
    }
}
