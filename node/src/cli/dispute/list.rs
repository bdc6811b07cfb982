//! `retrace dispute list`: all disputes, of one run, over one claim, or only those that go on.

use super::source::{Filter, Source, short};
use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say;
use crate::cli::remote::NodeArg;
use serde_json::json;

/// Arguments of `retrace dispute list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace dispute list --rpc http://127.0.0.1:4180\n  retrace dispute list --open --run 3f2a --home ./devnet --json"
)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Only those of this run; first digits do
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Only those over this commitment or base claim; first digits do
    #[arg(long, value_name = "ID")]
    claim: Option<String>,
    /// Only those that are not decided
    #[arg(long)]
    open: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let filter = Filter { run: args.run.clone(), claim: args.claim.clone(), open: args.open };
    let heads = Source::open(&args.node)?.heads(&filter)?;
    if args.json {
        say!("{}", json!({ "disputes": heads }));
        return Ok(Exit::Yes);
    }
    if heads.is_empty() {
        say!("no such dispute");
    }
    for head in &heads {
        say!("{}  {}", short(&head.id), head.status);
        say!("  over       {} of claim {}, run {}", head.unit, short(&head.claim), short(&head.run));
        say!("  accused    {}", head.accused);
        say!("  challenger {}, bond {}", head.challenger, head.bond);
        if let Some(deferred) = &head.deferred {
            say!("  slash      deferred by the run's breaker, {deferred}");
        }
        say!("  moves      {}, {} bytes; opened at height {}", head.moves, head.posted_bytes, head.opened_at);
    }
    Ok(Exit::Yes)
}
