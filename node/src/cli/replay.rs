//! `retrace replay`: a run's steps computed again in this process, and compared bit for bit.

use super::args::{EngineArgs, HomeArg};
use super::exit::{Exit, Failure};
use super::print::say;
use super::view::{self, OneRun, Replayed};
use crate::names;
use crate::roles::Lineage;
use miette::Diagnostic;
use retrace_ledger::{ClaimRecord, ClaimStatus, Round};
use retrace_model::program::first_state;
use retrace_model::{Engine, Words};
use retrace_verifier::Unit;
use retrace_verifier::commitment::{Commitment, SegmentLists};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::{Assignment, Claimed, Honest, Segment};
use retrace_verifier::state::{StateKind, root_of};
use serde_json::json;
use std::collections::BTreeMap;

/// Arguments of `retrace replay`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["step", "all"]))]
#[command(
    after_help = "Examples:\n  retrace replay --home /tmp/my-run --step 0.1.3\n  retrace replay --home /tmp/my-run --all --backend reference"
)]
pub struct Args {
    #[command(flatten)]
    home: HomeArg,
    /// One step, as round.slot.step, all from 0
    #[arg(long, value_name = "R.S.N", value_parser = step)]
    step: Option<(u32, u16, u32)>,
    /// Every segment that was verified or merged, and every merge, from the shards alone
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    engine: EngineArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn step(text: &str) -> Result<(u32, u16, u32), String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [round, slot, step] = parts[..] else { return Err("expected round.slot.step, like 0.1.3".into()) };
    let number = |part: &str| part.parse().map_err(|_| format!("{part} is not a number"));
    let slot = slot.parse().map_err(|_| format!("{slot} is not a number"))?;
    Ok((number(round)?, slot, number(step)?))
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum ReplayError {
    #[error("there is no commitment at {round}.{slot}")]
    #[diagnostic(help("`retrace show --home DIR` lists the commitments of a run"))]
    NoCommitment { round: u32, slot: u16 },
    #[error("the segment has {steps} steps, from 0")]
    #[diagnostic(help("the last part of R.S.N is a step of the segment"))]
    NoStep { steps: u32 },
    #[error("the state before this step is not published, and replaying from the base gives another one")]
    #[diagnostic(help("an earlier step of this segment is wrong: try R.S.0, R.S.1, ..."))]
    NoState,
    #[error("no round of this run is over")]
    #[diagnostic(help("the run was stopped early: `retrace log --home DIR` shows how far it came"))]
    NoRound,
    #[error("the shards have no room for a sequence")]
    #[diagnostic(help("the home's shards are not those of its manifest"))]
    NoRoom,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let replayed = view::open(&args.home.home)?;
    let one = replayed.run()?;
    let engine = args.engine.engine();
    match args.step {
        Some(at) => one_step(&replayed, &one, &engine, at, args.json),
        None => everything(&replayed, &one, &engine, args.json),
    }
}

fn commitment(
    replayed: &Replayed,
    one: &OneRun,
    round: u32,
    slot: u16,
) -> Option<(Digest, ClaimRecord, Commitment)> {
    let state = replayed.chain.state();
    let id = state.round(&one.id, round)?.slots.get(usize::from(slot))?.commitment?;
    let record = state.claim(&id)?.clone();
    let Claim::Segment(signed) = record.claim else { return None };
    Some((id, record, signed.commitment))
}

fn one_step(
    replayed: &Replayed,
    one: &OneRun,
    engine: &Engine,
    (round, slot, step): (u32, u16, u32),
    as_json: bool,
) -> Result<Exit, Failure> {
    let spec = &one.run.terms.spec;
    let found = commitment(replayed, one, round, slot);
    let (_, record, c) = found.ok_or_else(|| Failure::input(ReplayError::NoCommitment { round, slot }))?;
    if step >= spec.steps {
        return Err(Failure::input(ReplayError::NoStep { steps: spec.steps }));
    }
    let lists = replayed.home.blobs().lists(&c.lists).map_err(Failure::input)?;
    let lineage = replayed.lineage(one, round, engine)?;
    let shards = replayed.shards(one)?;
    let state = replayed.chain.state();
    let beacon = state.round(&one.id, round).map(|r| r.beacon).unwrap_or_default();
    let at = Assignment { spec, beacon: &beacon, round, slot, shards: &shards, base: &lineage.base };
    let pre = state_before(replayed, &at, &lists, step, engine)?;
    let unit = Unit::Step(step);
    let task = at.task(unit, &pre, &lists).ok_or_else(|| Failure::work(ReplayError::NoRoom))?;
    let witness = at.witness(task, engine, &Honest);
    let (claimed, ours) = (Claimed::of(&c, &lists, unit), Claimed::replayed(&witness));
    let matches = claimed == Some(ours);
    let claimed = claimed.unwrap_or(ours);
    let status = crate::events::status_text(&record.status);
    if as_json {
        let side = |c: Claimed| {
            json!({
                "state_root": c.post.map(|d| d.to_string()),
                "batch_digest": c.batch.map(|d| d.to_string()),
                "loss_bits": c.loss.map(names::bits),
            })
        };
        let at = names::coordinates(round, Some(slot), unit);
        let verdict = if matches { "match" } else { "mismatch" };
        let report = json!({
            "at": at, "verdict": verdict, "claimed": side(claimed), "replayed": side(ours),
            "trainer": c.trainer.to_string(), "status": status,
        });
        say!("{report}");
    } else {
        say!(
            "{} {}",
            if matches { "MATCH" } else { "MISMATCH" },
            names::coordinates(round, Some(slot), unit)
        );
        say!("trainer       {} ({status})", c.trainer);
        let pairs = [("state root", claimed.post, ours.post), ("batch digest", claimed.batch, ours.batch)];
        for (name, claimed, ours) in pairs {
            let (Some(claimed), Some(ours)) = (claimed, ours) else { continue };
            say!("{name:<13} claimed  {claimed}\n              replayed {ours}");
        }
        let loss = |bits: Option<u32>| {
            bits.map_or("-".into(), |b| format!("{} {}", names::bits(b), f32::from_bits(b)))
        };
        say!("loss (nats)   claimed  {}\n              replayed {}", loss(claimed.loss), loss(ours.loss));
    }
    Ok(if matches { Exit::Yes } else { Exit::No })
}

/// The claimed state before a step: published, or replayed from the base if that gives the listed root.
fn state_before(
    replayed: &Replayed,
    at: &Assignment,
    lists: &SegmentLists,
    step: u32,
    engine: &Engine,
) -> Result<Vec<Words>, Failure> {
    let mut state = first_state(at.spec, at.base);
    let Some(root) = step.checked_sub(1).and_then(|n| lists.step_roots.get(n as usize)) else {
        return Ok(state);
    };
    if let Ok(published) = replayed.home.blobs().tensors(StateKind::Inner, at.spec, root) {
        return Ok(published);
    }
    for earlier in 0..step {
        let task = at.task(Unit::Step(earlier), &state, lists);
        let task = task.ok_or_else(|| Failure::work(ReplayError::NoRoom))?;
        state = at.witness(task, engine, &Honest).post().into_iter().cloned().collect();
    }
    let same = root_of(StateKind::Inner, at.spec, &state) == *root;
    if same { Ok(state) } else { Err(Failure::work(ReplayError::NoState)) }
}

/// What a replay of everything found.
#[derive(Default)]
struct Found {
    steps: u64,
    /// What differs: `round.slot`, or a base.
    differences: Vec<String>,
    /// Rounds that stand on a convicted commitment: what they start from may follow from no honest step.
    dead: Vec<u32>,
}

/// Trains every segment that counted or was merged again and merges; only the ledger and the shards are read.
fn everything(replayed: &Replayed, one: &OneRun, engine: &Engine, as_json: bool) -> Result<Exit, Failure> {
    let shards = replayed.shards(one)?;
    let state = replayed.chain.state();
    let rounds = replayed.rounds_done(one);
    if rounds == 0 {
        return Err(Failure::work(ReplayError::NoRound));
    }
    let mut found = Found::default();
    // By the round whose merge made it: where a lie was merged several branches are open at once.
    let mut bases = BTreeMap::from([(None, Lineage::start(&one.run.terms.spec))]);
    for round in 0..rounds {
        let Some(at) = state.round(&one.id, round) else { break };
        let Some(lineage) = bases.get(&at.parent).cloned() else {
            eprintln!("round {round} stands on a convicted commitment and is not replayed");
            found.dead.push(round);
            continue;
        };
        if let Some(next) = one_round(replayed, one, (round, at), (lineage, &shards, engine), &mut found)? {
            bases.insert(Some(round), next);
        }
        if !found.differences.is_empty() {
            eprintln!("what follows round {round} stands on it and is not replayed");
            break;
        }
        let later = (round + 1..rounds).filter_map(|later| Some(state.round(&one.id, later)?.parent));
        let needed: Vec<Option<u32>> = later.chain([one.progress.parent]).collect();
        bases.retain(|parent, _| needed.contains(parent));
    }
    let head = bases.remove(&one.progress.parent).map(|lineage| lineage.root);
    Ok(report(one, engine, rounds, head, &found, as_json))
}

/// Replays a round from its base; gives the base that it merges, if that is the ledger's and nothing in it was convicted.
fn one_round(
    replayed: &Replayed,
    one: &OneRun,
    (round, at): (u32, &Round),
    (mut lineage, shards, engine): (Lineage, &[Vec<u8>], &Engine),
    found: &mut Found,
) -> Result<Option<Lineage>, Failure> {
    let spec = &one.run.terms.spec;
    let (mut deltas, mut is_dead) = (Vec::new(), false);
    for slot in 0..spec.slots {
        let Some((id, record, c)) = commitment(replayed, one, round, slot) else { continue };
        let is_merged = at.merged.contains(&id);
        if record.status != ClaimStatus::Verified && !is_merged {
            continue;
        }
        let is_convicted = matches!(record.status, ClaimStatus::Convicted { .. });
        is_dead |= is_convicted;
        let from = Assignment { spec, beacon: &at.beacon, round, slot, shards, base: &lineage.base };
        let segment = from.train(engine, &Honest, |_| {});
        let segment = segment.ok_or_else(|| Failure::work(ReplayError::NoRoom))?;
        found.steps += u64::from(spec.steps);
        let same = is_same(&segment, &c, &from);
        // A proved lie is expected to differ, and who was only silent may have been right.
        let words = match (same, is_convicted) {
            (true, _) => "MATCH",
            (false, true) => "CONVICTED, and it differs",
            (false, false) => "MISMATCH",
        };
        eprintln!("{round}.{slot} {words}");
        if !same && !is_convicted {
            found.differences.push(format!("{round}.{slot}"));
        }
        if is_merged {
            deltas.push(segment.delta);
        }
    }
    if deltas.is_empty() || is_dead || !found.differences.is_empty() {
        return Ok(None);
    }
    lineage.advance(spec, round, deltas, engine);
    let accepted = Lineage::merge(replayed.chain.state(), &one.id, round).accepted;
    if accepted.is_some_and(|accepted| accepted != lineage.root) {
        found.differences.push(format!("base of round {}", round + 1));
    }
    Ok(Some(lineage))
}

fn report(
    one: &OneRun,
    engine: &Engine,
    rounds: u32,
    head: Option<Digest>,
    found: &Found,
    as_json: bool,
) -> Exit {
    let Found { steps, differences, dead } = found;
    let matches = head == Some(one.progress.base) && differences.is_empty();
    let root = head.map(|root| root.to_string());
    if as_json {
        let report = json!({
            "verdict": if matches { "match" } else { "mismatch" },
            "checkpoint_root": root,
            "ledger_root": one.progress.base.to_string(),
            "rounds": rounds, "steps": steps, "backend": engine.backend.name(), "differences": differences,
            "dead": dead,
        });
        say!("{report}");
    } else {
        let verdict = if matches { "MATCH" } else { "MISMATCH" };
        say!("{verdict}: {rounds} rounds, {steps} steps on {}", engine.backend);
        say!(
            "checkpoint_root {}\nledger          {}",
            root.as_deref().unwrap_or("not reached"),
            one.progress.base
        );
        differences.iter().for_each(|at| say!("differs at {at}"));
        dead.iter().for_each(|round| say!("round {round} stands on a convicted commitment"));
    }
    if matches { Exit::Yes } else { Exit::No }
}

fn is_same(segment: &Segment, claimed: &Commitment, at: &Assignment) -> bool {
    segment.commitment(claimed.network, claimed.run, at, claimed.trainer) == *claimed
}
