//! The command line: one command, one file; this table lists them.

mod args;
mod bench;
mod breaker;
mod consent;
mod demo;
mod devnet;
mod dispute;
mod doctor;
mod evidence;
mod exit;
mod init;
mod keys;
mod lab;
mod log;
mod print;
mod remote;
mod replay;
mod rewards;
mod runs;
mod selftest;
mod show;
mod signing;
mod stake;
mod start;
mod status;
mod terminal;
mod train;
mod view;
mod why;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Strangers train one model together on a ledger that anyone can retrace.
#[derive(Debug, Parser)]
#[command(name = "retrace", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Example:\n  retrace demo --seed 7 --home /tmp/my-run\n  retrace replay --home /tmp/my-run --step 0.1.3\n  retrace evidence verify /tmp/my-run/observer/evidence/*.bundle\n\nExit status: 0 yes, 1 no or failed, 2 usage or unreadable input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a small GPT with three trainers, one of them dishonest, and catch the liar
    Demo(demo::Args),
    /// Run a network of processes on this machine, and do things to them
    Devnet(devnet::Args),
    /// Make a home with new keys, to join a network
    Init(init::Args),
    /// Start a node
    Start(start::Args),
    /// Show a home's public keys
    Keys(keys::Args),
    /// Bond, unbond, transfer, register, and name a defense key
    Stake(stake::Args),
    /// Train a model on this machine alone, to the same bits as everywhere
    Train(Box<train::Args>),
    /// Say what a role will need of this machine
    Doctor(doctor::Args),
    /// Compute steps of a finished run again and compare
    Replay(replay::Args),
    /// Judge a file of evidence, and say what it rests on
    Evidence(evidence::Args),
    /// Where a node and its network stand
    Status(status::Args),
    /// List all runs of a network
    Runs(runs::Args),
    /// Show a run, a round, a commitment, a dispute, an account, a block or a tensor
    Show(show::Args),
    /// List disputes, show or follow one, or say that a clock has run out
    Dispute(dispute::Args),
    /// What a run's circuit breaker deferred, and a validator's vote to excuse it
    Breaker(breaker::Args),
    /// List what happened, block by block
    Log(log::Args),
    /// Explain a slash or a dispute, and judge its evidence here again
    Why(why::Args),
    /// What accounts were paid and lost, and why
    Rewards(rewards::Args),
    /// Measure a running network, or a training step
    Bench(bench::Args),
    /// Attack the dispute game: random lies, false challengers, forgeries, the paper's case study
    Lab(lab::Args),
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
        Command::Devnet(args) => devnet::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Start(args) => start::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Stake(args) => stake::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Evidence(args) => evidence::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Dispute(args) => dispute::run(&args),
        Command::Breaker(args) => breaker::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Rewards(args) => rewards::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Selftest(args) => selftest::run(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}
