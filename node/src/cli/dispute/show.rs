//! `retrace dispute show`: one dispute in full.

use super::say;
use super::source::Source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::remote::NodeArg;

/// Arguments of `retrace dispute show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace dispute show 3f2a --rpc http://127.0.0.1:4180\n  retrace dispute show 3f2a --home /tmp/my-run --json"
)]
pub struct Args {
    /// The dispute; first digits do
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    node: NodeArg,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let source = Source::open(&args.node)?;
    let dispute = source.find(&args.id)?;
    match args.json {
        true => say::json(&source, &dispute),
        false => say::whole(&source, &dispute),
    }
    Ok(Exit::Yes)
}
