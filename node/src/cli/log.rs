//! `retrace log`: what happened, block by block, from a node or from a home's own blocks.

use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, Place, failed};
use super::view;
use crate::rpc::client::Client;
use crate::rpc::methods::events::block_words;
use serde_json::Value;
use std::path::Path;

/// Arguments of `retrace log`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace log --home /tmp/my-run | grep -i slash\n  retrace log --rpc http://127.0.0.1:4180 --follow --json"
)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Begin at this height
    #[arg(long, default_value_t = 1, value_name = "HEIGHT")]
    from: u64,
    /// Go on with every new block, until Ctrl-C; needs a node that runs
    #[arg(long)]
    follow: bool,
    /// One JSON object a line: height, event and its fields
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.follow {
        return follow(args, &args.node.client()?);
    }
    match args.node.place()? {
        Place::Node(client) => past(args, &client, args.from).map(|_| Exit::Yes),
        Place::Home(path) => offline(args, &path),
    }
}

fn line(args: &Args, event: &Value) {
    if args.json {
        say!("{event}");
    } else {
        say!("height {:>4}  {}", event["height"].as_u64().unwrap_or(0), event["text"].as_str().unwrap_or(""));
    }
}

fn offline(args: &Args, path: &Path) -> Result<Exit, Failure> {
    let replayed = view::open(path)?;
    for (height, events) in (1u64..).zip(&replayed.events).filter(|(height, _)| *height >= args.from) {
        block_words(height, events).iter().for_each(|event| line(args, event));
    }
    Ok(Exit::Yes)
}

/// Prints what happened from a height on; gives the last height that was told.
fn past(args: &Args, client: &Client, from: u64) -> Result<u64, Failure> {
    let mut head = client.status().map_err(failed)?.height;
    let mut next = Some(from);
    while let Some(from) = next {
        let page = client.events(from).map_err(failed)?;
        page.events.iter().for_each(|event| line(args, event));
        let last = page.events.last().and_then(|event| event["height"].as_u64());
        // A block that came while this was read is told too: the stream must not tell it again.
        head = head.max(last.unwrap_or(0));
        next = page.next;
    }
    Ok(head)
}

fn follow(args: &Args, client: &Client) -> Result<Exit, Failure> {
    let told = past(args, client, args.from)?;
    for block in client.follow(Some(told)).map_err(failed)? {
        let block = block.map_err(failed)?;
        match block.events {
            Some(events) => events.iter().for_each(|event| line(args, event)),
            // Too long for the stream.
            None => one_block(args, client, block.height)?,
        }
    }
    Ok(Exit::Yes)
}

fn one_block(args: &Args, client: &Client, height: u64) -> Result<(), Failure> {
    let page = client.events_of(height).map_err(failed)?;
    page.events.iter().for_each(|event| line(args, event));
    Ok(())
}
