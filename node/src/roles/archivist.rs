//! Whoever only follows keeps what is needed to retrace: shards, and the lists and deltas of what was accepted (W-5.5),
//! on branches that ended too.

use super::{Identity, Role, RoleError};
use crate::network::Board;
use retrace_ledger::{ClaimRecord, ClaimStatus, State};
use retrace_model::RunSpec;
use retrace_verifier::commitment::Commitment;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Shard};
use retrace_verifier::state::StateKind;
use std::collections::BTreeSet;

/// Something to keep.
enum Piece {
    Shard(Shard),
    Segment(Box<RunSpec>, Commitment),
}

/// An archivist's state.
pub struct Archivist {
    identity: Identity,
    kept: BTreeSet<Digest>,
}

impl Archivist {
    /// An archivist; its identity is only a name.
    pub fn new(identity: Identity) -> Archivist {
        Archivist { identity, kept: BTreeSet::new() }
    }

    /// Pieces that are not kept yet, with their names, the oldest first.
    fn missing(&self, state: &State) -> Vec<(Digest, Piece)> {
        let mut missing = Vec::new();
        for (id, run) in state.runs() {
            let shards = run.terms.manifest.iter().filter(|shard| !self.kept.contains(&shard.digest));
            missing.extend(shards.map(|shard| (shard.digest, Piece::Shard(*shard))));
            let rounds = state.progress(&id).map_or(0, |progress| progress.round);
            for round in (0..=rounds).filter_map(|round| state.round(&id, round)) {
                for claim in round.commitments().filter(|claim| !self.kept.contains(claim)) {
                    let is_wanted = |record: &&ClaimRecord| {
                        record.status == ClaimStatus::Verified || round.merged.contains(&claim)
                    };
                    let record = state.claim(&claim).filter(is_wanted);
                    if let Some(Claim::Segment(signed)) = record.map(|record| &record.claim) {
                        let piece = Piece::Segment(Box::new(run.terms.spec), signed.commitment);
                        missing.push((claim, piece));
                    }
                }
            }
        }
        missing
    }
}

/// Fetches a piece, if it is not here.
fn fetch(board: &Board, piece: Piece) -> Result<(), RoleError> {
    let blobs = board.blobs();
    match piece {
        Piece::Shard(shard) => drop(blobs.bytes(&shard.digest, shard.bytes)?),
        Piece::Segment(spec, commitment) => {
            blobs.lists(&commitment.lists)?;
            blobs.tensors(StateKind::Delta, &spec, &commitment.delta_root)?;
        }
    }
    Ok(())
}

impl Role for Archivist {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Keeps one piece; what nobody serves, of an old branch perhaps, does not keep it from the others.
    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let mut waiting = None;
        for (name, piece) in board.read(|state| self.missing(state)) {
            match fetch(board, piece) {
                Ok(()) => {
                    self.kept.insert(name);
                    return Ok(true);
                }
                Err(error) if error.is_waiting() => waiting = Some(error),
                Err(error) => return Err(error),
            }
        }
        waiting.map_or(Ok(false), Err)
    }
}
