//! One dispute over a larger step, and what memory its players take:
//! `cargo run -p retrace-verifier --example memory -- whole|rerun [LAYERS]`, one process each.

use ed25519_dalek::SigningKey;
use retrace_model::op::Kind;
use retrace_model::selftest::golden_spec;
use retrace_model::{Architecture, Backend, Engine, GptSpec, RunSpec, initial_parameters};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::{Claim, Docket, Facts, Shard};
use retrace_verifier::lab::{Lie, Trial, play};
use retrace_verifier::segment::{Assignment, Honest};
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{
    Player, Side, Trace, Unit, commitment::SignedCommitment, signature::peer_key, unit_pin,
};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

const UNIT: Unit = Unit::Step(1);

/// A GPT over bytes, small beside those in use, whose step is large beside its state.
fn spec(layers: u32) -> RunSpec {
    let mut spec = golden_spec();
    let model = &mut spec.model;
    (model.context, model.width, model.layers, model.hidden) = (256, 256, layers, 1024);
    model.architecture = Architecture::Gpt(GptSpec::new(8));
    spec.batch = 4;
    spec
}

/// Most memory that was resident so far, in MiB; none where the system does not say.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

fn tell(what: &str) {
    match peak_mib() {
        Some(mib) => println!("{what}: peak {mib} MiB"),
        None => println!("{what}: this system does not tell the peak"),
    }
}

/// Plays the challenger against a liar, each from a trace of the named kind.
fn dispute(spec: RunSpec, whole: bool) -> Result<Trial, Box<dyn Error>> {
    let engine = Engine { backend: Backend::best(), threads: 2 };
    let shards: Vec<Vec<u8>> = vec![(0..50_000u32).map(|i| (i * i / 7) as u8).collect()];
    let mut base = initial_parameters(&spec);
    base.extend(base.clone());
    let at = Assignment { spec: &spec, beacon: &[0x5A; 32], round: 0, slot: 0, shards: &shards, base: &base };
    let program = retrace_model::program::step_program(&spec);
    // Late in the backward pass: nearly all of the step has to be run again.
    let row = program.rows.iter().rposition(|row| row.kind == Kind::MatMul).ok_or("no product")?;
    let lie = Lie { unit: UNIT, row, element: 77, mask: 1 << 22 };
    let segment = at.train(&engine, &lie, |_| {}).ok_or("no data")?;
    tell("after training, buffers of fused rows");
    let task = at.task(UNIT, segment.before(UNIT), &segment.lists).ok_or("no unit")?;
    let keys = [SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32])];
    let (network, run) = (Digest([1; 32]), Digest([2; 32]));
    let commitment = segment.commitment(network, run, &at, peer_key(&keys[0]));
    let opening = segment.lists.opening(UNIT).ok_or("no unit")?;
    drop(segment);
    let facts = Facts {
        network,
        run,
        spec,
        manifest: shards.iter().map(|s| Shard { digest: tensor_digest(s), bytes: s.len() as u64 }).collect(),
        program: unit_pin(&spec, UNIT, 0).ok_or("no unit")?,
        round: 0,
        beacon: *at.beacon,
        base: root_of(StateKind::Outer, &spec, &base),
        deltas: vec![],
    };
    let claim = Claim::Segment(SignedCommitment::new(commitment, &keys[0]));
    let docket =
        Docket { facts, claim, unit: UNIT, opening, challenger: peer_key(&keys[1]), nonce: Digest([3; 32]) };
    let lent = Arc::new(shards.clone());
    let players = if whole {
        let traces = [at.witness(task.clone(), &engine, &lie), at.witness(task, &engine, &Honest)];
        let words: usize = traces[0].outputs.iter().map(Vec::len).sum();
        println!("{} outputs of {} MiB in each whole trace", traces[0].outputs.len(), (words * 4) >> 20);
        let [accused, honest] = traces;
        [player(Side::Accused, accused, &lent), player(Side::Challenger, honest, &lent)]
    } else {
        let accused = at.rerun(task.clone(), &engine, Arc::new(lie));
        let honest = at.rerun(task, &engine, Arc::new(Honest));
        [player(Side::Accused, accused, &lent), player(Side::Challenger, honest, &lent)]
    };
    tell("after each side's first run");
    Ok(play(docket, players, [&keys[0], &keys[1]])?)
}

fn player(side: Side, trace: impl Trace + 'static, shards: &Arc<Vec<Vec<u8>>>) -> Player {
    Player::new(side, trace, Arc::clone(shards))
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (kind, layers) = (arguments.next(), arguments.next().map_or(Ok(4), |text| text.parse()));
    let (Some(whole), Ok(layers)) =
        (kind.and_then(|kind| ["rerun", "whole"].iter().position(|k| *k == kind)), layers)
    else {
        eprintln!("usage: memory whole|rerun [LAYERS]");
        return ExitCode::from(2);
    };
    match dispute(spec(layers), whole == 1) {
        Ok(trial) => {
            tell("after the dispute, both sides in this process");
            println!("{:?} won, {} moves", trial.outcome.winner, trial.bundle.moves.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
