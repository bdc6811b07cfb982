//! `GET /v1/commitments/{id}`: a segment or a base that somebody answers for, and what became of it.

use super::account::LedgerTime;
use super::round::{drawn, mean_loss};
use crate::events::status_text;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::ClaimRecord;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A claim.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Commitment {
    /// Its id.
    pub id: String,
    /// segment or base.
    pub kind: String,
    /// Its run.
    pub run: String,
    /// The round that it ends.
    pub round: u32,
    /// Its slot; none for a base.
    pub slot: Option<u16>,
    /// Who signed it and answers for it.
    pub signer: String,
    /// open, verified, convicted in which dispute, ...
    pub status: String,
    /// Stake locked for it.
    pub lock: u64,
    /// What a segment says.
    pub segment: Option<Segment>,
    /// The root that a base claims.
    pub root: Option<String>,
    /// Drawn units, once they are drawn.
    pub drawn: Option<Vec<String>>,
    /// The window is over when this is past.
    pub window: Option<LedgerTime>,
    /// Open disputes over it.
    pub disputes: Vec<String>,
}

/// What a trainer signs for a segment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Segment {
    /// Root over the batches' digests.
    pub data_root: String,
    /// Root over the delta's entries.
    pub delta_root: String,
    /// Bytes of the delta.
    pub delta_bytes: u64,
    /// Root over the state roots after each step.
    pub checkpoint_root: String,
    /// Digest of the list of losses.
    pub loss_root: String,
    /// Bits of the mean loss.
    pub mean_loss_bits: String,
    /// The mean loss, nats per token.
    pub mean_loss_nats: Option<f32>,
    /// Digest of the lists behind the roots.
    pub lists: String,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/commitments/{id}", "A commitment or a base claim, and what became of it", &[], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Commitment, Refused> {
    let id = asked.digest("id")?;
    let found = door.board.read(|state| state.claim(&id).map(|record| words(&id, record)));
    found.ok_or_else(|| Refused::unknown("commitment", id))
}

/// A claim as the door says it.
pub(in crate::rpc) fn words(id: &Digest, record: &ClaimRecord) -> Commitment {
    let (kind, slot, root) = match &record.claim {
        Claim::Segment(signed) => ("segment", Some(signed.commitment.slot), None),
        Claim::Base(signed) => ("base", None, Some(signed.claim.root.to_string())),
    };
    Commitment {
        id: id.to_string(),
        kind: kind.into(),
        run: record.run.to_string(),
        round: record.round,
        slot,
        signer: record.signer().to_string(),
        status: status_text(&record.status),
        lock: record.lock.0,
        segment: segment_words(record),
        root,
        drawn: drawn(record),
        window: record.audit.as_ref().map(|audit| audit.deadline.into()),
        disputes: record.disputes.iter().map(Digest::to_string).collect(),
    }
}

fn segment_words(record: &ClaimRecord) -> Option<Segment> {
    let Claim::Segment(signed) = &record.claim else { return None };
    let c = &signed.commitment;
    Some(Segment {
        data_root: c.data_root.to_string(),
        delta_root: c.delta_root.to_string(),
        delta_bytes: c.delta_bytes,
        checkpoint_root: c.checkpoint_root.to_string(),
        loss_root: c.loss_root.to_string(),
        mean_loss_bits: crate::names::bits(c.mean_loss),
        mean_loss_nats: mean_loss(record),
        lists: c.lists.to_string(),
    })
}
