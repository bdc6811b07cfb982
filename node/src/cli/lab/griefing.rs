//! `retrace lab griefing`: false challengers against honest work, on a ledger in memory (L-5.8 to L-5.16).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::steady::Steady;
use super::{failed, text, verdict};
use retrace_ledger::Params;
use retrace_ledger::lab::{Griefing, Report, griefing};
use serde_json::{Value, json};
use std::time::Instant;

/// Arguments of `retrace lab griefing`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab griefing --disputes 10000 --seed 7 --json\n\nChallengers who dispute right work play at random, adversarially, or stall their clocks out, by real transactions; the accused is the automatic player. Beside them, a liar whose friends lose disputes on purpose, and one who posts two traces for one unit."
)]
pub struct Args {
    /// What is drawn
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Disputes by false challengers
    #[arg(long, default_value_t = 10_000, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    disputes: u32,
    /// What a million bytes in the lane of disputes cost, in units of value
    #[arg(long, default_value_t = Params::default().lane_byte_price_ppm, value_name = "PRICE")]
    byte_price: u32,
    /// One JSON object as the last line of standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let start = Instant::now();
    let what = Griefing { seed: args.seed, disputes: args.disputes, byte_price_ppm: args.byte_price };
    let mut steady = Steady::new("disputes have ended", Some(u64::from(args.disputes)));
    let report = griefing(what, &mut |done| steady.at(u64::from(done))).map_err(failed)?;
    drop(steady);
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        say!("{}", object(&report, args.seed, seconds));
    } else {
        text(&report);
        say!("time              {seconds:.1} s");
    }
    Ok(verdict(report.holds()))
}

fn object(report: &Report, seed: u64, seconds: f64) -> Value {
    json!({
        "seed": seed,
        "disputes": report.disputes,
        "honest_lost": report.honest_lost,
        "defender_cost_share_of_bond": report.defender_cost_ppm_of_bond as f64 / 1e6,
        "random": report.random,
        "adversarial": report.adversarial,
        "stalling": report.stalling,
        "stalled": report.stalled,
        "moves_refused": report.moves_refused,
        "defender_bytes_max": report.defender_bytes_max,
        "bonds_slashed": report.bonds_slashed,
        "value_slashed": report.value_slashed.0,
        "escrow_conserved": report.escrow_conserved,
        "staged_lost": report.staged_lost,
        "staged_saved_liar": report.staged_saved_liar,
        "two_traces_convicted": report.two_traces_convicted,
        "seconds": seconds,
    })
}
