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

    /// The first piece that is not kept yet, with its name.
    fn next(&self, state: &State) -> Option<(Digest, Piece)> {
        for (id, run) in state.runs() {
            let is_new = |shard: &&Shard| !self.kept.contains(&shard.digest);
            if let Some(shard) = run.terms.manifest.iter().find(is_new) {
                return Some((shard.digest, Piece::Shard(*shard)));
            }
            let rounds = state.progress(&id).map_or(0, |progress| progress.round);
            for round in (0..=rounds).filter_map(|round| state.round(&id, round)) {
                let commitments = round.slots.iter().filter_map(|slot| slot.commitment);
                for claim in commitments.filter(|claim| !self.kept.contains(claim)) {
                    let is_wanted = |record: &&ClaimRecord| {
                        record.status == ClaimStatus::Verified || round.merged.contains(&claim)
                    };
                    let record = state.claim(&claim).filter(is_wanted);
                    if let Some(Claim::Segment(signed)) = record.map(|record| &record.claim) {
                        return Some((claim, Piece::Segment(Box::new(run.terms.spec), signed.commitment)));
                    }
                }
            }
        }
        None
    }
}

impl Role for Archivist {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let Some((name, piece)) = board.read(|state| self.next(state)) else { return Ok(false) };
        let blobs = board.blobs();
        match piece {
            Piece::Shard(shard) => drop(blobs.bytes(&shard.digest, shard.bytes)?),
            Piece::Segment(spec, commitment) => {
                blobs.lists(&commitment.lists)?;
                blobs.tensors(StateKind::Delta, &spec, &commitment.delta_root)?;
            }
        }
        self.kept.insert(name);
        Ok(true)
    }
}
