//! `retrace lab sizes`: what a model's size does to the evidence of a dispute (V-4.10).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::steady::Steady;
use super::{failed, text, verdict};
use retrace_verifier::scale::{AtSize, Measured, Options, SIZES, Size, Sizes, sizes};
use serde_json::{Value, json};
use std::time::Instant;

/// Arguments of `retrace lab sizes`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab sizes\n  retrace lab sizes --largest 100M --seed 7 --json\n\nOne dispute over each of ten ops at each size: every operand is hashed whole (the logits of 32,768 tokens are 16 GiB), none is kept. A dispute looks at one element, so its bytes follow from the depth of trees: they stay within 8,192 for the judging transaction and 131,072 in all. All sizes take minutes, up to 100M takes seconds.\n\nWith --json every dispute is an object of its own line, and the sizes are the last."
)]
pub struct Args {
    /// What is drawn: the same seed tells the same lies
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The largest model that is played: toy, 100M, 1B or 7B
    #[arg(long, default_value = "7B", value_name = "SIZE", value_parser = size)]
    largest: Size,
    /// Threads to hash on; the report does not depend on it
    #[arg(long, default_value_t = 2, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// JSON lines on standard output, the sizes last
    #[arg(long)]
    json: bool,
}

fn size(name: &str) -> Result<Size, String> {
    let found = SIZES.into_iter().find(|size| size.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("sizes are {}", SIZES.map(Size::name).join(", ")))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let start = Instant::now();
    let clock = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let Args { seed, largest, threads, .. } = *args;
    let options = Options { seed, largest, threads: usize::from(threads), clock: &clock };
    let mut steady = Steady::new("disputes have ended", Some(options.disputes()));
    let report = sizes(&options, &mut |done| steady.at(done)).map_err(failed)?;
    drop(steady);
    let broken = report.broken();
    broken.iter().for_each(|what| eprintln!("does not hold: {what}"));
    if args.json {
        report.disputes.iter().for_each(|dispute| say!("{}", line(dispute)));
        say!("{}", object(&report));
    } else {
        text(&report);
    }
    Ok(verdict(broken.is_empty()))
}

fn line(dispute: &Measured) -> Value {
    json!({
        "size": dispute.size.name(),
        "parameters": dispute.parameters,
        "tokens": dispute.tokens,
        "op": dispute.name.name(),
        "layout": dispute.name.layout().to_string(),
        "shape": dispute.shape,
        "terms": dispute.terms,
        "element": dispute.element,
        "tensor_bytes": dispute.tensor_bytes,
        "moves_accused": dispute.moves[0],
        "moves_challenger": dispute.moves[1],
        "posted_bytes": dispute.posted_bytes,
        "judging_bytes": dispute.judging_bytes,
        "bundle_bytes": dispute.bundle_bytes,
        "judge_us": dispute.judge_ns as f64 / 1e3,
        "proven": dispute.is_proven,
        "seconds": dispute.nanoseconds as f64 / 1e9,
    })
}

fn at_size(at: &AtSize) -> Value {
    json!({
        "size": at.size.name(),
        "parameters": at.parameters,
        "tokens": at.tokens,
        "disputes": at.disputes,
        "tensor_bytes_max": at.tensor_bytes,
        "moves_max": at.moves,
        "posted_bytes_max": at.posted_bytes,
        "judging_bytes_max": at.judging_bytes,
        "bundle_bytes_max": at.bundle_bytes,
        "judge_us_max": at.judge_ns as f64 / 1e3,
        "seconds": at.nanoseconds as f64 / 1e9,
    })
}

fn object(report: &Sizes) -> Value {
    json!({
        "seed": report.seed,
        "disputes": report.disputes.len(),
        "convicted": report.disputes.iter().filter(|dispute| dispute.is_proven).count(),
        "moves_max": report.largest(|dispute| u64::from(dispute.moves[0].max(dispute.moves[1]))),
        "posted_bytes_max": report.largest(|dispute| dispute.posted_bytes),
        "judging_bytes_max": report.largest(|dispute| dispute.judging_bytes),
        "bundle_bytes_max": report.largest(|dispute| dispute.bundle_bytes),
        "judge_us_p99": report.judge_ns_p99() as f64 / 1e3,
        "sizes": report.by_size().iter().map(at_size).collect::<Vec<_>>(),
        "seconds": report.nanoseconds as f64 / 1e9,
    })
}
