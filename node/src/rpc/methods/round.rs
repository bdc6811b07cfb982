//! `GET /v1/runs/{id}/rounds/{n}`: the slots of a round, who has them and what became of them.

use super::account::LedgerTime;
use crate::events::status_text;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{ClaimRecord, State};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A round.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Round {
    /// Its run.
    pub run: String,
    /// Its number, from 0.
    pub round: u32,
    /// Root of the base that it starts from.
    pub base: String,
    /// The round whose merge made that base; none for the run's initial one.
    pub parent: Option<u32>,
    /// Data order.
    pub beacon: String,
    /// When it opened.
    pub opened: LedgerTime,
    /// Commitments are accepted until this is past.
    pub deadline: LedgerTime,
    /// Height at which it closed.
    pub closed_at: Option<u64>,
    /// Commitments that it accepted into its merge, in slot order.
    pub merged: Vec<String>,
    /// The standing claim of the next base.
    pub standing: Option<String>,
    /// Set when a lie was proved in what its base was made from.
    pub taint: Option<Taint>,
    /// True if nothing goes on from what it merges: it is tainted, or a lie was proved in it.
    pub is_dead: bool,
    /// Its slots.
    pub slots: Vec<Slot>,
}

/// Why nothing goes on from a round's base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taint {
    /// The convicted commitment whose delta is in it.
    pub by: String,
    /// Trainers of the round are paid for what was verified before this height.
    pub accused_at: u64,
}

/// A slot of a round.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// Its number, from 0.
    pub slot: u16,
    /// Who has it.
    pub trainer: Option<String>,
    /// Its commitment.
    pub commitment: Option<String>,
    /// What became of that.
    pub status: Option<String>,
    /// Its mean loss, nats per token.
    pub mean_loss_nats: Option<f32>,
    /// Units drawn of it.
    pub drawn: Option<Vec<String>>,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/runs/{id}/rounds/{round}", "A round: its base, its slots and their claims", &[], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Round, Refused> {
    let (run, number) = (asked.digest("id")?, asked.number("round")?);
    let found = u32::try_from(number).ok().and_then(|n| door.board.read(|state| words(state, &run, n)));
    found.ok_or_else(|| Refused::unknown("round", format!("{number} of run {run}")))
}

fn words(state: &State, run: &Digest, number: u32) -> Option<Round> {
    let round = state.round(run, number)?;
    let slots = (0u16..).zip(&round.slots).map(|(slot, one)| {
        let record = one.commitment.and_then(|id| state.claim(&id));
        Slot {
            slot,
            trainer: one.trainer.map(|key| key.to_string()),
            commitment: one.commitment.map(|id| id.to_string()),
            status: record.map(|record| status_text(&record.status)),
            mean_loss_nats: record.and_then(mean_loss),
            drawn: record.and_then(drawn),
        }
    });
    Some(Round {
        run: run.to_string(),
        round: number,
        base: round.base.to_string(),
        parent: round.parent,
        beacon: Digest(round.beacon).to_string(),
        opened: round.opened.into(),
        deadline: round.deadline.into(),
        closed_at: round.closed_at.map(|height| height.0),
        merged: round.merged.iter().map(Digest::to_string).collect(),
        standing: round.standing.map(|id| id.to_string()),
        taint: round.taint.map(|taint| Taint { by: taint.by.to_string(), accused_at: taint.accused_at.0 }),
        is_dead: state.is_dead(run, number),
        slots: slots.collect(),
    })
}

/// The mean loss that a segment claims; none where it is no finite number, which JSON cannot say.
pub fn mean_loss(record: &ClaimRecord) -> Option<f32> {
    match &record.claim {
        Claim::Segment(signed) => {
            Some(f32::from_bits(signed.commitment.mean_loss)).filter(|loss| loss.is_finite())
        }
        Claim::Base(_) => None,
    }
}

/// The drawn units of a claim, once it is drawn.
pub(in crate::rpc) fn drawn(record: &ClaimRecord) -> Option<Vec<String>> {
    record.audit.as_ref().map(|audit| audit.units.iter().map(Unit::to_string).collect())
}
