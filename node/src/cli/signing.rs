//! Commands that a home's keystore signs: one transaction, sent to a node, waited for if somebody wants to.

use super::exit::{Exit, Failure};
use super::keys::{Opened, open};
use super::print::say;
use crate::keys::PassphraseArgs;
use crate::rpc::client::Client;
use crate::submit::{submit, wait_for};
use retrace_ledger::Body;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of all of them.
#[derive(Debug, clap::Args)]
pub struct Signing {
    /// Folder that `retrace init` made
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    pub home: PathBuf,
    /// RPC of a node of this network; the home's own if left out
    #[arg(long, env = "RETRACE_RPC", value_name = "URL")]
    pub rpc: Option<String>,
    /// Wait until it is in a block
    #[arg(long)]
    pub wait: bool,
    /// Longest wait in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// A home with its keys, and the node to talk to.
pub struct Signer {
    /// The home.
    pub opened: Opened,
    /// The node.
    pub client: Client,
}

impl Signing {
    /// Opens the home and its keystore; the node may not have been asked anything yet.
    pub fn open(&self) -> Result<Signer, Failure> {
        let opened = open(&self.home, &self.passphrase)?;
        let url = self.rpc.clone().unwrap_or_else(|| opened.config.rpc_url());
        let client = Client::new(&url).map_err(Failure::input)?;
        Ok(Signer { opened, client })
    }

    /// Signs and sends a transaction, and says what became of it; `told` goes into the JSON object beside that.
    pub fn send(&self, signer: &Signer, body: &Body, told: Value) -> Result<Exit, Failure> {
        let Signer { opened, client } = signer;
        let network = opened.home.genesis().network();
        let id = submit(client, network, &opened.keys.stake, body).map_err(Failure::work)?;
        if self.wait {
            eprintln!("sent {id}; waiting for its block");
        }
        let patience = Duration::from_secs(self.timeout);
        let waited = self.wait.then(|| wait_for(std::slice::from_ref(client), &id, patience));
        let height = waited.transpose().map_err(Failure::work)?;
        if self.json {
            let account = opened.keys.account().to_string();
            let mut object = json!({ "id": id.to_string(), "account": account, "height": height });
            if let (Value::Object(object), Value::Object(told)) = (&mut object, told) {
                object.extend(told);
            }
            say!("{object}");
        } else {
            match height {
                Some(height) => say!("included at height {height}: {id}"),
                None => say!("sent: {id}"),
            }
        }
        Ok(Exit::Yes)
    }
}
