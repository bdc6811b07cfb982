//! `retrace keys`: the public keys of a home.

use super::exit::{Exit, Failure};
use super::print::say;
use crate::config::Config;
use crate::home::Home;
use crate::keys::{FILE_NAME, Keystore, PassphraseArgs};
use retrace_verifier::digest::Digest;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `retrace keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  retrace keys show --home ./trainer")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show account, consensus, VRF and node keys
    #[command(
        after_help = "Example:\n  retrace keys show --home ./trainer --json\n\nSecrets are never shown."
    )]
    Show {
        /// Folder that `retrace init` made
        #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
        home: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
}

/// A home with its configuration and its keys.
pub struct Opened {
    /// The home.
    pub home: Home,
    /// Its configuration.
    pub config: Config,
    /// Its keys.
    pub keys: Keystore,
}

/// Opens a home and its keystore.
pub fn open(path: &Path, passphrase: &PassphraseArgs) -> Result<Opened, Failure> {
    let home = Home::open(path).map_err(Failure::input)?;
    let config = Config::load(path).map_err(Failure::input)?;
    let passphrase = passphrase.existing(config.passphrase_path(path).as_deref()).map_err(Failure::input)?;
    let keys = Keystore::load(&path.join(FILE_NAME), &passphrase).map_err(Failure::input)?;
    Ok(Opened { home, config, keys })
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let Command::Show { home, passphrase, json } = &args.command;
    let opened = open(home, passphrase)?;
    let keys = opened.keys.registered();
    let rows = [
        ("account", opened.keys.account().to_string()),
        ("consensus", keys.consensus.to_string()),
        ("vrf", Digest(keys.vrf.0).to_string()),
        ("node", Digest(keys.node).to_string()),
        ("peer_id", opened.keys.peer_id()),
        ("network", opened.home.genesis().network().to_string()),
    ];
    if *json {
        let rows = rows.map(|(name, value)| (name.to_string(), json!(value)));
        say!("{}", serde_json::Value::Object(rows.into_iter().collect()));
    } else {
        rows.iter().for_each(|(name, value)| say!("{name:<10} {value}"));
    }
    Ok(Exit::Yes)
}
