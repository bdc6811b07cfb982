//! `retrace status`: where a node and its network stand.

use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, failed, warn_if_behind};
use crate::rpc::methods::status::{Status, Validator};

/// Arguments of `retrace status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace status --rpc http://127.0.0.1:4180\n  retrace status --home ./devnet --json\n\nExit status: 0 the node has the network's last blocks, 1 it is behind or does not answer."
)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let status = args.node.client()?.status().map_err(failed)?;
    if args.json {
        say!("{}", serde_json::to_string(&status).unwrap_or_default());
    } else {
        print(&status);
    }
    warn_if_behind(&status);
    Ok(if status.catching_up { Exit::No } else { Exit::Yes })
}

fn print(s: &Status) {
    let test = if s.test_network { ", a test network" } else { "" };
    let roles = if s.node.roles.is_empty() { "follows and serves".into() } else { s.node.roles.join(", ") };
    say!("network     {} ({}){test}", s.network_name, s.network);
    say!("node        {} {}, pid {}: {roles}", s.node.name, s.node.version, s.node.pid);
    say!("height      {}, {:.1} s ago", s.height, s.tip_age_ms as f64 / 1e3);
    say!("block       {}", s.block);
    say!("state root  {}", s.state_root);
    say!("pending     {}", if s.has_pending { "transactions wait" } else { "nothing" });
    say!("validators  {}, stake {}", s.validators.len(), s.total_power);
    s.validators.iter().for_each(|one| say!("  {}", validator(one)));
    say!("peers       {}", s.peers.len());
    for peer in &s.peers {
        say!("  {}  {}  height {}", peer.peer_id, peer.address, peer.height);
    }
}

fn validator(one: &Validator) -> String {
    let Validator { account, power, absent_until, misses, .. } = one;
    let absent = match one.absent {
        true => format!("  absent until height {absent_until}, passed over {misses} times"),
        false => String::new(),
    };
    format!("{account}  stake {power}{absent}")
}
