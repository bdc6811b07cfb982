//! False challengers by the thousand against honest accused, by transactions on a chain in memory (L-5.8 to L-5.16).

use retrace_ledger::lab::{Griefing, Report, griefing};
use serde_json::{Value, json};
use std::process::ExitCode;

const USAGE: &str = "\
usage: griefing [--disputes N] [--seed N] [--byte-price N] [--json]
  plays N disputes (10000) by false challengers that play at random, against the rules, or against the clock; then lets
  a liar's friends lose disputes on purpose, and an accused sign two traces for one unit
  --byte-price N  what 1,000,000 bytes of the accused's moves are supposed to cost, in units of value (1000)
  --json          the object alone
example: griefing --disputes 500 --seed 1
exit 0: nothing lost, every defense cheaper than the bond, no liar saved; 1: not; 2: usage";

/// What the command line asks for, and whether it wants the object alone.
fn options() -> Option<(Griefing, bool)> {
    let mut what = Griefing { seed: 0, disputes: 10_000, byte_price_ppm: 1_000 };
    let mut is_json = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--disputes" => what.disputes = arguments.next()?.parse().ok()?,
            "--seed" => what.seed = arguments.next()?.parse().ok()?,
            "--byte-price" => what.byte_price_ppm = arguments.next()?.parse().ok()?,
            "--json" => is_json = true,
            _ => return None,
        }
    }
    Some((what, is_json))
}

fn object(report: &Report, seconds: f64) -> Value {
    json!({
        "disputes": report.disputes,
        "honest_lost": report.honest_lost,
        "defender_cost_share_of_bond": report.defender_cost_ppm_of_bond as f64 / 1e6,
        "defender_bytes_max": report.defender_bytes_max,
        "random": report.random,
        "adversarial": report.adversarial,
        "stalling": report.stalling,
        "stalled": report.stalled,
        "moves_refused": report.moves_refused,
        "bonds_slashed": report.bonds_slashed,
        "value_slashed": report.value_slashed.0,
        "escrow_conserved": report.escrow_conserved,
        "staged_saved_liar": report.staged_saved_liar,
        "staged_lost": report.staged_lost,
        "two_traces_convicted": u32::from(report.two_traces_convicted),
        "seconds": seconds,
    })
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some((what, is_json)) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    #[expect(clippy::disallowed_methods, reason = "an example may look at the clock, the lab does not")]
    let start = std::time::Instant::now();
    let report = match griefing(what, &mut |done| eprintln!("{done} disputes have ended")) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if !is_json {
        println!(
            "{} disputes by false challengers: {} at random, {} against the rules, {} against the clock; {} moves \
             refused; {} lost by the honest accused; {} bonds slashed; a defense cost at most {} ppm of a bond",
            report.disputes,
            report.random,
            report.adversarial,
            report.stalling,
            report.moves_refused,
            report.honest_lost,
            report.bonds_slashed,
            report.defender_cost_ppm_of_bond
        );
    }
    println!("{}", object(&report, start.elapsed().as_secs_f64()));
    ExitCode::from(u8::from(!report.holds()))
}
