//! `retrace selftest`: the golden steps on every backend and thread count of this machine.

use super::exit::{Exit, Failure};
use super::print::say;
use retrace_model::selftest;
use serde_json::{Map, Value, json};

/// Arguments of `retrace selftest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace selftest --threads 4\n\nA machine that prints another hash cannot take part: its work would be disputed, and rightly."
)]
pub struct Args {
    /// Thread counts to try, from 1 to this
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let outcomes = selftest::run(usize::from(args.threads));
    let passed = outcomes.iter().all(selftest::Outcome::is_golden);
    let names: Vec<&str> = outcomes.iter().map(|o| o.engine.backend.name()).collect();
    let absent: Vec<&str> = ["avx2", "avx512"].into_iter().filter(|name| !names.contains(name)).collect();
    if args.json {
        let line = |o: &selftest::Outcome| {
            let (backend, threads) = (o.engine.backend.name(), o.engine.threads);
            json!({ "golden": o.golden, "backend": backend, "threads": threads, "hash": o.hash })
        };
        let pair = |golden: selftest::Golden| (golden.name.to_owned(), Value::from(golden.hash));
        let golden: Map<String, Value> = selftest::goldens().into_iter().map(pair).collect();
        let report = json!({
            "passed": passed,
            "golden": golden,
            "outcomes": outcomes.iter().map(line).collect::<Vec<_>>(),
            "absent": absent,
        });
        say!("{report}");
    } else {
        for o in &outcomes {
            let verdict = if o.is_golden() { "golden" } else { "DIFFERENT" };
            let (backend, threads) = (o.engine.backend.name(), o.engine.threads);
            say!("{:<6} {backend:<10} {threads} threads  {}  {verdict}", o.golden, o.hash);
        }
        absent.iter().for_each(|name| say!("{name:<10} not on this machine"));
        say!(
            "{}",
            if passed {
                "passed: one hash a model, everywhere"
            } else {
                "FAILED: this machine gives other bits"
            }
        );
    }
    Ok(if passed { Exit::Yes } else { Exit::No })
}
