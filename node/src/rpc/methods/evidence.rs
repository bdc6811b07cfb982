//! `GET /v1/evidence/{dispute}`: the bundle of a judged dispute, made again from its docket and the blocks, or that of
//! one which the ledger's clock decided (W-3.9).

use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::http::StatusCode;
use retrace_ledger::evidence::NoClockBundle;
use retrace_ledger::{Body, DisputeStatus, Height};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Docket;
use retrace_verifier::evidence::Bundle;
use retrace_verifier::{SignedMove, Unit};
use std::collections::BTreeSet;

pub(in crate::rpc) fn row() -> Row {
    let says = "The evidence of a judged dispute, or of one that an accused's clock decided: a bundle for `retrace evidence verify`";
    Row::bytes("/v1/evidence/{dispute}", says, "application/octet-stream", look)
}

fn look(door: &Door, asked: &Asked) -> Result<Vec<u8>, Refused> {
    let id = asked.digest("dispute")?;
    match door.board.clock_bundle(&id) {
        Ok(bundle) => return Ok(retrace_ledger::encode(&bundle)),
        Err(NoClockBundle::Fault(fault)) => return Err(Refused::fault(fault)),
        Err(NoClockBundle::Unknown | NoClockBundle::OtherEnd) => {}
    }
    let docket = judged(door, &id)?;
    let moves = moves(door, &id)?;
    let parties = [docket.claim.signer(), docket.challenger];
    let known = door.board.read(|state| parties.map(|party| state.delegation(&party).copied()));
    let known: Vec<_> = known.into_iter().flatten().collect();
    Ok(retrace_ledger::encode(&Bundle::defended(docket, moves, &known)))
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
    let hint = "a dispute that is open, was lost, overtaken or ended by a contradiction has no bundle here";
    Refused::new(StatusCode::NOT_FOUND, "no_evidence", message, hint)
}

/// The moves, from the blocks that the history says they are in.
fn moves(door: &Door, id: &Digest) -> Result<Vec<SignedMove>, Refused> {
    let forgotten = || {
        let message = "the moves of this dispute are older than this node's memory";
        let hint = "ask another node, or read the evidence folder of a node that took part";
        Refused::new(StatusCode::NOT_FOUND, "forgotten", message, hint)
    };
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
