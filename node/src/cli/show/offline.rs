//! A finished run and its tensors, from the blocks and blobs of a home.

use super::Args;
use crate::cli::args::near;
use crate::cli::exit::Failure;
use crate::cli::view;
use crate::home::write_whole;
use crate::rpc::methods::breaker::breaker_words;
use crate::rpc::methods::round::mean_loss;
use miette::Diagnostic;
use retrace_model::program::parameter_table;
use retrace_verifier::commitment::word_bytes;
use retrace_verifier::state::{StateKind, words_digest};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, thiserror::Error, Diagnostic)]
enum TensorError {
    #[error("the state has no tensor {name}")]
    #[diagnostic(help("{hint}"))]
    NoTensor { name: String, hint: String },
    #[error("the run has {rounds} rounds; the base of round {found} does not exist yet")]
    #[diagnostic(help("leave --round out for the last base"))]
    NoRound { rounds: u32, found: u32 },
}

/// A tensor of a base state.
pub fn tensor(args: &Args, home: &Path, name: &str) -> Result<Value, Failure> {
    let replayed = view::open(home)?;
    let one = replayed.run()?;
    let spec = &one.run.terms.spec;
    let done = replayed.rounds_done(&one);
    let round = args.round.unwrap_or(done);
    if round > done {
        return Err(Failure::input(TensorError::NoRound { rounds: done, found: round }));
    }
    let table = parameter_table(&spec.model);
    let count = StateKind::Outer.entries(spec);
    let none = retrace_verifier::digest::Digest([0; 32]);
    let names: Vec<String> =
        (0..count).filter_map(|i| StateKind::Outer.entry(spec, &table, i, none)).map(|e| e.name).collect();
    let Some(at) = names.iter().position(|known| known == name) else {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(Failure::input(TensorError::NoTensor { name: name.into(), hint: near(name, &known) }));
    };
    let lineage = replayed.lineage(&one, round, &args.engine.engine())?;
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

/// The home's run, round by round.
pub fn overview(home: &Path) -> Result<Value, Failure> {
    let replayed = view::open(home)?;
    let one = replayed.run()?;
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
        json!({
            "round": n, "base": round.base.to_string(), "parent": round.parent, "tainted": round.taint.is_some(),
            "dead": state.is_dead(&one.id, n), "slots": slots.collect::<Vec<_>>(),
        })
    });
    let spec = &one.run.terms.spec;
    let head = replayed.chain.head();
    Ok(json!({
        "network": replayed.chain.network().to_string(),
        "height": head.height.0,
        "ledger_state_root": head.state_root.to_string(),
        "run": one.id.to_string(),
        "phase": format!("{:?}", one.progress.phase),
        "checkpoint_root": one.progress.base.to_string(),
        "steps_a_segment": spec.steps,
        "tokens_a_step": spec.tokens_per_step(),
        "audit_rate_ppm": one.run.terms.audit_rate_ppm,
        "breaker": breaker_words(state, &one.id),
        "rounds": rounds.collect::<Vec<_>>(),
        "disputes": state.disputes().map(|(id, d)| json!({
            "id": id.to_string(), "accused": d.accused.to_string(), "challenger": d.challenger.to_string(),
            "unit": d.unit.to_string(), "status": crate::events::dispute_text(&d.status),
        })).collect::<Vec<_>>(),
    }))
}
