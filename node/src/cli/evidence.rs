//! `retrace evidence`: what a bundle proves, judged from its bytes alone.

use super::exit::{Exit, Failure};
use super::print::say;
use crate::home::{HomeError, read_bounded};
use crate::names;
use miette::Diagnostic;
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::evidence::{BUNDLE_BYTES_MAX, Bundle, Disproven, Proven, Unreadable, judge, read};
use retrace_verifier::game::ulp_distance;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `retrace evidence`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  retrace evidence verify /tmp/my-run/evidence/*.bundle")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Judge a bundle: exit 0 proven, 1 disproven, 2 unreadable
    #[command(after_help = "Example:\n  retrace evidence verify /tmp/my-run/evidence/*.bundle")]
    Verify {
        /// The bundle
        file: PathBuf,
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum EvidenceError {
    #[error("{path}: {reason}")]
    #[diagnostic(help("a bundle is what a run writes to its home's evidence folder; fetch it again"))]
    Unreadable { path: PathBuf, reason: Unreadable },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let Command::Verify { file, json } = &args.command;
    let bundle = load(file)?;
    let verdict = judge(&bundle);
    if *json {
        say!("{}", as_json(&bundle, &verdict));
    } else {
        print(&bundle.docket, &verdict);
    }
    Ok(if verdict.is_ok() { Exit::Yes } else { Exit::No })
}

fn load(path: &Path) -> Result<Bundle, Failure> {
    let unreadable = |reason| Failure::input(EvidenceError::Unreadable { path: path.into(), reason });
    let bytes = match read_bounded(path, BUNDLE_BYTES_MAX as u64) {
        Err(HomeError::Damaged { .. }) => return Err(unreadable(Unreadable::TooLong { bytes: usize::MAX })),
        other => other.map_err(Failure::input)?,
    };
    read(&bytes).map_err(unreadable)
}

fn print(docket: &Docket, verdict: &Result<Proven, Disproven>) {
    match verdict {
        Ok(proven) => {
            let spec = &docket.facts.spec;
            let place = names::place(spec, proven.unit, docket.facts.deltas.len(), &proven.finding);
            let f = &proven.finding;
            say!("PROVEN by arithmetic: this claim is wrong");
            say!("accused   {}", proven.accused);
            say!("network   {}", proven.network);
            say!("dispute   {}, {} moves", proven.dispute, proven.moves);
            say!("at        {}", coordinates(docket));
            say!("op        {} in {}, element {:?}", place.op, place.tensor, place.index);
            say!("claimed   {}", names::bits(f.claimed_bits));
            say!("right     {}", names::bits(f.right_bits));
            if let Some(ulp) = ulp_distance(f.claimed_bits, f.right_bits) {
                say!("distance  {ulp} ULP");
            }
        }
        Err(reason) => say!("DISPROVEN: {reason}"),
    }
    say!("\nrelative to what the ledger of that network vouches for:");
    for (name, value) in relative_to(docket) {
        say!("  {name:<9} {value}");
    }
}

fn coordinates(docket: &Docket) -> String {
    let slot = if let Claim::Segment(signed) = &docket.claim { Some(signed.commitment.slot) } else { None };
    names::coordinates(docket.facts.round, slot, docket.unit)
}

/// The facts that no arithmetic can show: where they come from is the ledger's word.
fn relative_to(docket: &Docket) -> Vec<(&'static str, String)> {
    let f = &docket.facts;
    let beacon = retrace_verifier::digest::Digest(f.beacon);
    let mut facts = vec![
        ("run", f.run.to_string()),
        ("base", f.base.to_string()),
        ("beacon", beacon.to_string()),
        (
            "program",
            format!("{} ({} rows, derived from the run's specification)", f.program.root, f.program.rows),
        ),
    ];
    facts.extend(f.manifest.iter().map(|s| ("shard", format!("{} ({} bytes)", s.digest, s.bytes))));
    facts.extend(f.deltas.iter().map(|d| ("delta", d.to_string())));
    facts
}

fn as_json(bundle: &Bundle, verdict: &Result<Proven, Disproven>) -> serde_json::Value {
    let docket = &bundle.docket;
    let relative: Vec<_> =
        relative_to(docket).into_iter().map(|(k, v)| json!({ "fact": k, "value": v })).collect();
    match verdict {
        Ok(p) => {
            let place = names::place(&docket.facts.spec, p.unit, docket.facts.deltas.len(), &p.finding);
            json!({
                "verdict": "proven",
                "kind": "proved by arithmetic",
                "accused": p.accused.to_string(),
                "network": p.network.to_string(),
                "dispute": p.dispute.to_string(),
                "at": coordinates(docket),
                "op": place.op,
                "tensor": place.tensor,
                "index": place.index,
                "claimed_bits": names::bits(p.finding.claimed_bits),
                "right_bits": names::bits(p.finding.right_bits),
                "ulp_distance": ulp_distance(p.finding.claimed_bits, p.finding.right_bits),
                "relative_to": relative,
            })
        }
        Err(reason) => {
            json!({ "verdict": "disproven", "reason": reason.to_string(), "relative_to": relative })
        }
    }
}
