//! `retrace evidence`: what a file of evidence shows, and what it rests on: arithmetic, a contradiction, or a clock.

mod arithmetic;
mod clock;
mod contradiction;
mod relative;

use super::exit::{Exit, Failure};
use crate::home::{HomeError, read_bounded};
use miette::Diagnostic;
use retrace_ledger::evidence::ClockBundle;
use retrace_verifier::evidence::{BUNDLE_BYTES_MAX, Kind, Unreadable, read, read_contradiction};
use std::path::{Path, PathBuf};

/// Arguments of `retrace evidence`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  retrace evidence verify /tmp/my-run/observer/evidence/*.bundle")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Judge a bundle: exit 0 proven, 1 disproven, 2 unreadable, 3 not judged
    #[command(
        after_help = "Examples:\n  retrace evidence verify /tmp/my-run/observer/evidence/*.bundle\n  retrace evidence verify silence.bundle --genesis ./home\n\nA bundle says what it rests on. Proved by arithmetic and proved by contradiction are judged from the bytes alone, relative to the facts that are listed. Decided by the ledger's clock is the word of validators: it is judged only for those whom you name by a genesis, and without one the exit status is 3."
    )]
    Verify {
        /// The bundle
        file: PathBuf,
        /// Whose word decides about a clock: a genesis.bin, or a home that has one
        #[arg(long, value_name = "GENESIS")]
        genesis: Option<PathBuf>,
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum EvidenceError {
    #[error("{path}: {reason}")]
    #[diagnostic(help("a bundle is what a run writes to its home's evidence folder; fetch it again"))]
    Unreadable { path: PathBuf, reason: Unreadable },
    #[error("{path} is no genesis: {reason}")]
    #[diagnostic(help("a home's genesis.bin is one: retrace evidence verify FILE --genesis HOME"))]
    Genesis { path: PathBuf, reason: String },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let Command::Verify { file, genesis, json } = &args.command;
    let unreadable = |reason| Failure::input(EvidenceError::Unreadable { path: file.into(), reason });
    let bytes = load(file)?;
    let holds = match Kind::of(&bytes).map_err(unreadable)? {
        Kind::Arithmetic => arithmetic::show(&read(&bytes).map_err(unreadable)?, *json),
        Kind::Contradiction => contradiction::show(&read_contradiction(&bytes).map_err(unreadable)?, *json),
        Kind::Clock => {
            let bundle = ClockBundle::read(&bytes).map_err(unreadable)?;
            return clock::show(&bundle, genesis.as_deref(), *json);
        }
    };
    Ok(if holds { Exit::Yes } else { Exit::No })
}

fn load(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |reason| Failure::input(EvidenceError::Unreadable { path: path.into(), reason });
    match read_bounded(path, BUNDLE_BYTES_MAX as u64) {
        Err(HomeError::Damaged { .. }) => Err(unreadable(Unreadable::TooLong { bytes: usize::MAX })),
        other => other.map_err(Failure::input),
    }
}
