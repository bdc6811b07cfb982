//! Which node a command talks to: a URL, a devnet's folder or a node's home.

use super::exit::Failure;
use crate::config::{CONFIG_FILE, Config};
use crate::devnet::Record;
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::status::Status;
use miette::Diagnostic;
use std::path::{Path, PathBuf};

/// Which node. A flag counts before the environment, and of the environment RETRACE_RPC before RETRACE_HOME.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArg {
    /// URL of a node's RPC, such as http://127.0.0.1:4180; RETRACE_RPC if left out
    #[arg(long, value_name = "URL", conflicts_with = "home")]
    rpc: Option<String>,
    /// Folder of a devnet, or home of a node; RETRACE_HOME if left out
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

/// Where an answer comes from.
pub enum Place {
    /// A node that answers.
    Node(Client),
    /// The blocks of a home that no node serves.
    Home(PathBuf),
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum RemoteError {
    #[error("which node?")]
    #[diagnostic(help(
        "name one with --rpc URL, or a devnet's folder or a node's home with --home DIR; RETRACE_RPC and RETRACE_HOME do the same"
    ))]
    Nowhere,
    #[error("{} names no node's RPC", path.display())]
    #[diagnostic(help(
        "a devnet's folder has a devnet.json, a node's home a config.toml; or name the node with --rpc URL"
    ))]
    NoNode { path: PathBuf },
    #[error("no node of the devnet in {} answers; asked were {count}", path.display())]
    #[diagnostic(help("start it again with `retrace devnet`: the same folder goes on where it was"))]
    Silent { path: PathBuf, count: usize },
}

impl NodeArg {
    /// A client of the node, which may not have been asked anything yet.
    pub fn client(&self) -> Result<Client, Failure> {
        match self.given()? {
            Given::Url(url) => Client::new(&url).map_err(Failure::input),
            Given::Folder(path) => {
                of_folder(&path)?.ok_or_else(|| Failure::input(RemoteError::NoNode { path }))
            }
        }
    }

    /// Clients of all nodes that answer: of a devnet all of it, else the one node.
    pub fn clients(&self) -> Result<Vec<Client>, Failure> {
        match self.given()? {
            Given::Folder(path) if Record::exists(&path) => {
                let record = Record::load(&path).map_err(Failure::input)?;
                let clients = record.nodes.iter().filter_map(|node| Client::new(&node.rpc).ok());
                Ok(clients.filter(|client| client.status_of(&record.network).is_ok()).collect())
            }
            _ => Ok(vec![self.client()?]),
        }
    }

    /// A node, or a home that can be read without one.
    pub fn place(&self) -> Result<Place, Failure> {
        let path = match self.given()? {
            Given::Url(url) => return Ok(Place::Node(Client::new(&url).map_err(Failure::input)?)),
            Given::Folder(path) => path,
        };
        // A devnet that is stopped is read from its homes.
        if Record::exists(&path) && self.clients()?.is_empty() {
            return Ok(Place::Home(path));
        }
        let client =
            of_folder(&path)?.filter(|client| !matches!(client.status(), Err(ClientError::Nobody { .. })));
        Ok(client.map_or(Place::Home(path), Place::Node))
    }

    fn given(&self) -> Result<Given, Failure> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(url) = &self.rpc {
            return Ok(Given::Url(url.clone()));
        }
        if let Some(home) = &self.home {
            return Ok(Given::Folder(home.clone()));
        }
        if let Some(url) = named("RETRACE_RPC") {
            return Ok(Given::Url(url.to_string_lossy().into_owned()));
        }
        let home = named("RETRACE_HOME").ok_or_else(|| Failure::input(RemoteError::Nowhere))?;
        Ok(Given::Folder(home.into()))
    }

    /// The folder that was named, where one was.
    pub fn folder(&self) -> Option<PathBuf> {
        match self.given() {
            Ok(Given::Folder(path)) => Some(path),
            _ => None,
        }
    }
}

enum Given {
    Url(String),
    Folder(PathBuf),
}

/// The first node of a devnet that answers, or the node of a home; none for a folder that names no node.
fn of_folder(path: &Path) -> Result<Option<Client>, Failure> {
    if Record::exists(path) {
        let record = Record::load(path).map_err(Failure::input)?;
        return first_of(path, &record).map(Some);
    }
    if !path.join(CONFIG_FILE).exists() {
        return Ok(None);
    }
    let config = Config::load(path).map_err(Failure::input)?;
    Client::new(&config.rpc_url()).map(Some).map_err(Failure::input)
}

fn first_of(path: &Path, record: &Record) -> Result<Client, Failure> {
    for node in &record.nodes {
        let client = Client::new(&node.rpc).map_err(Failure::input)?;
        match client.status_of(&record.network) {
            Ok(_) => return Ok(client),
            Err(error @ ClientError::OtherNetwork { .. }) => return Err(Failure::input(error)),
            Err(_) => {}
        }
    }
    Err(Failure::work(RemoteError::Silent { path: path.into(), count: record.nodes.len() }))
}

/// A failure of a call: what was asked for does not exist is the asker's, all else the work's.
pub fn failed(error: ClientError) -> Failure {
    match error {
        ClientError::Unknown { .. } | ClientError::Url { .. } => Failure::input(error),
        ClientError::Refused { ref name, .. } if name == "parameter" => Failure::input(error),
        other => Failure::work(other),
    }
}

/// Says on standard error that a node is behind, so that nobody takes old answers for news.
pub fn warn_if_behind(status: &Status) {
    if status.catching_up {
        let seconds = status.tip_age_ms / 1000;
        eprintln!(
            "warning: the node's last block, {}, is {seconds} s old: it is catching up, or the network has halted",
            status.height
        );
    }
}
