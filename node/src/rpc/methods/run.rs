//! `GET /v1/runs/{id}`: the terms of a run and where it stands.

use super::breaker::{BreakerWords, breaker_words};
use super::runs::{RunHead, head_words};
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::RunTerms;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Where it stands.
    pub head: RunHead,
    /// What is trained.
    pub model: Model,
    /// Tokens of a step.
    pub tokens_per_step: u64,
    /// Token shards that it trains on.
    pub manifest: Vec<Shard>,
    /// Root over initial parameters and zero momenta.
    pub initial_base: String,
    /// Under what conditions.
    pub terms: Terms,
    /// Its circuit breaker; none if it never went on.
    pub breaker: Option<BreakerWords>,
}

/// The shape of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Token ids.
    pub vocabulary: u32,
    /// Tokens that a position may see.
    pub context: u32,
    /// Width.
    pub width: u32,
    /// Attention heads; null for a model without attention.
    pub heads: Option<u32>,
    /// Blocks.
    pub layers: u32,
    /// Width of the hidden layer.
    pub hidden: u32,
    /// Sequences of a step.
    pub batch: u32,
}

/// A token shard: a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shard {
    /// BLAKE3 of its bytes: its name.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A length of ledger time: over when both parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerSpan {
    /// Blocks.
    pub heights: u64,
    /// Credited milliseconds.
    pub ms: u64,
}

/// What a sponsor declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// Share of the steps that is drawn, in parts per million.
    pub audit_rate_ppm: u32,
    /// Verdicts that a drawn unit needs.
    pub verdicts_min: u8,
    /// Heights from a round's end to its draw.
    pub draw_delay: u32,
    /// Paid for a verified segment.
    pub segment_reward: u64,
    /// Paid for a verdict that the outcome agrees with.
    pub verdict_reward: u64,
    /// Stake locked for a claim.
    pub lock: u64,
    /// Stake locked for a dispute.
    pub challenge_bond: u64,
    /// From the opening of a round to its end.
    pub commit_span: LedgerSpan,
    /// From a draw to the end of its window.
    pub verdict_span: LedgerSpan,
    /// By how much a dispute extends the clocks of its sides.
    pub move_span: LedgerSpan,
    /// Share of a slash that goes to the challenger, in parts per million.
    pub bounty_ppm: u32,
    /// The most of it.
    pub bounty_cap: u64,
    /// Gain of a lie, as declared.
    pub declared_gain: u64,
    /// Share of verifiers that collude, as declared, in parts per million.
    pub collusion_ppm: u32,
    /// Stake without which a verifier neither is drawn nor judges.
    pub verifier_stake: u64,
    /// delayed: nothing unverified is merged; optimistic: deltas are merged before their verdicts.
    pub merging: String,
    /// Rounds that may open while an earlier one is not over; 0 in a delayed run.
    pub ahead: u32,
    /// Share of its reward that honest work in a tainted round gets, in parts per million.
    pub insured_ppm: u32,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/runs/{id}", "The terms of a run and where it stands", &[], look)
}

impl From<retrace_ledger::Span> for LedgerSpan {
    fn from(span: retrace_ledger::Span) -> LedgerSpan {
        LedgerSpan { heights: span.heights, ms: span.ms }
    }
}

fn look(door: &Door, asked: &Asked) -> Result<Run, Refused> {
    let id = asked.digest("id")?;
    let found = door.board.read(|state| {
        let run = state.run(&id)?;
        Some((head_words(state, &id, run)?, run.terms.clone(), breaker_words(state, &id)))
    });
    let (head, terms, breaker) = found.ok_or_else(|| Refused::unknown("run", id))?;
    Ok(Run {
        head,
        model: model_words(&terms.spec),
        tokens_per_step: terms.spec.tokens_per_step(),
        manifest: terms.manifest.iter().map(shard_words).collect(),
        initial_base: terms.initial_base.to_string(),
        terms: terms_words(&terms),
        breaker,
    })
}

fn shard_words(shard: &retrace_verifier::docket::Shard) -> Shard {
    Shard { digest: shard.digest.to_string(), bytes: shard.bytes }
}

fn model_words(spec: &retrace_model::RunSpec) -> Model {
    let m = &spec.model;
    Model {
        vocabulary: m.vocabulary,
        context: m.context,
        width: m.width,
        heads: m.heads(),
        layers: m.layers,
        hidden: m.hidden,
        batch: spec.batch,
    }
}

fn terms_words(terms: &RunTerms) -> Terms {
    Terms {
        audit_rate_ppm: terms.audit_rate_ppm,
        verdicts_min: terms.verdicts_min,
        draw_delay: terms.draw_delay,
        segment_reward: terms.segment_reward.0,
        verdict_reward: terms.verdict_reward.0,
        lock: terms.lock.0,
        challenge_bond: terms.challenge_bond.0,
        commit_span: terms.commit_span.into(),
        verdict_span: terms.verdict_span.into(),
        move_span: terms.move_span.into(),
        bounty_ppm: terms.bounty_ppm,
        bounty_cap: terms.bounty_cap.0,
        declared_gain: terms.declared_gain.0,
        collusion_ppm: terms.collusion_ppm,
        verifier_stake: terms.verifier_stake.0,
        merging: if terms.merging.is_optimistic() { "optimistic" } else { "delayed" }.into(),
        ahead: terms.merging.ahead(),
        insured_ppm: terms.merging.insured_ppm(),
    }
}
