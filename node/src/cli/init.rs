//! `retrace init`: a home with new keys, for whoever joins a network.

use super::exit::{Exit, Failure};
use super::print::say;
use crate::config::{Config, Overrides, role_name};
use crate::init::{InitError, NewHome, read_genesis};
use crate::keys::{Keystore, PassphraseArgs, WORK_FACTOR};
use retrace_ledger::{Genesis, Role};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `retrace init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace init --home ./trainer --genesis genesis.bin --role trainer --peer /ip4/203.0.113.5/tcp/4100/p2p/12D3KooW...\n\nThe keystore is the account: keep a copy of it and its passphrase. Nothing that exists is overwritten."
)]
pub struct Args {
    /// A new folder
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    home: PathBuf,
    /// Genesis file of the network
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What a new home is.
pub struct Made {
    /// The network.
    pub genesis: Genesis,
    /// Its configuration.
    pub config: Config,
    /// Its keys.
    pub keys: Keystore,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let made = make(&args.home, &args.genesis, args.overrides.clone(), &args.passphrase)?;
    let home = args.home.display();
    let Made { genesis, config, keys } = &made;
    if args.json {
        let roles = config.node.duties();
        let report = json!({
            "home": home.to_string(), "network": genesis.network().to_string(), "name": genesis.name,
            "account": keys.account().to_string(), "peer_id": keys.peer_id(), "roles": roles,
            "listen": config.node.listen.to_string(), "rpc": config.rpc_url(),
        });
        say!("{report}");
        return Ok(Exit::Yes);
    }
    say!("home     {home}");
    say!("network  {} ({})", genesis.name, genesis.network());
    say!("account  {}", keys.account());
    say!("peer id  {}", keys.peer_id());
    next_steps(&made, &args.home);
    Ok(Exit::Yes)
}

/// Makes a home: genesis read and checked, keys from the operating system's entropy, defaults under what was said.
pub fn make(
    home: &Path,
    genesis: &Path,
    overrides: Overrides,
    passphrase: &PassphraseArgs,
) -> Result<Made, Failure> {
    let genesis = read_genesis(genesis).map_err(Failure::input)?;
    crate::home::Home::check_free(home).map_err(Failure::input)?;
    let named = overrides.name.is_some();
    let mut config = overrides.over(Config::default());
    if let (false, Some(folder)) = (named, home.file_name()) {
        config.node.name = folder.to_string_lossy().chars().take(64).collect();
    }
    let secret = passphrase.fresh().map_err(Failure::input)?;
    // Where the passphrase lies in a file, the node finds it there when it is started again.
    config.passphrase_file = passphrase.passphrase_file.as_ref().and_then(|file| file.canonicalize().ok());
    let keys = Keystore::generate().map_err(Failure::work)?;
    let new = NewHome {
        genesis: &genesis,
        keys: &keys,
        passphrase: &secret,
        work_factor: WORK_FACTOR,
        config: &config,
    };
    new.make(home).map_err(|error: InitError| Failure::input(error))?;
    Ok(Made { genesis, config, keys })
}

fn next_steps(made: &Made, home: &Path) {
    let (home, account) = (home.display(), made.keys.account());
    say!("\nKeep a copy of {home}/keystore.age and of its passphrase: they are the account.");
    say!("Next:");
    say!("  retrace start --home {home}");
    if !made.config.node.defends.is_empty() {
        say!("  retrace stake transfer 1 --to {account} --home THEIRS");
        say!("  retrace stake delegate {account} --home THEIRS --wait, by each account that it defends");
    }
    let Some(role) = made.config.node.roles.first() else { return };
    say!("  ask somebody for balance: retrace stake transfer --to {account} AMOUNT --home THEIRS");
    say!("  retrace stake register {} --home {home} --wait", role_name(*role));
    say!("  retrace stake bond AMOUNT --home {home} --wait");
    let delay = made.genesis.params.key_delay;
    let what = if *role == Role::Validator { "votes" } else { "takes part" };
    say!("The account {what} {delay} heights after it is registered, with stake.");
}
