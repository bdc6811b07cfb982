//! `retrace devnet`: a network of processes on this machine.

mod start;
mod voice;

use super::exit::{Exit, Failure};
use super::print::say;
use crate::devnet::{DevnetError, Phase, Record, manifest, remote};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `retrace devnet`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace devnet start --home /tmp/net\n  retrace devnet status --home /tmp/net\n  retrace devnet stop --home /tmp/net && retrace devnet clean --home /tmp/net\n\nspecs/devnet.md says what a manifest may say."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a devnet, or open the one that is there, and look after it until Ctrl-C
    Start(start::Args),
    /// End all processes of a devnet in order
    Stop(Folder),
    /// Remove a stopped devnet's files
    Clean(Folder),
    /// Say which processes run and how far they are
    Status(Folder),
    /// Print the manifest that is used without --manifest
    Manifest,
}

#[derive(Debug, clap::Args)]
struct Folder {
    /// Folder of the devnet
    #[arg(long, env = "RETRACE_DEVNET", value_name = "DIR")]
    home: PathBuf,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Start(args) => start::run(args),
        Command::Stop(args) => stop(args),
        Command::Clean(args) => clean(args),
        Command::Status(args) => status(args),
        Command::Manifest => {
            say!("{}", manifest::DEFAULT.trim_end());
            Ok(Exit::Yes)
        }
    }
}

fn stop(args: &Folder) -> Result<Exit, Failure> {
    let stopped = remote::stop(&args.home).map_err(failure)?;
    if args.json {
        say!("{}", json!({ "stopped": stopped }));
    } else {
        say!("stopped {stopped} processes; the same home starts again with `retrace devnet start`");
    }
    Ok(Exit::Yes)
}

fn clean(args: &Folder) -> Result<Exit, Failure> {
    remote::clean(&args.home).map_err(failure)?;
    if args.json {
        say!("{}", json!({ "removed": args.home.display().to_string() }));
    } else {
        say!("removed {}", args.home.display());
    }
    Ok(Exit::Yes)
}

/// Exit 0 where everybody runs and answers.
fn status(args: &Folder) -> Result<Exit, Failure> {
    let record = Record::load(&args.home).map_err(failure)?;
    let nodes = remote::look(&record);
    let all = record.phase == Phase::Ready && nodes.iter().all(|node| node.height.is_some());
    if args.json {
        let (phase, run) = (&record.phase, &record.run);
        say!("{}", json!({ "phase": phase, "network": record.network, "run": run, "nodes": nodes }));
    } else {
        say!("network {} ({})", record.name, record.network);
        for node in &nodes {
            let pid = node.pid.map_or("down".into(), |pid| format!("pid {pid}"));
            let height = node.height.map_or("no answer".into(), |height| format!("height {height}"));
            say!("  {:<14} {:<10} {pid:<12} {height:<14} {}", node.name, node.roles.join("+"), node.rpc);
        }
    }
    Ok(if all { Exit::Yes } else { Exit::No })
}

/// What the caller could have known is unreadable input; the rest failed at work.
fn failure(error: DevnetError) -> Failure {
    match error {
        DevnetError::NoDevnet { .. }
        | DevnetError::OtherFormat { .. }
        | DevnetError::OtherManifest { .. }
        | DevnetError::Manifest(_)
        | DevnetError::Corpus(_)
        | DevnetError::Home(_)
        | DevnetError::Terms => Failure::input(error),
        other => Failure::work(other),
    }
}
