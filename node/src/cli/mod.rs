//! The command line: one command, one file; this table lists them.

mod args;
mod demo;
mod evidence;
mod exit;
mod log;
mod print;
mod replay;
mod selftest;
mod show;
mod terminal;
mod view;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Strangers train one model together on a ledger that anyone can retrace.
#[derive(Debug, Parser)]
#[command(name = "retrace", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Example:\n  retrace demo --seed 7 --home /tmp/my-run\n  retrace replay --home /tmp/my-run --step 0.1.3\n  retrace evidence verify /tmp/my-run/evidence/*.bundle\n\nExit status: 0 yes, 1 no or failed, 2 usage or unreadable input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a small GPT with three trainers, one of them dishonest, and catch the liar
    Demo(demo::Args),
    /// Compute steps of a finished run again and compare
    Replay(replay::Args),
    /// Judge an evidence bundle without trusting anybody
    Evidence(evidence::Args),
    /// Show a run, a commitment, a dispute or a tensor
    Show(show::Args),
    /// List what happened, block by block
    Log(log::Args),
    /// Check that this machine computes the right bits
    Selftest(selftest::Args),
}

/// Parses, runs, and turns the result into an exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers, not mistakes: clap prints each where it belongs and names its status.
        Err(error) => error.exit(),
    };
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Evidence(args) => evidence::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Selftest(args) => selftest::run(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}
