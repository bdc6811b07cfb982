//! The roles: what a trainer and a verifier do when there is a new block.

mod disputes;
mod lineage;
mod trainer;
mod verifier;

pub use lineage::{Ended, Lineage, LineageError, initial_base};
pub use trainer::Trainer;
pub use verifier::Verifier;

use crate::home::BlobError;
use crate::network::{Board, Notice};
use ed25519_dalek::SigningKey;
use retrace_ledger::{ClaimRecord, Height, Progress, Round, Run, State};
use retrace_model::Engine;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::sync::Arc;

/// Who a role is and what it computes with.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name, for people.
    pub name: String,
    /// Stake key.
    pub key: SigningKey,
    /// Backend and threads.
    pub engine: Engine,
}

impl Identity {
    /// Public key.
    pub fn peer(&self) -> PeerKey {
        peer_key(&self.key)
    }
}

/// Why a role cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// A blob is missing or wrong.
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// The accepted history cannot be followed.
    #[error("{0}")]
    Lineage(#[from] LineageError),
    /// A rule that both sides rely on does not hold.
    #[error("the ledger's state lacks {what}")]
    State {
        /// What is missing.
        what: &'static str,
    },
}

/// A run's shards as one role fetched them: each checked against the manifest, kept for the next step.
#[derive(Debug, Default)]
struct Shards(Option<Arc<Vec<Vec<u8>>>>);

impl Shards {
    fn get(&mut self, board: &Board, view: &View) -> Result<Arc<Vec<Vec<u8>>>, RoleError> {
        if let Some(shards) = &self.0 {
            return Ok(Arc::clone(shards));
        }
        let blobs = board.blobs();
        let fetched = view.run.terms.manifest.iter().map(|shard| blobs.bytes(&shard.digest));
        let shards = Arc::new(fetched.collect::<Result<Vec<_>, BlobError>>()?);
        self.0 = Some(Arc::clone(&shards));
        Ok(shards)
    }
}

/// Something that acts on every block.
pub trait Role: Send {
    /// Who it is: it waits while a transaction of its own is pending.
    fn identity(&self) -> &Identity;
    /// Does at most one thing; true when there may be more to do at once.
    fn act(&mut self, board: &Board) -> Result<bool, RoleError>;
}

/// Runs a role until the network stops. A role that fails says so and ends; the others go on.
pub fn run_until_stopped(board: &Board, role: &mut dyn Role) {
    let mut seen = Height(0);
    while let Some(height) = board.wait_for_block(seen) {
        seen = height;
        while !board.is_stopped() && !board.is_waiting(&role.identity().peer()) {
            match role.act(board) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let (role, reason) = (role.identity().name.clone(), error.to_string());
                    return board.tell(Notice::Failed { role, reason });
                }
            }
        }
    }
}

/// The run as a role sees it in one look: all from the same block.
#[derive(Clone, Debug)]
pub struct View {
    /// Run id.
    pub id: Digest,
    /// Terms and pins.
    pub run: Run,
    /// Where it stands.
    pub progress: Progress,
    /// The current round, once it opened.
    pub round: Option<Round>,
    /// Claims of the current round: commitments in slot order, then the standing base.
    pub claims: Vec<(Digest, ClaimRecord)>,
}

impl View {
    /// The base of the current round, followed by whoever holds `lineage`.
    fn follow(
        &self,
        lineage: &mut Option<Lineage>,
        board: &Board,
        engine: &Engine,
    ) -> Result<Lineage, RoleError> {
        let spec = &self.run.terms.spec;
        let lineage = lineage.get_or_insert_with(|| Lineage::start(spec));
        let look = |round| board.read(|state| Lineage::look(state, &self.id, round));
        lineage.follow(spec, &board.blobs(), engine, self.progress.round, look)?;
        Ok(lineage.clone())
    }

    /// The only run of this network, if it is open.
    pub fn of(state: &State) -> Option<View> {
        let (id, run) = state.runs().next()?;
        let progress = *state.progress(&id)?;
        let round = state.round(&id, progress.round).cloned();
        let slots = round.iter().flat_map(|r| r.slots.iter().filter_map(|slot| slot.commitment));
        let ids = slots.chain(round.iter().filter_map(|r| r.standing));
        let claims = ids.filter_map(|claim| Some((claim, state.claim(&claim)?.clone()))).collect();
        Some(View { id, run: run.clone(), progress, round, claims })
    }
}
