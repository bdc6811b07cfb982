//! The evidence of a contradiction, made again from blocks: both disputes up to what the accused said in each (V-6.3).

use super::evidence::{forgotten, known, moves};
use crate::rpc::door::Door;
use crate::rpc::history::ContradictionNote;
use crate::rpc::refused::Refused;
use axum::http::StatusCode;
use retrace_ledger::{Block, Body, Height};
use retrace_verifier::digest::Digest;
use retrace_verifier::evidence::{Contradiction, Testimony};
use retrace_verifier::{Move, SignedMove};

/// The contradiction by which a dispute convicted its claim; none where none did.
pub(super) fn bundle(door: &Door, id: &Digest) -> Result<Option<Contradiction>, Refused> {
    let Some(note) = door.history.contradiction(id) else { return Ok(None) };
    let block = door.board.block(Height(note.height)).map_err(Refused::fault)?;
    let (block, _) = block.ok_or_else(forgotten)?;
    let (first, second) = said(door, &block, id, &note)?;
    Ok(Some(Contradiction::new(testimony(door, first)?, testimony(door, second)?)))
}

/// The two moves. A transaction may have shown both; otherwise the second was played, and the first was remembered.
fn said(
    door: &Door,
    block: &Block,
    id: &Digest,
    note: &ContradictionNote,
) -> Result<(SignedMove, SignedMove), Refused> {
    let shown = block.transactions.iter().find_map(|wire| match &wire.body.body {
        Body::Contradiction(body) => Some((body.first.clone(), body.second.clone()))
            .filter(|(first, second)| (first.dispute, second.dispute) == (note.first, *id)),
        _ => None,
    });
    if let Some(both) = shown {
        return Ok(both);
    }
    // After it the dispute was over: it is the last one of its dispute.
    let second = moves(door, id)?.pop().ok_or_else(forgotten)?;
    let answer = door.board.read(|state| {
        let record = state.dispute(id)?;
        state.answer(&record.claim, record.unit, note.question).copied()
    });
    let answer = answer.filter(|answer| answer.dispute == note.first).ok_or_else(forgotten)?;
    let first = moves(door, &note.first)?.into_iter().find(|signed| signed.number == answer.number);
    Ok((first.ok_or_else(forgotten)?, second))
}

/// A dispute up to a move of the accused, which need not be in a block.
fn testimony(door: &Door, last: SignedMove) -> Result<Testimony, Refused> {
    if matches!(last.body, Move::Trace(_)) && last.number != 0 {
        return Err(elsewhere(last.number));
    }
    let docket = door.board.read(|state| state.docket(&last.dispute).cloned());
    let docket = docket.ok_or_else(|| Refused::unknown("dispute", last.dispute))?;
    let before = usize::from(last.number);
    // A dispute without a move has none in the memory either.
    let mut moves = if before == 0 { Vec::new() } else { moves(door, &last.dispute)? };
    if moves.len() < before {
        return Err(forgotten());
    }
    moves.truncate(before);
    moves.push(last);
    let delegations = known(door, &docket, &moves)?;
    Ok(Testimony { docket, delegations, moves })
}

/// L-5.14 takes a trace root at any number, V-6.3 only where a dispute asks for it.
fn elsewhere(number: u16) -> Refused {
    let message = format!("the accused signed a trace root as move {number}, where no dispute asks for one");
    let hint = "only the ledger judges that (L-5.14): the block that holds both moves is the evidence";
    Refused::new(StatusCode::NOT_FOUND, "no_evidence", message, hint)
}
