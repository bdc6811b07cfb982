//! `retrace breaker`: the circuit breakers of runs, the slashes that they defer, and votes to excuse them (L-5.17).

mod amnesty;
mod list;
mod show;
mod source;

use super::exit::{Exit, Failure};

/// Arguments of `retrace breaker`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace breaker list --rpc http://127.0.0.1:4180\n  retrace breaker show 3f2a --home ./devnet\n  retrace breaker amnesty 3f2a --name 'build 0.1.0 on avx512' --home ./validator --wait\n\nA breaker defers slashes and forgives none: they are executed when it goes off, unless validators with more than two thirds of the power vote for one amnesty before."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the runs whose breaker ever went on
    List(list::Args),
    /// Show until when a run's breaker is on, what it deferred, votes and granted amnesties
    Show(show::Args),
    /// Vote, as a validator, to excuse under a name what a run's breaker has deferred
    Amnesty(amnesty::Args),
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Amnesty(args) => amnesty::run(args),
    }
}
