//! `retrace lab disputes`: random lies, each convicted at the element where it was told (V-4.8).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::steady::Steady;
use super::{failed, text, verdict};
use retrace_verifier::lab::{Disputes, Options, disputes};
use serde_json::{Map, Value, json};
use std::time::Instant;

/// Arguments of `retrace lab disputes`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab disputes --seed 7 --lies 1000\n  retrace lab disputes --seed 7 --only 431\n\nA lie is one changed word of one output: by one unit in the last place, a sign, an exponent, a NaN, anything. One that rounds away and changes nothing that is claimed is counted as absorbed. Each of the others is disputed by the automatic players over real commitments and signatures, and has to be convicted where the posted trace departs from the true one."
)]
pub struct Args {
    /// What is drawn: the same seed tells the same lies
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Lies that change a claim; those that round away come on top
    #[arg(long, default_value_t = 1200, value_name = "M", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    lies: u64,
    /// Tell the lie of this number alone, and say all about it
    #[arg(long, value_name = "K")]
    only: Option<u64>,
    /// Threads to tell them on; the report does not depend on it
    #[arg(long, default_value_t = 2, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// One JSON object as the last line of standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let start = Instant::now();
    let clock = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let Args { seed, lies, only, threads, .. } = *args;
    let options = Options { seed, lies, only, threads: usize::from(threads), clock: &clock };
    let mut steady = Steady::new("lies told", None);
    let report = disputes(&options, &mut |done| steady.at(done)).map_err(failed)?;
    drop(steady);
    let shown = report.told.iter().filter(|_| only.is_some()).chain(report.failures());
    shown.for_each(|told| eprintln!("{told}"));
    let broken = report.broken(only.is_none());
    broken.iter().for_each(|what| eprintln!("does not hold: {what}"));
    if args.json {
        say!("{}", object(&report));
    } else {
        text(&report);
    }
    Ok(verdict(broken.is_empty()))
}

fn object(report: &Disputes) -> Value {
    let ops = report.ops.iter().map(|(kind, count)| (format!("{kind:?}"), json!(count)));
    let places = report.places.iter().map(|(place, count)| (place.to_string(), json!(count)));
    json!({
        "seed": report.seed,
        "lies": report.lies,
        "absorbed": report.absorbed,
        "convicted": report.convicted,
        "located": report.located,
        "moves_max": report.moves_max,
        "evidence_bytes_max": report.evidence_bytes_max,
        "posted_bytes_max": report.posted_bytes_max,
        "judge_us_p99": report.judge_ns_p99 as f64 / 1e3,
        "seconds": report.nanoseconds as f64 / 1e9,
        "ops_covered": report.ops.len(),
        "places_covered": report.places.len(),
        "controls": report.controls,
        "honest_lost": report.honest_lost,
        "convicted_by_op": ops.collect::<Map<_, _>>(),
        "convicted_by_place": places.collect::<Map<_, _>>(),
    })
}
