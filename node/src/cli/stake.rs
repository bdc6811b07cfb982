//! `retrace stake`: an account's stake, role and balance, changed by transactions that its keystore signs.

use super::exit::{Exit, Failure};
use super::keys::{Opened, open};
use super::print::say;
use crate::config::{ROLES, near, role_named};
use crate::keys::{Keystore, PassphraseArgs};
use crate::rpc::client::Client;
use crate::submit::{submit, wait_for};
use retrace_ledger::{Amount, Body, Register, Role, Stake, Transfer, Unbond, prove_possession};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `retrace stake`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace stake register trainer --home ./trainer --wait\n  retrace stake bond 8000 --home ./trainer --wait\n  retrace stake show --home ./trainer"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show balance, stake and role
    Show(Common),
    /// Balance becomes stake
    Bond {
        /// How much
        amount: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Free stake goes back to the balance, after the network's time of unbonding
    Unbond {
        /// How much
        amount: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Balance goes to another account, which is made if it does not exist
    Transfer {
        /// How much
        amount: u64,
        /// Whose account
        #[arg(long, value_name = "ACCOUNT", value_parser = account)]
        to: PeerKey,
        #[command(flatten)]
        common: Common,
    },
    /// The account takes a role and registers the keystore's keys; in force some heights later
    Register {
        /// validator, trainer or verifier; the first one of config.toml if left out
        #[arg(value_parser = role)]
        role: Option<Role>,
        #[command(flatten)]
        common: Common,
    },
}

/// Arguments of all of them.
#[derive(Debug, clap::Args)]
struct Common {
    /// Folder that `retrace init` made
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    home: PathBuf,
    /// RPC of a node of this network; the home's own if left out
    #[arg(long, env = "RETRACE_RPC", value_name = "URL")]
    rpc: Option<String>,
    /// Wait until it is in a block
    #[arg(long)]
    wait: bool,
    /// Longest wait in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Nothing says which role.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no role was named, and config.toml names none")]
#[diagnostic(help("say which: retrace stake register trainer"))]
struct NoRole;

fn role(name: &str) -> Result<Role, String> {
    role_named(name).ok_or_else(|| near(name, &ROLES.map(|(_, name)| name)))
}

fn account(text: &str) -> Result<PeerKey, String> {
    let digest = text.parse::<Digest>().map_err(|_| "an account is 64 hexadecimal digits".to_string())?;
    Ok(PeerKey(digest.0))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Show(common) => show(common),
        Command::Bond { amount, common } => {
            send(common, |_| Ok(Body::Stake(Stake { amount: Amount(*amount) })))
        }
        Command::Unbond { amount, common } => {
            send(common, |_| Ok(Body::Unbond(Unbond { amount: Amount(*amount) })))
        }
        Command::Transfer { amount, to, common } => {
            send(common, |_| Ok(Body::Transfer(Transfer { to: *to, amount: Amount(*amount) })))
        }
        Command::Register { role, common } => send(common, |opened| {
            let configured = opened.config.node.roles.first().copied();
            let role = role.or(configured).ok_or_else(|| Failure::input(NoRole))?;
            Ok(registration(role, &opened.keys, &opened.home.genesis().network()))
        }),
    }
}

/// The transaction that registers a keystore's keys under a role.
pub fn registration(role: Role, keys: &Keystore, network: &Digest) -> Body {
    let possession = prove_possession(&keys.consensus, network, &keys.account());
    Body::Register(Box::new(Register { role, keys: Some(keys.registered()), possession: Some(possession) }))
}

fn connect(common: &Common, opened: &Opened) -> Result<Client, Failure> {
    Client::new(&common.rpc.clone().unwrap_or_else(|| opened.config.rpc_url())).map_err(Failure::input)
}

fn send(common: &Common, body: impl FnOnce(&Opened) -> Result<Body, Failure>) -> Result<Exit, Failure> {
    let opened = open(&common.home, &common.passphrase)?;
    let client = connect(common, &opened)?;
    let body = body(&opened)?;
    let network = opened.home.genesis().network();
    let id = submit(&client, network, &opened.keys.stake, &body).map_err(Failure::work)?;
    let patience = Duration::from_secs(common.timeout);
    let waited = common.wait.then(|| wait_for(std::slice::from_ref(&client), &id, patience));
    let height = waited.transpose().map_err(Failure::work)?;
    if common.json {
        let account = opened.keys.account().to_string();
        say!("{}", json!({ "id": id.to_string(), "account": account, "height": height }));
    } else {
        match height {
            Some(height) => say!("included at height {height}: {id}"),
            None => say!("sent: {id}"),
        }
    }
    Ok(Exit::Yes)
}

fn show(common: &Common) -> Result<Exit, Failure> {
    let opened = open(&common.home, &common.passphrase)?;
    let account = connect(common, &opened)?.account(&opened.keys.account()).map_err(Failure::work)?;
    if common.json {
        say!("{}", serde_json::to_string(&account).unwrap_or_default());
        return Ok(Exit::Yes);
    }
    say!("account    {}", account.key);
    say!("role       {}, registered at height {}", account.role, account.since);
    say!("balance    {}", account.balance);
    say!("stake      {}, {} of it locked", account.bonded, account.locked);
    if let Some(until) = account.unbonding_until {
        let (height, seconds) = (until.height, until.credited_ms / 1000);
        say!("unbonding  {} until past height {height} and {seconds} s of ledger time", account.unbonding);
    }
    Ok(Exit::Yes)
}
