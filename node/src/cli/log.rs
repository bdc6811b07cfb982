//! `retrace log`: what happened, block by block, from the blocks themselves.

use super::args::HomeArg;
use super::exit::{Exit, Failure};
use super::print::say;
use super::view;
use crate::events;
use retrace_verifier::signature::PeerKey;

/// Arguments of `retrace log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  retrace log --home /tmp/my-run | grep -i slash")]
pub struct Args {
    #[command(flatten)]
    home: HomeArg,
    /// One JSON object a line: height and event
    #[arg(long)]
    json: bool,
}

/// A peer by the first digits of its key.
fn short(peer: &PeerKey) -> String {
    peer.to_string().chars().take(8).collect()
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let replayed = view::open(&args.home.home)?;
    for (height, happened) in (1u64..).zip(&replayed.events) {
        for event in happened {
            let line = if args.json {
                let mut object = events::as_json(event);
                object["height"] = height.into();
                object.to_string()
            } else {
                format!("height {height:>4}  {}", events::sentence(event, &short))
            };
            say!("{line}");
        }
    }
    Ok(Exit::Yes)
}
