//! `GET /v1/disputes`: all disputes, by id.

use super::breaker::deferred_for;
use crate::events::dispute_text;
use crate::rpc::asked::{AFTER, Asked, LIMIT, Parameter};
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{DisputeRecord, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a dispute stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputeHead {
    /// Its id.
    pub id: String,
    /// Its run.
    pub run: String,
    /// The disputed claim.
    pub claim: String,
    /// The disputed unit.
    pub unit: String,
    /// Who signed the claim.
    pub accused: String,
    /// Who disputes it.
    pub challenger: String,
    /// Stake of the challenger that is locked for it.
    pub bond: u64,
    /// Height of its opening.
    pub opened_at: u64,
    /// True until it is decided, played or queued.
    pub open: bool,
    /// In words.
    pub status: String,
    /// Moves played.
    pub moves: u16,
    /// Bytes of all moves.
    pub posted_bytes: u64,
    /// Bytes of the judging transaction; 0 before.
    pub judging_bytes: u32,
    /// pending, executed or forgiven: what became of the first slash for it that a breaker deferred; none without one.
    pub deferred: Option<String>,
}

/// Disputes, by id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Disputes {
    /// The disputes.
    pub disputes: Vec<DisputeHead>,
    /// The `after` of the next page; none at the end.
    pub next: Option<String>,
}

const RUN: Parameter = Parameter { name: "run", says: "only those of this run" };
const CLAIM: Parameter = Parameter { name: "claim", says: "only those over this claim" };
const PARTY: Parameter = Parameter { name: "party", says: "only those that this account is a side of" };
const OPEN: Parameter =
    Parameter { name: "open", says: "true: only open ones; false: only those that are over" };

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/disputes", "All disputes, by id", &[RUN, CLAIM, PARTY, OPEN, LIMIT, AFTER], look)
}

/// A dispute as the door says it.
pub(in crate::rpc) fn head_words(state: &State, id: &Digest, record: &DisputeRecord) -> DisputeHead {
    let game = state.game(id);
    DisputeHead {
        id: id.to_string(),
        run: record.run.to_string(),
        claim: record.claim.to_string(),
        unit: record.unit.to_string(),
        accused: record.accused.to_string(),
        challenger: record.challenger.to_string(),
        bond: record.bond.0,
        opened_at: record.opened.height.0,
        open: record.status.is_pending(),
        status: dispute_text(&record.status),
        moves: game.map_or(0, |game| game.number()),
        posted_bytes: game.map_or(0, |game| game.posted_bytes()),
        judging_bytes: record.judging_bytes,
        deferred: deferred_for(state, &record.run, id).into_iter().next().map(|slash| slash.status),
    }
}

/// All disputes of a state, for whoever has one without a door.
pub fn heads(state: &State) -> Vec<DisputeHead> {
    state.disputes().map(|(id, record)| head_words(state, &id, record)).collect()
}

fn look(door: &Door, asked: &Asked) -> Result<Disputes, Refused> {
    let page = asked.page()?;
    let after = page.after_digest()?;
    let (run, claim, open) = (asked.digest_of("run")?, asked.digest_of("claim")?, asked.flag_of("open")?);
    let party = asked.digest_of("party")?.map(|digest| PeerKey(digest.0));
    let is_wanted = |record: &DisputeRecord| {
        let is_side = |key| record.accused == key || record.challenger == key;
        let is_open = record.status.is_pending();
        run.is_none_or(|run| record.run == run)
            && claim.is_none_or(|claim| record.claim == claim)
            && party.is_none_or(is_side)
            && open.is_none_or(|open| open == is_open)
    };
    let mut disputes: Vec<DisputeHead> = door.board.read(|state| {
        let later = state.disputes().skip_while(|(id, _)| Some(*id) <= after);
        let wanted = later.filter(|(_, record)| is_wanted(record)).take(page.limit + 1);
        wanted.map(|(id, record)| head_words(state, &id, record)).collect()
    });
    let more = disputes.len() > page.limit;
    disputes.truncate(page.limit);
    let next = disputes.last().filter(|_| more).map(|dispute| dispute.id.clone());
    Ok(Disputes { disputes, next })
}
