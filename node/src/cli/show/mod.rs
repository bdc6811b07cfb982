//! `retrace show`: one thing of a network in full, from a node; or a finished run and its tensors, from a home.

mod offline;
mod online;

pub use online::full;

use super::args::EngineArgs;
use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, Place};
use miette::Diagnostic;
use serde_json::Value;
use std::path::PathBuf;

/// Arguments of `retrace show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace show --home /tmp/my-run\n  retrace show --home /tmp/my-run --tensor wte.weight --export wte.bin && b3sum wte.bin\n  retrace show dispute 3f2a --rpc http://127.0.0.1:4180\n  retrace show round 3f2a 0 --rpc http://127.0.0.1:4180\n  retrace show block 12 --json\n\nIds may be cut to their first digits, four or more."
)]
pub struct Args {
    /// What to show; the only run if left out
    #[arg(value_enum, value_name = "WHAT")]
    what: Option<What>,
    /// Its id or height; for a round the run's id and the round's number
    #[arg(value_name = "ID", num_args = 0..=2, requires = "what")]
    id: Vec<String>,
    #[command(flatten)]
    node: NodeArg,
    /// A tensor of a base state, by name, from a home
    #[arg(long, value_name = "NAME", conflicts_with = "what")]
    tensor: Option<String>,
    /// The base of this round; the last one if left out
    #[arg(long, value_name = "N", requires = "tensor")]
    round: Option<u32>,
    /// Write the tensor's bytes, little endian, row-major: b3sum of the file is the digest in the state root
    #[arg(long, value_name = "FILE", requires = "tensor")]
    export: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Things that a node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Terms and standing of a run
    Run,
    /// Slots of a round
    Round,
    /// A commitment or base claim, with its verdicts
    Commitment,
    /// Sides, clocks, moves and finding of a dispute
    Dispute,
    /// What a stake key holds
    Account,
    /// A block with its transactions and events
    Block,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum ShowError {
    #[error("tensors are read from a home, and no home is named")]
    #[diagnostic(help("name the home of a finished run with --home DIR"))]
    NoHome,
    #[error("no node serves {}", path.display())]
    #[diagnostic(help("start it, or name a node with --rpc URL; without WHAT the home's own run is shown"))]
    NoNode { path: PathBuf },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let report = match (&args.tensor, args.what) {
        (Some(name), _) => {
            let home = args.node.folder().ok_or_else(|| Failure::input(ShowError::NoHome))?;
            offline::tensor(args, &home, name)?
        }
        (None, what) => match (args.node.place()?, what) {
            (Place::Node(client), Some(what)) => online::thing(&client, what, &args.id)?,
            (Place::Node(client), None) => online::only_run(&client)?,
            (Place::Home(path), None) => offline::overview(&path)?,
            (Place::Home(path), Some(_)) => return Err(Failure::input(ShowError::NoNode { path })),
        },
    };
    if args.json {
        say!("{report}");
    } else {
        print(&report, 0);
    }
    Ok(Exit::Yes)
}

/// The same object for people: names and values, then what has parts of its own, indented.
fn print(value: &Value, depth: usize) {
    let pad = "  ".repeat(depth);
    let Value::Object(fields) = value else { return say!("{pad}{}", word(value)) };
    let has_parts = |field: &Value| match field {
        Value::Array(items) => items.iter().any(Value::is_object),
        other => other.is_object(),
    };
    let is_empty = |field: &Value| field.is_null() || field.as_array().is_some_and(Vec::is_empty);
    let (nested, plain): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, field)| has_parts(field));
    for (name, field) in plain.into_iter().filter(|(_, field)| !is_empty(field)) {
        say!("{pad}{name:<18} {}", word(field));
    }
    for (name, field) in nested {
        say!("{pad}{name}:");
        match field {
            Value::Array(items) => items.iter().for_each(|item| print_item(item, depth + 1)),
            other => print(other, depth + 1),
        }
    }
}

/// An item of a list; an event is told by its sentence.
fn print_item(item: &Value, depth: usize) {
    match item["text"].as_str() {
        Some(text) => say!("{}{text}", "  ".repeat(depth)),
        None => {
            print(item, depth);
            say!("");
        }
    }
}

/// A value without the quotes that JSON puts around text.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
