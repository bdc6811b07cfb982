//! `retrace log`: what happened, block by block, from the blocks themselves.

use super::args::HomeArg;
use super::exit::{Exit, Failure};
use super::view;
use serde_json::json;

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

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let replayed = view::open(&args.home.home)?;
    for (height, events) in (1u64..).zip(&replayed.events) {
        for event in events {
            if args.json {
                println!("{}", json!({ "height": height, "event": format!("{event:?}") }));
            } else {
                println!("height {height:>4}  {event:?}");
            }
        }
    }
    Ok(Exit::Yes)
}
