//! Compares the integer referee with this machine's floating-point unit (M-1.1, M-1.2, M-1.3, M-1.5): every pair and
//! every triple of exponents, whole chains of accumulators, and many random and boundary cases, on all cores.

#![allow(clippy::disallowed_methods, reason = "an example looks at the clock")]

#[path = "../tests/arithmetic_cases/mod.rs"]
mod arithmetic_cases;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arithmetic_cases::sweep::{Part, parts};

const USAGE: &str = "\
usage: softfloat [--cases N] [--chains N] [--seed N] [--threads N] [--sample] [--json]
  --cases N    random and boundary cases; a case is all 17 operations of both widths (1000000000)
  --chains N   chains of 1 to 64 links, of 16 lanes where the op has lanes (2000000)
  --seed N     what is drawn; the verdict follows from it and not from the threads (0)
  --threads N  (all cores)
  --sample     some cases of each pair of exponents, and some of the first exponents of wide pairs and triples
  --json       one object instead of lines
example: softfloat --cases 1000000 --chains 10000 --sample
exit 0: no difference, 1: the first difference of a part is printed, 2: usage";

struct Options {
    cases: u64,
    chains: u64,
    seed: u64,
    threads: u64,
    sample: bool,
    json: bool,
}

impl Options {
    /// What the command line says; none when it cannot be read.
    fn read(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
        let mut found =
            Self { cases: 1_000_000_000, chains: 2_000_000, seed: 0, threads, sample: false, json: false };
        let mut arguments = arguments.peekable();
        while let Some(name) = arguments.next() {
            let number = match name.as_str() {
                "--cases" => &mut found.cases,
                "--chains" => &mut found.chains,
                "--seed" => &mut found.seed,
                "--threads" => &mut found.threads,
                "--sample" => {
                    found.sample = true;
                    continue;
                }
                "--json" => {
                    found.json = true;
                    continue;
                }
                _ => return None,
            };
            *number = arguments.next()?.parse().ok()?;
        }
        (found.threads > 0).then_some(found)
    }
}

/// What one part came to.
struct Outcome {
    part: Part,
    seconds: f64,
    difference: Option<(u64, String)>,
}

/// Shares the part's blocks among threads. Blocks are handed out in order and every one begun is finished, so the
/// lowest block with a difference is the same on any number of threads.
fn run(part: Part, options: &Options) -> Outcome {
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let found: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let worker = || {
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= part.blocks() {
                return;
            }
            if let Some(difference) = part.difference(block, options.seed) {
                next.store(part.blocks(), Ordering::Relaxed);
                let mut found = found.lock().expect("no thread panics");
                if found.as_ref().is_none_or(|(other, _)| block < *other) {
                    *found = Some((block, difference));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(worker);
        }
    });
    let difference = found.into_inner().expect("no thread panics");
    Outcome { part, seconds: start.elapsed().as_secs_f64(), difference }
}

fn print_line(outcome: &Outcome) {
    let (name, cases) = (outcome.part.name(), outcome.part.cases());
    match &outcome.difference {
        Some((block, text)) => println!("{name:<26} DIFFERENT in block {block}: {text}"),
        None => {
            let rate = cases as f64 / outcome.seconds / 1e6;
            println!("{name:<26} {cases:>13} cases agree {:>9.1} s {rate:>7.2} M cases/s", outcome.seconds);
        }
    }
}

fn json(outcomes: &[Outcome], options: &Options) -> serde_json::Value {
    let parts: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let cases = outcome.part.cases();
            serde_json::json!({
                "part": outcome.part.name(),
                "cases": cases,
                "seconds": outcome.seconds,
                "cases_per_second": cases as f64 / outcome.seconds,
                "difference": outcome.difference.as_ref().map(|(_, text)| text),
            })
        })
        .collect();
    let same = outcomes.iter().all(|outcome| outcome.difference.is_none());
    serde_json::json!({
        "same": same,
        "cases": outcomes.iter().map(|outcome| outcome.part.cases()).sum::<u64>(),
        "seconds": outcomes.iter().map(|outcome| outcome.seconds).sum::<f64>(),
        "seed": options.seed,
        "threads": options.threads,
        "parts": parts,
    })
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = Options::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut outcomes = Vec::new();
    for part in parts(options.cases, options.chains, options.sample) {
        let outcome = run(part, &options);
        if !options.json {
            print_line(&outcome);
        }
        outcomes.push(outcome);
    }
    if options.json {
        println!("{}", json(&outcomes, &options));
    }
    ExitCode::from(u8::from(outcomes.iter().any(|outcome| outcome.difference.is_some())))
}
