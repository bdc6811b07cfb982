//! The accepted history of a run, followed by each role for itself: bases from accepted deltas.

use crate::home::{BlobError, Blobs};
use retrace_ledger::State;
use retrace_model::{Engine, RunSpec, Words, initial_parameters};
use retrace_verifier::digest::Digest;
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Task, Unit};

/// Why history cannot be followed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LineageError {
    /// A delta is missing or wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Blob(#[from] BlobError),
    /// The ledger accepted another base than the deltas give.
    #[error("the ledger's base of round {round} is {accepted}, the accepted deltas give {merged}")]
    #[diagnostic(help("nobody disputed that base in its window: history is final, even where it is wrong"))]
    OtherBase {
        /// The round that starts from it.
        round: u32,
        /// What the ledger accepted.
        accepted: Digest,
        /// What the deltas give.
        merged: Digest,
    },
}

/// The base of one round.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// The run, where several are told apart.
    pub run: Option<Digest>,
    /// The round that starts from it.
    pub round: u32,
    /// Its tensors: parameters, then outer momenta.
    pub base: Vec<Words>,
    /// Its root.
    pub root: Digest,
}

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Roots of its accepted deltas, in slot order.
    pub deltas: Vec<Digest>,
    /// The accepted base that follows.
    pub accepted: Option<Digest>,
}

/// The initial base of a run: parameters from the seed, zero momenta.
pub fn initial_base(spec: &RunSpec) -> Vec<Words> {
    let parameters = initial_parameters(spec);
    let zeros: Vec<Words> = parameters.iter().map(|t| vec![0; t.len()]).collect();
    parameters.into_iter().chain(zeros).collect()
}

/// Published deltas by their roots, each checked.
fn fetch(spec: &RunSpec, blobs: &Blobs, deltas: &[Digest]) -> Result<Vec<Vec<Words>>, BlobError> {
    deltas.iter().map(|root| blobs.tensors(StateKind::Delta, spec, root)).collect()
}

impl Lineage {
    /// The beginning of a run.
    pub fn start(spec: &RunSpec) -> Lineage {
        let base = initial_base(spec);
        let root = root_of(StateKind::Outer, spec, &base);
        Lineage { run: None, round: 0, base, root }
    }

    /// The task of merging published deltas into this base.
    pub fn merge_task(&self, spec: &RunSpec, blobs: &Blobs, deltas: &[Digest]) -> Result<Task, LineageError> {
        Ok(self.task(spec, fetch(spec, blobs, deltas)?))
    }

    fn task(&self, spec: &RunSpec, deltas: Vec<Vec<Words>>) -> Task {
        Task {
            spec: *spec,
            unit: Unit::Merge,
            round: self.round + 1,
            slot: 0,
            pre: self.base.clone(),
            base: Vec::new(),
            deltas,
            tokens: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// The base of the next round; without a delta it stays what it was.
    pub fn advance(&mut self, spec: &RunSpec, deltas: Vec<Vec<Words>>, engine: &Engine) {
        if !deltas.is_empty() {
            let witness = self.task(spec, deltas).replay(engine);
            self.base = witness.post().into_iter().cloned().collect();
            self.root = root_of(StateKind::Outer, spec, &self.base);
        }
        self.round += 1;
    }

    /// Follows the ledger to the base of `round`; what it accepted must be what the deltas give.
    pub fn follow(
        &mut self,
        spec: &RunSpec,
        blobs: &Blobs,
        engine: &Engine,
        round: u32,
        look: impl Fn(u32) -> Ended,
    ) -> Result<(), LineageError> {
        while self.round < round {
            let Ended { deltas, accepted } = look(self.round);
            self.advance(spec, fetch(spec, blobs, &deltas)?, engine);
            if let Some(accepted) = accepted
                && accepted != self.root
            {
                return Err(LineageError::OtherBase { round: self.round, accepted, merged: self.root });
            }
        }
        Ok(())
    }

    /// What the ledger says about the end of `round`: its accepted deltas and the base that follows.
    pub fn look(state: &State, run: &Digest, round: u32) -> Ended {
        let next = state.round(run, round + 1).map(|r| r.base);
        let head = state.progress(run).map(|p| p.base);
        Ended { deltas: state.accepted_deltas(run, round), accepted: next.or(head) }
    }
}
