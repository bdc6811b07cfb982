//! `retrace bench network`: what a running network does, measured from outside through its nodes' RPC.

mod figures;
mod flood;
mod payer;
mod quiet;
mod step;

use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, failed, warn_if_behind};
use crate::keys::PassphraseArgs;
use crate::rpc::client::Client;
use figures::{Figures, spread};
use flood::{Flooded, Kind, flood};
use miette::Diagnostic;
use payer::Payer;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `retrace bench`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace bench network --home ./devnet --seconds 30 --json\n  retrace bench step --threads 2 --json"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Block interval, finality and transactions per second of a running network
    Network(Network),
    /// A training step on this machine: time, memory, and where they go
    Step(step::Args),
}

/// Arguments of `retrace bench network`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace bench network --home ./devnet --json\n  retrace bench network --rpc http://127.0.0.1:4180 --keystore ./me/keystore.age --seconds 60\n\nThe key's account needs some 70,000 units: most are lent to accounts that the measurement makes. A quarter of the time each goes to: blocks of a network that is left alone; finality of one transfer after the other; transfers at saturation; registrations of keys at saturation (two signatures each: what is nearest to a commitment and needs no run)."
)]
struct Network {
    #[command(flatten)]
    node: NodeArg,
    /// Keystore whose account pays; a devnet's faucet if left out
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// For all of it
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=3600))]
    seconds: u32,
    /// Print one JSON object as the last line of standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum BenchError {
    #[error("no key pays for the transactions")]
    #[diagnostic(help(
        "name a keystore with --keystore FILE, or a devnet's folder with --home DIR: its faucet pays"
    ))]
    NoKey,
    #[error("the account {account} has {balance}, the measurement needs {needed}")]
    #[diagnostic(help("transfer something to it first, or name another keystore"))]
    Poor { account: String, balance: u64, needed: u64 },
    #[error("no block came in {seconds} s")]
    #[diagnostic(help(
        "is more than a third of the validators' stake down? `retrace status` says who is absent"
    ))]
    Halted { seconds: u64 },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Network(args) => network(args),
        Command::Step(args) => step::run(args),
    }
}

fn network(args: &Network) -> Result<Exit, Failure> {
    let client = args.node.client()?;
    let status = client.status().map_err(failed)?;
    warn_if_behind(&status);
    let mut payer = Payer::open(&client, &status.network, args)?;
    let quarter = Duration::from_secs(args.seconds.into()) / 4;
    let intervals = quiet::intervals(&client, quarter)?;
    eprintln!("block interval     {}", spread(&intervals));
    let finality = quiet::finality(&client, &mut payer, quarter)?;
    eprintln!("finality           {}", spread(&finality));
    let mut senders = payer.senders(&client)?;
    let mut clients = args.node.clients()?;
    if clients.is_empty() {
        clients.push(client.clone());
    }
    let transfers = flood(&clients, &mut senders, Kind::Transfer, quarter).map_err(failed)?;
    eprintln!("transfers          {:.0} a second", transfers.per_second);
    let registrations = flood(&clients, &mut senders, Kind::Register, quarter).map_err(failed)?;
    eprintln!("registrations      {:.0} a second", registrations.per_second);
    let after = client.status().map_err(failed)?;
    let heights = (status.height, after.height);
    let report =
        report(&status.network, heights, clients.len(), [intervals, finality], [transfers, registrations]);
    if args.json {
        say!("{report}");
    }
    Ok(Exit::Yes)
}

/// What the figure for commitments is made of: it must not be taken for more than it is.
const COMMITMENTS_ARE: &str = "registrations of keys, as many as 32 connections can send: two Ed25519 signatures each, as a commitment has; \
    300 bytes against a commitment's 475; no run, no lock";

fn report(
    network: &str,
    (from, to): (u64, u64),
    nodes: usize,
    [intervals, finality]: [Figures; 2],
    [transfers, registrations]: [Flooded; 2],
) -> Value {
    json!({
        "network": network,
        "from_height": from,
        "to_height": to,
        "block_interval_ms": intervals,
        "finality_ms": finality,
        "transactions_per_second": transfers.per_second,
        "commitments_per_second": registrations.per_second,
        "commitments_are": COMMITMENTS_ARE,
        "nodes": nodes,
        "measured": "from outside, over the RPC of so many nodes; each transaction is on a node's disk before the next of its sender is sent",
        "transfers": transfers,
        "registrations": registrations,
    })
}

/// Follows a node's blocks on a thread, each with the moment at which it was heard of.
fn heard(client: &Client) -> Result<std::sync::mpsc::Receiver<quiet::Heard>, Failure> {
    let (told, heard) = std::sync::mpsc::channel();
    let follow = client.follow(None).map_err(failed)?;
    std::thread::spawn(move || {
        for block in follow.map_while(Result::ok) {
            if told.send(quiet::Heard { at: std::time::Instant::now(), block }).is_err() {
                return;
            }
        }
    });
    Ok(heard)
}
