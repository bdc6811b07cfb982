//! `retrace runs`: all runs of a network, and where each stands.

use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, failed};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::runs::RunHead;
use serde_json::json;

/// Arguments of `retrace runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  retrace runs --rpc http://127.0.0.1:4180 --json")]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let runs = all(&args.node.client()?).map_err(failed)?;
    if args.json {
        say!("{}", json!({ "runs": runs }));
        return Ok(Exit::Yes);
    }
    if runs.is_empty() {
        say!("no run was opened on this network yet");
    }
    for run in &runs {
        say!("{}", run.id);
        say!(
            "  round {} of {}, {}; {} slots of {} steps",
            run.round,
            run.rounds,
            run.phase,
            run.slots,
            run.steps
        );
        if run.breaker_on {
            let id = run.id.get(..12).unwrap_or(&run.id);
            say!(
                "  breaker    ON: slashes are deferred, nothing is settled or merged (retrace breaker show {id})"
            );
        }
        say!("  checkpoint {}", run.checkpoint_root);
        if run.clean_root != run.checkpoint_root {
            say!("  verified   {}; from round {} on verdicts are out", run.clean_root, run.oldest_round);
        }
        say!("  sponsor    {}, {} left in escrow", run.sponsor, run.escrow);
    }
    Ok(Exit::Yes)
}

/// All runs of a node, page by page.
pub(super) fn all(client: &Client) -> Result<Vec<RunHead>, ClientError> {
    let mut runs = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = client.runs(after.as_deref())?;
        runs.extend(page.runs);
        after = page.next;
        if after.is_none() {
            return Ok(runs);
        }
    }
}
