//! `retrace stake`: an account's stake, role, balance and defense key, changed by transactions that its keystore signs.

mod delegate;

use super::exit::{Exit, Failure};
use super::keys::Opened;
use super::print::say;
use super::signing::{Signer, Signing};
use crate::config::{ROLES, account_in, near, role_named};
use crate::keys::Keystore;
use retrace_ledger::{Amount, Body, Register, Role, Stake, Transfer, Unbond, prove_possession};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde_json::Value;

/// Arguments of `retrace stake`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace stake register trainer --home ./trainer --wait\n  retrace stake bond 8000 --home ./trainer --wait\n  retrace stake delegate KEY --home ./trainer --wait\n  retrace stake show --home ./trainer"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show balance, stake and role
    Show(Signing),
    /// Balance becomes stake
    Bond {
        /// How much
        amount: u64,
        #[command(flatten)]
        common: Signing,
    },
    /// Free stake goes back to the balance, after the network's time of unbonding
    Unbond {
        /// How much
        amount: u64,
        #[command(flatten)]
        common: Signing,
    },
    /// Balance goes to another account, which is made if it does not exist
    Transfer {
        /// How much
        amount: u64,
        /// Whose account
        #[arg(long, value_name = "ACCOUNT", value_parser = account_in)]
        to: PeerKey,
        #[command(flatten)]
        common: Signing,
    },
    /// The account takes a role and registers the keystore's keys; in force some heights later
    Register {
        /// validator, trainer or verifier; the first one of config.toml if left out
        #[arg(value_parser = role)]
        role: Option<Role>,
        #[command(flatten)]
        common: Signing,
    },
    /// Another key may sign the account's moves in disputes, or no longer; a node with that key defends the account
    Delegate(delegate::Args),
}

/// Nothing says which role.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no role was named, and config.toml names none")]
#[diagnostic(help("say which: retrace stake register trainer"))]
struct NoRole;

fn role(name: &str) -> Result<Role, String> {
    role_named(name).ok_or_else(|| near(name, &ROLES.map(|(_, name)| name)))
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
        Command::Delegate(args) => delegate::run(args),
    }
}

/// The transaction that registers a keystore's keys under a role.
pub fn registration(role: Role, keys: &Keystore, network: &Digest) -> Body {
    let possession = prove_possession(&keys.consensus, network, &keys.account());
    Body::Register(Box::new(Register { role, keys: Some(keys.registered()), possession: Some(possession) }))
}

fn send(common: &Signing, body: impl FnOnce(&Opened) -> Result<Body, Failure>) -> Result<Exit, Failure> {
    let signer = common.open()?;
    let body = body(&signer.opened)?;
    common.send(&signer, &body, Value::Null)
}

fn show(common: &Signing) -> Result<Exit, Failure> {
    let Signer { opened, client } = common.open()?;
    let account = client.account(&opened.keys.account()).map_err(Failure::work)?;
    if common.json {
        say!("{}", serde_json::to_string(&account).unwrap_or_default());
        return Ok(Exit::Yes);
    }
    say!("account    {}", account.key);
    say!("role       {}, registered at height {}", account.role, account.since);
    say!("balance    {}", account.balance);
    say!("stake      {}, {} of it locked", account.bonded, account.locked);
    if let Some(key) = &account.defense_key {
        say!("defended   by {key} too (delegation {})", account.delegation_serial);
    }
    if let Some(until) = account.unbonding_until {
        let (height, seconds) = (until.height, until.credited_ms / 1000);
        say!("unbonding  {} until past height {height} and {seconds} s of ledger time", account.unbonding);
    }
    Ok(Exit::Yes)
}
