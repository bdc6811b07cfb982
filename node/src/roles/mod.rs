//! The roles: what a trainer, a verifier and a validator do when there is a new block.

mod accuse;
mod archivist;
mod attester;
mod defender;
mod disputes;
mod lineage;
mod moves;
mod open;
mod past;
mod seats;
mod signed;
mod trainer;
mod verifier;

pub use archivist::Archivist;
pub use attester::Attester;
pub use defender::Defender;
pub use lineage::{Lineage, LineageError, initial_base};
pub use signed::SignedSlots;
pub use trainer::Trainer;
pub use verifier::Verifier;

use crate::home::{BlobError, HomeError};
use crate::network::Board;
use ed25519_dalek::SigningKey;
use lineage::Lineages;
use retrace_ledger::{ClaimRecord, Fault, Height, Phase, Progress, Round, Run, State};
use retrace_model::{Engine, RunSpec};
use retrace_verifier::ResumeError;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Facts, Shard};
use retrace_verifier::signature::{PeerKey, peer_key};
use std::sync::Arc;
use std::time::Duration;

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
    /// This role's own files.
    #[error("{0}")]
    Home(HomeError),
    /// Another commitment was signed for this slot.
    #[error("another commitment was signed for slot {round}.{slot}: it is not signed again")]
    SignedTwice {
        /// Round.
        round: u32,
        /// Slot.
        slot: u16,
    },
    /// Another move was signed for this number.
    #[error("another move {number} of dispute {dispute} was signed: it is not signed again")]
    MovedTwice {
        /// The dispute.
        dispute: Digest,
        /// The move's number.
        number: u16,
    },
    /// Nobody carries a defender's moves.
    #[error("defense key {key} has no account to send moves with: transfer something to it")]
    NoAccount {
        /// The key.
        key: PeerKey,
    },
    /// The chain's moves do not lead to a dispute's game.
    #[error("{0}")]
    Resume(#[from] ResumeError),
    /// The chain's blocks cannot be read.
    #[error("{0}")]
    Ledger(#[from] Fault),
    /// A rule that both sides rely on does not hold.
    #[error("the ledger's state lacks {what}")]
    State {
        /// What is missing.
        what: &'static str,
    },
}

impl RoleError {
    /// True for bytes that are not here yet: the network may bring them, so it is tried again with the next block.
    fn is_waiting(&self) -> bool {
        let missing = |error: &BlobError| matches!(error, BlobError::Missing { .. });
        match self {
            RoleError::Blob(error) | RoleError::Lineage(LineageError::Blob(error)) => missing(error),
            _ => false,
        }
    }
}

/// A run's shards as one role fetched them: each checked against the manifest, kept for the next step.
#[derive(Debug, Default)]
struct Shards(Option<(Digest, Arc<Vec<Vec<u8>>>)>);

impl Shards {
    fn get(
        &mut self,
        board: &Board,
        run: &Digest,
        manifest: &[Shard],
    ) -> Result<Arc<Vec<Vec<u8>>>, RoleError> {
        if let Some((_, shards)) = self.0.as_ref().filter(|(known, _)| known == run) {
            return Ok(Arc::clone(shards));
        }
        let blobs = board.blobs();
        let fetched = manifest.iter().map(|shard| blobs.bytes(&shard.digest, shard.bytes));
        let shards = Arc::new(fetched.collect::<Result<Vec<_>, BlobError>>()?);
        self.0 = Some((*run, Arc::clone(&shards)));
        Ok(shards)
    }
}

/// What the ledger vouches for of a claim, in whichever run and round: enough to run its units again.
#[derive(Clone, Debug)]
struct Basis {
    run: Digest,
    spec: RunSpec,
    manifest: Vec<Shard>,
    /// The round whose base everything starts from: a segment's own, for a base the one before it.
    round: u32,
    beacon: [u8; 32],
    /// Accepted deltas of that round, for a base.
    deltas: Vec<Digest>,
}

impl Basis {
    /// The basis of a dispute.
    fn of_facts(facts: &Facts, claim: &Claim) -> Basis {
        let round = match claim {
            Claim::Base(_) => facts.round.saturating_sub(1),
            Claim::Segment(_) => facts.round,
        };
        let (manifest, deltas) = (facts.manifest.clone(), facts.deltas.clone());
        Basis { run: facts.run, spec: facts.spec, manifest, round, beacon: facts.beacon, deltas }
    }

    /// The basis of a round's claims.
    fn of_round(view: &View, board: &Board, round: u32) -> Result<Basis, RoleError> {
        let run = view.id;
        let beacon = board.read(|state| state.round(&run, round).map(|round| round.beacon));
        let beacon = beacon.ok_or(RoleError::State { what: "the round" })?;
        let deltas = board.read(|state| state.accepted_deltas(&run, round));
        let terms = &view.run.terms;
        Ok(Basis { run, spec: terms.spec, manifest: terms.manifest.clone(), round, beacon, deltas })
    }

    /// The base of its round, followed by whoever holds `lineages`; kept there while a round that is not over, or the
    /// next one, starts from it.
    fn follow(&self, lineages: &mut Lineages, board: &Board, engine: &Engine) -> Result<Lineage, RoleError> {
        let (path, needed) = board.read(|state| {
            let needed: Vec<Option<u32>> = state.progress(&self.run).map_or(Vec::new(), |progress| {
                let rounds = progress.oldest..=progress.round;
                let parents = rounds.filter_map(|round| Some(state.round(&self.run, round)?.parent));
                parents.chain([progress.parent]).collect()
            });
            (Lineage::path(state, &self.run, self.round), needed)
        });
        let is_needed = |merged: &[u32]| needed.contains(&merged.last().copied());
        Ok(lineages.reach(self.run, &self.spec, (&board.blobs(), engine), &path, is_needed)?)
    }
}

/// Something that acts on every block.
pub trait Role: Send {
    /// Who it is: it waits while a transaction of its own is pending.
    fn identity(&self) -> &Identity;
    /// Does at most one thing; true when there may be more to do at once.
    fn act(&mut self, board: &Board) -> Result<bool, RoleError>;
}

/// How long a role that could not go on rests before it tries again.
const REST: Duration = Duration::from_secs(2);

/// Runs a role until the process stops (W-5.1). A role that cannot go on says so, rests, and tries again: what was wrong may
/// have been a disk that was full, and a trainer that gives up loses its slot.
pub fn run_until_stopped(board: &Board, role: &mut dyn Role) {
    let mut seen = Height(0);
    while let Some(height) = board.wait_for_block(seen) {
        seen = height;
        while !board.is_stopped() && !board.is_waiting(&role.identity().peer()) {
            match role.act(board) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.is_waiting() => {
                    tracing::info!(role = role.identity().name, %error, "waiting");
                    break;
                }
                Err(error) => {
                    board.fail(&role.identity().name, &error.to_string());
                    std::thread::sleep(REST);
                    break;
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
    /// True if nothing goes on from the current round: what it trains and merges is lost (L-5.19).
    pub is_dead: bool,
    /// Claims of the rounds that are not over: the standing base that the run waits for, then commitments by round and slot.
    pub claims: Vec<(Digest, ClaimRecord)>,
}

impl View {
    /// The network's run that is not finished, if there is one: the oldest, where there are several.
    pub fn of(state: &State) -> Option<View> {
        let is_going = |id: &Digest| state.progress(id).is_some_and(|p| p.phase != Phase::Finished);
        let going = state.runs().filter(|(id, _)| is_going(id));
        let (id, run) = going.min_by_key(|(id, run)| (run.opened_at, *id))?;
        let progress = *state.progress(&id)?;
        let round = state.round(&id, progress.round).cloned();
        let rounds = (progress.oldest..=progress.round).filter_map(|number| state.round(&id, number));
        let slots = rounds.flat_map(Round::commitments);
        let ids = round.iter().filter_map(|round| round.standing).chain(slots);
        let claims = ids.filter_map(|claim| Some((claim, state.claim(&claim)?.clone()))).collect();
        let is_dead = state.is_dead(&id, progress.round);
        Some(View { id, run: run.clone(), progress, round, is_dead, claims })
    }
}
