//! `retrace lab forge`: the published attacks on proof of learning, each by its name (V-4.9).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::steady::Steady;
use super::{failed, text, verdict};
use retrace_verifier::lab::{Forgeries, forge};
use serde_json::{Value, json};

/// Arguments of `retrace lab forge`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab forge\n\nEach strategy is played for real and answered by what happened: convicted at an op, refused by a rule in the rule's own words, impossible and why, or survived. With --json every strategy is an object of its own line, and the counts are the last."
)]
pub struct Args {
    /// JSON lines on standard output, the counts last
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut steady = Steady::new("strategies played", None);
    let found = forge(&mut |done| steady.at(done)).map_err(failed)?;
    drop(steady);
    if args.json {
        objects(&found).iter().for_each(|object| say!("{object}"));
    } else {
        text(&found);
    }
    Ok(verdict(found.survived() == 0))
}

fn objects(found: &Forgeries) -> Vec<Value> {
    let strategy = |one: &retrace_verifier::lab::Forged| {
        json!({
            "name": one.name,
            "against": one.against,
            "does": one.does,
            "outcome": one.answer.outcome(),
            "detail": one.answer.to_string(),
        })
    };
    let mut objects: Vec<Value> = found.forged.iter().map(strategy).collect();
    let count = |outcome: &str| found.count(|answer| answer.outcome() == outcome);
    objects.push(json!({
        "strategies": found.forged.len(),
        "convicted": count("convicted"),
        "refused": count("refused"),
        "expired": count("expired"),
        "acquitted": count("acquitted"),
        "impossible": count("impossible"),
        "survived": found.survived(),
    }));
    objects
}
