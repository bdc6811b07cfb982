//! `devnet.json`: what runs where, for people, scripts and the next start. Written whole or not at all.

use super::DevnetError;
use super::address::Ports;
use crate::home::{HomeError, read_bounded, write_whole};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// Name of the file in a devnet's folder.
pub const FILE_NAME: &str = "devnet.json";
const FILE_BYTES_MAX: u64 = 1 << 20;
const FORMAT: u32 = 1;

/// How far a devnet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Homes are made, nothing runs.
    Prepared,
    /// Processes come up.
    Starting,
    /// All are ready, and the run is open if there is to be one.
    Ready,
    /// All have ended.
    Stopped,
}

/// A devnet as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Format of this file.
    pub format: u32,
    /// How far it is.
    pub phase: Phase,
    /// The network's name.
    pub name: String,
    /// The network's id.
    pub network: String,
    /// Genesis, for whoever joins.
    pub genesis: PathBuf,
    /// File with the passphrase of all keystores of the devnet.
    pub passphrase_file: PathBuf,
    /// Opens the run.
    pub sponsor: Purse,
    /// Gives balance to whoever joins.
    pub faucet: Purse,
    /// The process that looks after the others, while it runs.
    pub supervisor: Option<u32>,
    /// The run, once it is in a block.
    pub run: Option<String>,
    /// The nodes, in the manifest's order.
    pub nodes: Vec<NodeRecord>,
}

/// An account of the devnet itself, with a home for its keystore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Its home.
    pub home: PathBuf,
    /// Its account.
    pub account: String,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Name.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Process id while it runs.
    pub pid: Option<u32>,
    /// Home.
    pub home: PathBuf,
    /// Where its log is.
    pub log: PathBuf,
    /// Account.
    pub account: String,
    /// Name in the swarms.
    pub peer_id: String,
    /// Address.
    pub ip: Ipv4Addr,
    /// Ports.
    pub ports: Ports,
    /// URL of its RPC.
    pub rpc: String,
    /// Its address in the public swarm.
    pub swarm: String,
    /// Its address in the validators' swarm; none for the others.
    pub consensus: Option<String>,
}

impl Record {
    /// Reads the file of a devnet's folder.
    pub fn load(folder: &Path) -> Result<Record, DevnetError> {
        let path = folder.join(FILE_NAME);
        let bytes = match read_bounded(&path, FILE_BYTES_MAX) {
            Err(HomeError::Disk { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(DevnetError::NoDevnet { path: folder.into() });
            }
            other => other?,
        };
        let damaged = |what: String| HomeError::Damaged { path: path.clone(), what };
        let record: Record = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if record.format != FORMAT {
            return Err(DevnetError::OtherFormat { path, found: record.format, expected: FORMAT });
        }
        Ok(record)
    }

    /// True where a devnet was made.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE_NAME).exists()
    }

    /// Writes the file.
    pub fn save(&self, folder: &Path) -> Result<(), DevnetError> {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        Ok(write_whole(&folder.join(FILE_NAME), text.as_bytes())?)
    }

    /// The format that this build writes.
    pub fn format() -> u32 {
        FORMAT
    }
}

impl NodeRecord {
    /// Fills in the addresses that follow from its ports.
    pub fn listen_on(&mut self, ports: Ports, is_validator: bool) {
        let ip = self.ip;
        self.ports = ports;
        self.rpc = format!("http://{ip}:{}", ports.rpc);
        self.swarm = format!("/ip4/{ip}/tcp/{}/p2p/{}", ports.swarm, self.peer_id);
        self.consensus =
            is_validator.then(|| format!("/ip4/{ip}/tcp/{}/p2p/{}", ports.consensus, self.peer_id));
    }
}
