//! `retrace dispute`: the disputes of a network, one in full, one as it goes on, and one that only waits for a word.

mod list;
mod resolve;
mod say;
mod show;
mod source;
mod watch;

use super::exit::{Exit, Failure};

/// Arguments of `retrace dispute`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace dispute list --open --rpc http://127.0.0.1:4180\n  retrace dispute show 3f2a --home /tmp/my-run\n  retrace dispute watch 3f2a --home ./devnet\n  retrace dispute resolve 3f2a --home ./trainer\n\nIds may be cut to their first digits, as long as they name one dispute."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List disputes, the oldest first
    List(list::Args),
    /// Show sides, bond, clocks, moves and finding of one
    Show(show::Args),
    /// Follow one move by move until it ends
    Watch(watch::Args),
    /// Say that a clock has run out, or settle the claim once the dispute is over; anybody may
    Resolve(resolve::Args),
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Resolve(args) => resolve::run(args),
    }
}
