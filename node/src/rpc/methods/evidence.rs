//! `GET /v1/evidence/{dispute}`: the bundle of a judged dispute, made again from its docket and the blocks, that of a
//! contradiction, or of one which the ledger's clock decided (W-3.9).

use super::contradiction;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::http::StatusCode;
use retrace_ledger::evidence::NoClockBundle;
use retrace_ledger::{Body, ClaimStatus, DisputeStatus, Height};
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Docket;
use retrace_verifier::evidence::{Bundle, MAGIC, needed_delegations};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Side, SignedMove, Unit};
use std::collections::BTreeSet;

pub(in crate::rpc) fn row() -> Row {
    let says = "The evidence that a dispute ended with: by arithmetic, by a contradiction, or by an accused's clock; for `retrace evidence verify`";
    Row::bytes("/v1/evidence/{dispute}", says, "application/octet-stream", look)
}

fn look(door: &Door, asked: &Asked) -> Result<Vec<u8>, Refused> {
    let id = asked.digest("dispute")?;
    match door.board.clock_bundle(&id) {
        Ok(bundle) => return Ok(retrace_ledger::encode(&bundle)),
        Err(NoClockBundle::Fault(fault)) => return Err(Refused::fault(fault)),
        Err(NoClockBundle::Unknown | NoClockBundle::OtherEnd) => {}
    }
    if let Some(contradiction) = contradiction::bundle(door, &id)? {
        return Ok(retrace_ledger::encode(&contradiction));
    }
    if is_contradicted(door, &id) {
        return Err(forgotten());
    }
    let docket = judged(door, &id)?;
    let moves = moves(door, &id)?;
    let delegations = known(door, &docket, &moves)?;
    Ok(retrace_ledger::encode(&Bundle { magic: MAGIC, docket, delegations, moves }))
}

/// The delegations that these moves need: the one that counts now, or one that counted when the move was made.
pub(super) fn known(
    door: &Door,
    docket: &Docket,
    moves: &[SignedMove],
) -> Result<Vec<SignedDelegation>, Refused> {
    let parties = [docket.claim.signer(), docket.challenger];
    let mut known: Vec<SignedDelegation> =
        parties.iter().flat_map(|party| door.history.delegations(party)).collect();
    let now = door.board.read(|state| parties.map(|party| state.delegation(&party).copied()));
    // The history may be a block behind the state.
    known.extend(now.into_iter().flatten().filter(|one| !known.contains(one)).collect::<Vec<_>>());
    let needed = needed_delegations(docket, moves, &known);
    let keys = |account: PeerKey| -> Vec<PeerKey> {
        needed.iter().map(|d| d.delegation).filter(|d| d.account == account).map(|d| d.key).collect()
    };
    let is_explained = |signed: &SignedMove| {
        let own = match signed.side {
            Side::Accused => docket.claim.signer(),
            Side::Challenger => docket.challenger,
        };
        signed.signer(&own, &keys(own)).is_ok()
    };
    if moves.iter().all(is_explained) { Ok(needed) } else { Err(forgotten()) }
}

/// True if the claim is convicted by this dispute's second answer, which the history does not remember, or has not read
/// again yet since the node was started.
fn is_contradicted(door: &Door, id: &Digest) -> bool {
    door.board.read(|state| {
        let Some(record) = state.dispute(id) else { return false };
        let is_judged = matches!(&record.status, DisputeStatus::Ended(outcome) if outcome.finding.is_some());
        let convicted = ClaimStatus::Convicted { dispute: *id };
        !is_judged && state.claim(&record.claim).is_some_and(|claim| claim.status == convicted)
    })
}

/// The docket, if the referee found something.
fn judged(door: &Door, id: &Digest) -> Result<Docket, Refused> {
    let found = door.board.read(|state| Some((state.dispute(id)?.clone(), state.docket(id)?.clone())));
    let (record, docket) = found.ok_or_else(|| Refused::unknown("dispute", id))?;
    let found = matches!(&record.status, DisputeStatus::Ended(outcome) if outcome.finding.is_some());
    if found { Ok(docket) } else { Err(unproved(record.unit)) }
}

fn unproved(unit: Unit) -> Refused {
    let message = format!("the referee found nothing wrong in this {unit}, or has not judged it");
    let hint =
        "a dispute that is open, was lost by its challenger or was overtaken by another one proves nothing";
    Refused::new(StatusCode::NOT_FOUND, "no_evidence", message, hint)
}

/// What it takes was in blocks that the history has no place for any more.
pub(super) fn forgotten() -> Refused {
    let message =
        "the moves of this dispute, or the keys that signed them, are older than this node's memory";
    let hint = "ask another node, or read the evidence folder of a node that took part";
    Refused::new(StatusCode::NOT_FOUND, "forgotten", message, hint)
}

/// The moves, from the blocks that the history says they are in.
pub(super) fn moves(door: &Door, id: &Digest) -> Result<Vec<SignedMove>, Refused> {
    let notes = door.history.moves(id).ok_or_else(forgotten)?;
    let heights: BTreeSet<u64> = notes.iter().map(|note| note.height).collect();
    let mut moves = Vec::with_capacity(notes.len());
    for height in heights {
        let found = door.board.block(Height(height)).map_err(Refused::fault)?;
        let (block, _) = found.ok_or_else(forgotten)?;
        let bodies = block.transactions.into_iter().map(|wire| wire.body.body);
        moves.extend(bodies.filter_map(|body| match body {
            Body::Play(play) if play.signed.dispute == *id => Some(play.signed),
            _ => None,
        }));
    }
    Ok(moves)
}
