//! The main job in one process: a run from genesis to its last base, with whoever lies caught on the way.

mod evaluate;
mod outcome;
mod setup;
mod watch;

pub use outcome::{DisputeReport, Outcome};
pub use setup::{Liar, PEERS, Plan, Preset, SetupError};
pub use watch::Progress;

use crate::data::Corpus;
use crate::home::Home;
use crate::network::{Board, propose_until_stopped};
use crate::roles::{Role, Trainer, Verifier, run_until_stopped};
use crate::strategy::Strategy;
use retrace_ledger::{Body, Chain, MemoryStore, OpenRun};
use retrace_verifier::segment::{Conduct, Honest};
use setup::Cast;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

/// Runs a demo to its end. Progress goes to `progress`; the outcome is what the ledger says afterwards.
pub fn run(plan: &Plan, corpus: Corpus, progress: &mut dyn Progress) -> Result<Outcome, SetupError> {
    let started = Instant::now();
    let cast = Cast::new(plan)?;
    let home = Home::create(&plan.home, &cast.genesis)?;
    let chain = Chain::open(cast.genesis.clone(), Box::new(MemoryStore::default()))?;
    let terms = cast.terms(plan, &corpus)?;
    let blobs = home.blobs();
    for shard in &corpus.shards {
        blobs.put_bytes(shard)?;
    }
    let (sender, notices) = channel();
    let board = Board::new(chain, home, sender);
    let mut roles = roles(&cast, plan);
    board.submit(&cast.sponsor, Body::OpenRun(Box::new(OpenRun { terms })));
    let loss_first = watch::first_loss(plan, &corpus, progress);
    let mut outcome = std::thread::scope(|scope| {
        let board = &board;
        let secrets = &cast.proposer;
        scope.spawn(move || propose_until_stopped(board, secrets));
        for role in &mut roles {
            scope.spawn(move || run_until_stopped(board, role.as_mut()));
        }
        let watched = watch::watch(board, &cast, plan, &corpus, &notices, loss_first, progress);
        board.stop();
        watched
    })?;
    // Only now does nothing move any more: the proposer and the roles have ended with the scope.
    outcome.height = board.height().0;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn roles(cast: &Cast, plan: &Plan) -> Vec<Box<dyn Role>> {
    let mut roles: Vec<Box<dyn Role>> = Vec::new();
    for (order, identity) in (1u64..).zip(&cast.trainers) {
        let strategy = plan.liar.as_ref().filter(|liar| liar.name == identity.name).map(|liar| liar.strategy);
        // Without the proof of a test network there is no way to a strategy, so the trainer stays honest.
        let dishonest = strategy.zip(cast.test_network).map(|(s, proof)| s.conduct(proof, &plan.spec()));
        // Whoever lies about bases is the first to claim one; the others wait, so that one of them claims it.
        let patience = if strategy == Some(Strategy::WrongBase) { 0 } else { 5 * order };
        let conduct: Arc<dyn Conduct> = dishonest.unwrap_or_else(|| Arc::new(Honest));
        roles.push(Box::new(Trainer::new(identity.clone(), conduct, patience)));
    }
    for identity in &cast.verifiers {
        roles.push(Box::new(Verifier::new(identity.clone())));
    }
    roles
}
