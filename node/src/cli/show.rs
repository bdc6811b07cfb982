//! `retrace show`: a finished run, one of its commitments, or one of its tensors.

use super::args::{EngineArgs, HomeArg, near};
use super::exit::{Exit, Failure};
use super::print::say;
use super::view::{self, OneRun, Replayed};
use crate::home::write_whole;
use miette::Diagnostic;
use retrace_ledger::ClaimRecord;
use retrace_model::program::parameter_table;
use retrace_verifier::commitment::word_bytes;
use retrace_verifier::docket::Claim;
use retrace_verifier::state::{StateKind, words_digest};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `retrace show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace show --home /tmp/my-run\n  retrace show --home /tmp/my-run --tensor wte.weight --export wte.bin && b3sum wte.bin"
)]
pub struct Args {
    #[command(flatten)]
    home: HomeArg,
    /// A tensor of a base state, by name
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// The base of this round; the last one if left out
    #[arg(long, value_name = "N", requires = "tensor")]
    round: Option<u32>,
    /// Write the tensor's bytes, little endian, row-major: b3sum of the file is the digest in the state root
    #[arg(long, value_name = "FILE", requires = "tensor")]
    export: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum ShowError {
    #[error("the state has no tensor {name}")]
    #[diagnostic(help("{hint}"))]
    NoTensor { name: String, hint: String },
    #[error("the run has {rounds} rounds; the base of round {found} does not exist yet")]
    #[diagnostic(help("leave --round out for the last base"))]
    NoRound { rounds: u32, found: u32 },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let replayed = view::open(&args.home.home)?;
    let one = replayed.run()?;
    let report = match &args.tensor {
        Some(name) => tensor(args, &replayed, &one, name)?,
        None => overview(&replayed, &one),
    };
    if args.json {
        say!("{report}");
    } else {
        print(&report, 0);
    }
    Ok(Exit::Yes)
}

fn tensor(args: &Args, replayed: &Replayed, one: &OneRun, name: &str) -> Result<Value, Failure> {
    let spec = &one.run.terms.spec;
    let done = replayed.rounds_done(one);
    let round = args.round.unwrap_or(done);
    if round > done {
        return Err(Failure::input(ShowError::NoRound { rounds: done, found: round }));
    }
    let table = parameter_table(&spec.model);
    let count = StateKind::Outer.entries(table.len());
    let none = retrace_verifier::digest::Digest([0; 32]);
    let names: Vec<String> =
        (0..count).filter_map(|i| StateKind::Outer.entry(&table, i, none)).map(|e| e.name).collect();
    let Some(at) = names.iter().position(|known| known == name) else {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(Failure::input(ShowError::NoTensor { name: name.into(), hint: near(name, &known) }));
    };
    let lineage = replayed.lineage(one, round, &args.engine.engine())?;
    let words = &lineage.base[at];
    if let Some(path) = &args.export {
        write_whole(path, &word_bytes(words)).map_err(Failure::input)?;
    }
    let shape = table[at % table.len()].shape();
    Ok(json!({
        "tensor": name, "round": round, "dtype": "f32", "shape": shape, "bytes": words.len() * 4,
        "digest": words_digest(words).to_string(), "state_root": lineage.root.to_string(),
        "exported": args.export.as_ref().map(|p| p.display().to_string()),
    }))
}

fn overview(replayed: &Replayed, one: &OneRun) -> Value {
    let state = replayed.chain.state();
    let rounds = (0..=one.progress.round).filter_map(|n| Some((n, state.round(&one.id, n)?)));
    let rounds = rounds.map(|(n, round)| {
        let slots = round.slots.iter().enumerate().map(|(slot, s)| {
            let record = s.commitment.and_then(|id| state.claim(&id));
            json!({
                "slot": slot,
                "trainer": s.trainer.map(|t| t.to_string()),
                "commitment": s.commitment.map(|c| c.to_string()),
                "status": record.map(|r| crate::events::status_text(&r.status)),
                "mean_loss_nats": record.and_then(mean_loss),
                "drawn": record.and_then(|r| r.audit.as_ref()).map(|a| a.units.iter().map(ToString::to_string).collect::<Vec<_>>()),
            })
        });
        json!({ "round": n, "base": round.base.to_string(), "slots": slots.collect::<Vec<_>>() })
    });
    let spec = &one.run.terms.spec;
    let head = replayed.chain.head();
    json!({
        "network": replayed.chain.network().to_string(),
        "height": head.height.0,
        "ledger_state_root": head.state_root.to_string(),
        "run": one.id.to_string(),
        "phase": format!("{:?}", one.progress.phase),
        "checkpoint_root": one.progress.base.to_string(),
        "steps_a_segment": spec.steps,
        "tokens_a_step": spec.tokens_per_step(),
        "audit_rate_ppm": one.run.terms.audit_rate_ppm,
        "rounds": rounds.collect::<Vec<_>>(),
        "disputes": state.disputes().map(|(id, d)| json!({
            "id": id.to_string(), "accused": d.accused.to_string(), "challenger": d.challenger.to_string(),
            "unit": d.unit.to_string(), "status": crate::events::dispute_text(&d.status),
        })).collect::<Vec<_>>(),
    })
}

fn mean_loss(record: &ClaimRecord) -> Option<f32> {
    match &record.claim {
        Claim::Segment(signed) => Some(f32::from_bits(signed.commitment.mean_loss)),
        Claim::Base(_) => None,
    }
}

/// The same object for people: names, values, indented.
fn print(value: &Value, depth: usize) {
    let pad = "  ".repeat(depth);
    let Value::Object(fields) = value else { return say!("{pad}{value}") };
    for (name, field) in fields {
        match field {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                say!("{pad}{name}:");
                for item in items {
                    print(item, depth + 1);
                    say!("");
                }
            }
            Value::String(text) => say!("{pad}{name:<18} {text}"),
            other => say!("{pad}{name:<18} {other}"),
        }
    }
}
