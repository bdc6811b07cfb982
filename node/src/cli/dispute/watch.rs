//! `retrace dispute watch`: a dispute move by move, until it ends.

use super::say;
use super::source::Source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say as line;
use crate::cli::remote::{NodeArg, failed};
use crate::cli::terminal::spinner;
use crate::rpc::client::Client;
use crate::rpc::methods::dispute::Dispute;
use miette::Diagnostic;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a node is asked for moves that it has not read from the last block yet.
const LOOKS: u32 = 20;
/// Between two such looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Arguments of `retrace dispute watch`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace dispute watch 3f2a --rpc http://127.0.0.1:4180\n  retrace dispute watch 3f2a --home ./devnet --json\n\nExit status: 0 the dispute has ended, whoever won; 1 it has not, or the node is gone."
)]
pub struct Args {
    /// The dispute; first digits do
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    node: NodeArg,
    /// Give up after so many seconds; without it, never
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// One JSON object a move, and the whole dispute as the last line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum WatchError {
    #[error("no node serves {}, so its dispute does not go on", path.display())]
    #[diagnostic(help("start the node, or name another one with --rpc URL"))]
    NoNode { path: PathBuf },
    #[error("the dispute is still open after {seconds} s")]
    #[diagnostic(help("`retrace dispute show` tells whose turn it is, and how long its clock still runs"))]
    StillOpen { seconds: u64 },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let source = Source::open(&args.node)?;
    let dispute = source.find(&args.id)?;
    let dispute = match &source {
        Source::Node(client) => follow(args, client, dispute)?,
        Source::Home(_, path) if dispute.head.open => {
            return Err(Failure::work(WatchError::NoNode { path: path.clone() }));
        }
        Source::Home(..) => {
            tell(args, &dispute, 0);
            dispute
        }
    };
    match args.json {
        true => say::json(&source, &dispute),
        false => say::whole(&source, &dispute),
    }
    Ok(Exit::Yes)
}

/// Tells all moves until the end; gives the dispute as it ended.
fn follow(args: &Args, client: &Client, mut dispute: Dispute) -> Result<Dispute, Failure> {
    let (since, id) = (Instant::now(), dispute.head.id.clone());
    let bar = spinner();
    let mut told = tell(args, &dispute, 0);
    let mut blocks = client.follow(None).map_err(failed)?;
    // What happened before the stream began is not in it.
    dispute = client.dispute(&id).map_err(failed)?;
    told = tell(args, &dispute, told);
    while dispute.head.open {
        let spent = since.elapsed().as_secs();
        if let Some(seconds) = args.timeout.filter(|most| spent >= *most) {
            return Err(Failure::work(WatchError::StillOpen { seconds }));
        }
        let Some(block) = blocks.next() else { break };
        let height = block.map_err(failed)?.height;
        dispute = client.dispute(&id).map_err(failed)?;
        match &bar {
            Some(bar) => {
                bar.suspend(|| told = tell(args, &dispute, told));
                let running = dispute.running.as_ref();
                let turn = running.map(|running| format!(", {} {}", running.side, say::left(running)));
                bar.set_message(format!("height {height}{}", turn.unwrap_or_default()));
            }
            None => told = tell(args, &dispute, told),
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    // Moves are read from the blocks a moment after these are applied.
    for _ in 0..LOOKS {
        if dispute.moves.as_ref().is_none_or(|moves| moves.len() >= usize::from(dispute.head.moves)) {
            break;
        }
        std::thread::sleep(LOOK_INTERVAL);
        dispute = client.dispute(&id).map_err(failed)?;
    }
    tell(args, &dispute, told);
    Ok(dispute)
}

/// Tells the moves from a number on; gives how many were told by now.
fn tell(args: &Args, dispute: &Dispute, from: usize) -> usize {
    let moves = dispute.moves.as_deref().unwrap_or_default();
    for one in moves.iter().skip(from) {
        if args.json {
            line!("{}", json!({ "dispute": dispute.head.id, "move": one }));
        } else {
            line!("{}", say::played(one));
        }
    }
    moves.len().max(from)
}
