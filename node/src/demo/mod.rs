//! The main job in one process: a run from genesis to its last base, with whoever lies caught on the way.

mod contradiction;
mod evaluate;
mod outcome;
mod processes;
mod setup;
mod watch;

pub use outcome::{DisputeReport, Outcome};
pub use processes::run as run_processes;
pub use setup::{Liar, PEERS, Plan, Preset, SetupError};
pub use watch::Progress;

use crate::data::Corpus;
use crate::home::{Home, HomeError};
use crate::network::{Board, propose_until_stopped};
use crate::roles::{Attester, Role, SignedSlots, Trainer, Verifier, run_until_stopped};
use retrace_ledger::{Body, OpenRun, RocksOptions};
use setup::Cast;
use std::time::Instant;
use watch::Subject;

/// Runs a demo to its end. Progress goes to `progress`; the outcome is what the ledger says afterwards.
pub fn run(plan: &Plan, corpus: Corpus, progress: &mut dyn Progress) -> Result<Outcome, SetupError> {
    let started = Instant::now();
    let cast = Cast::new(plan)?;
    let home = Home::create(&plan.home, &cast.genesis)?;
    let terms = cast.terms(plan, &corpus)?;
    let blobs = home.blobs();
    for shard in &corpus.shards {
        blobs.put_bytes(shard)?;
    }
    let board = Board::new(home.chain(RocksOptions::default())?, home)?;
    let mut roles = roles(&cast, plan)?;
    let (spec, verdicts_min) = (terms.spec, terms.verdicts_min);
    let run = board.submit(&cast.sponsor, Body::OpenRun(Box::new(OpenRun { terms })));
    let subject = Subject {
        run: run.ok_or(SetupError::Terms)?,
        spec,
        names: cast.names(),
        liar: plan.liar.as_ref().map(|liar| liar.name.clone()),
        audit_rate_ppm: plan.audit_rate_ppm,
        verdicts_min,
        engine: plan.engine,
    };
    let loss_first = watch::first_loss(&subject, &corpus, progress);
    let mut outcome = std::thread::scope(|scope| {
        let board = &board;
        let secrets = &cast.secrets;
        scope.spawn(move || propose_until_stopped(board, secrets));
        for role in &mut roles {
            scope.spawn(move || run_until_stopped(board, role.as_mut()));
        }
        let watched = watch::watch(board, &subject, &corpus, loss_first, progress);
        board.stop();
        watched
    })?;
    // Only now does nothing move any more: the proposer and the roles have ended with the scope.
    outcome.height = board.height().0;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn roles(cast: &Cast, plan: &Plan) -> Result<Vec<Box<dyn Role>>, HomeError> {
    let mut roles: Vec<Box<dyn Role>> = vec![Box::new(Attester::new(cast.validator.clone()))];
    for identity in &cast.trainers {
        let strategy = plan.liar.as_ref().filter(|liar| liar.name == identity.name).map(|liar| liar.strategy);
        // Without the proof of a test network there is no way to a strategy, so the trainer stays honest.
        let strategy = strategy.zip(cast.test_network);
        let signed = SignedSlots::open(plan.home.join("signed").join(&identity.name))?;
        roles.push(Box::new(Trainer::new(identity.clone(), strategy, signed)));
    }
    for identity in &cast.verifiers {
        roles.push(Box::new(Verifier::new(identity.clone())));
    }
    Ok(roles)
}
