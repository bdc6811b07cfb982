//! The attack lab: `cargo run -p retrace-verifier --example lab -- disputes|forge|case-study [--json]`.
//!
//! ```text
//! lab disputes [--seed N] [--lies M] [--only K] [--threads T] [--json]
//! lab forge [--json]
//! lab case-study [--json]
//! ```
//!
//! Exit codes: 0 all stood, 1 an attack worked or a bound is broken, 2 usage.

// The lab itself has no clock: this is where one is lent to it.
#![expect(clippy::disallowed_methods, reason = "an example measures")]

use retrace_verifier::lab::{Disputes, Forgeries, Options, Study, case_study, disputes, forge};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: lab disputes [--seed N] [--lies M] [--only K] [--threads T] [--json] | forge [--json] | case-study [--json]";

struct Flags {
    seed: u64,
    lies: u64,
    only: Option<u64>,
    threads: usize,
    json: bool,
}

fn flags(arguments: &[String]) -> Option<Flags> {
    let mut flags = Flags { seed: 1, lies: 1200, only: None, threads: 2, json: false };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        if flag == "--json" {
            flags.json = true;
            continue;
        }
        let number: u64 = rest.next()?.parse().ok()?;
        match flag.as_str() {
            "--seed" => flags.seed = number,
            "--lies" => flags.lies = number,
            "--only" => flags.only = Some(number),
            "--threads" => flags.threads = usize::try_from(number).ok()?,
            _ => return None,
        }
    }
    Some(flags)
}

fn summary(report: &Disputes) -> Value {
    let ops: serde_json::Map<String, Value> =
        report.ops.iter().map(|(kind, n)| (format!("{kind:?}"), json!(n))).collect();
    let places: serde_json::Map<String, Value> =
        report.places.iter().map(|(place, n)| (place.to_string(), json!(n))).collect();
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
        "convicted_by_op": ops,
        "convicted_by_place": places,
        "controls": report.controls,
        "honest_lost": report.honest_lost,
    })
}

fn run_disputes(flags: &Flags) -> Result<bool, String> {
    let start = Instant::now();
    let clock = || start.elapsed().as_nanos() as u64;
    let Flags { seed, lies, only, threads, .. } = *flags;
    let options = Options { seed, lies, only, threads, clock: &clock };
    let mut progress = |done: u64| {
        if done.is_multiple_of(200) {
            eprintln!("{done} lies told");
        }
    };
    let report = disputes(&options, &mut progress).map_err(|error| error.to_string())?;
    let shown = report.told.iter().filter(|_| only.is_some()).chain(report.failures());
    shown.for_each(|one| eprintln!("{one}"));
    let broken = report.broken(only.is_none());
    broken.iter().for_each(|what| eprintln!("broken: {what}"));
    let value = summary(&report);
    if flags.json {
        println!("{value}");
    } else {
        println!("{}", serde_json::to_string_pretty(&value).unwrap_or_default());
    }
    Ok(broken.is_empty())
}

fn print_forgeries(found: &Forgeries, json: bool) {
    if !json {
        print!("{found}");
    }
    for one in found.forged.iter().filter(|_| json) {
        println!(
            "{}",
            json!({
                "name": one.name,
                "against": one.against,
                "does": one.does,
                "outcome": one.answer.outcome(),
                "detail": one.answer.to_string(),
            })
        );
    }
    let count = |what: &str| found.count(|answer| answer.outcome() == what);
    let counts = json!({
        "strategies": found.forged.len(),
        "convicted": count("convicted"),
        "refused": count("refused"),
        "expired": count("expired"),
        "acquitted": count("acquitted"),
        "impossible": count("impossible"),
        "survived": count("survived"),
    });
    println!("{counts}");
}

fn print_study(study: &Study, json: bool) {
    if !json {
        print!("{study}");
        return;
    }
    for row in &study.rows {
        println!(
            "{}",
            json!({
                "what": row.stage.to_string(),
                "stages": row.stages,
                "does": row.does,
                "per_the_paper": row.paper,
                "here": row.ours(),
                "label": row.label,
                "judging_bytes": row.judging_bytes,
                "attributed": row.attributed,
            })
        );
    }
    let attributed = study.rows.iter().filter(|row| row.attributed).count();
    println!("{}", json!({ "rows": study.rows.len(), "attributed": attributed }));
}

fn run(arguments: &[String]) -> Result<Option<bool>, String> {
    let Some((command, rest)) = arguments.split_first() else { return Ok(None) };
    let Some(flags) = flags(rest) else { return Ok(None) };
    match command.as_str() {
        "disputes" => run_disputes(&flags).map(Some),
        "forge" => {
            let found = forge(&mut |_| {}).map_err(|error| error.to_string())?;
            print_forgeries(&found, flags.json);
            Ok(Some(found.survived() == 0))
        }
        "case-study" => {
            let study = case_study(&mut |_| {}).map_err(|error| error.to_string())?;
            print_study(&study, flags.json);
            Ok(Some(study.stood()))
        }
        _ => Ok(None),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::from(1),
        Ok(None) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}
