//! Who begins with whose address: the configurations of a devnet's nodes.

use super::DevnetError;
use super::record::Record;
use crate::config::{Config, StorageConfig};
use crate::home::disk;
use std::path::{Path, PathBuf};

/// Ten processes stay under 4 GiB in all.
const STORAGE: StorageConfig = StorageConfig { cache_mib: 16, write_buffer_mib: 8 };
/// Peers that a node begins with, where it is no validator.
const PEERS: usize = 3;

/// What all nodes have in common.
pub fn base_config(record: &Record, name: &str) -> Config {
    let mut config = Config::default();
    config.node.name = name.into();
    config.storage = STORAGE;
    config.passphrase_file = Some(record.passphrase_file.clone());
    config
}

/// Nothing is ever started on the sponsor's and the faucet's homes: their RPC is the first validator's.
pub fn purse_config(record: &Record, name: &str) -> Config {
    let mut config = base_config(record, name);
    if let Some(first) = record.nodes.iter().find(|node| node.consensus.is_some()) {
        config.node.rpc = (first.ip, first.ports.rpc).into();
    }
    config
}

/// Writes everybody's addresses into everybody's configuration.
pub fn write_addresses(record: &Record) -> Result<(), DevnetError> {
    for (at, node) in record.nodes.iter().enumerate() {
        let before = Config::load(&node.home)?;
        let mut config = before.clone();
        set_addresses(record, at, &mut config);
        if config != before {
            config.save(&node.home)?;
        }
    }
    for (purse, name) in [(&record.sponsor, "sponsor"), (&record.faucet, "faucet")] {
        purse_config(record, name).save(&purse.home)?;
    }
    Ok(())
}

/// Writes the addresses of a node and of those that it begins with.
pub fn set_addresses(record: &Record, at: usize, config: &mut Config) {
    let node = &record.nodes[at];
    let others = || {
        let all = record.nodes.iter().enumerate();
        all.filter(|(other, n)| *other != at && n.consensus.is_some()).map(|(_, other)| other)
    };
    // Every text here was made of an address and a port just before, and is one.
    let parse = |text: &String| text.parse().ok();
    let peers = if node.consensus.is_some() { usize::MAX } else { PEERS };
    // Different nodes begin with different validators.
    let mut swarm: Vec<&String> = others().map(|other| &other.swarm).collect();
    let turn = at % swarm.len().max(1);
    swarm.rotate_left(turn);
    config.node.peers = swarm.into_iter().take(peers).filter_map(parse).collect();
    config.node.rpc = (node.ip, node.ports.rpc).into();
    let listen = |port: u16| format!("/ip4/{}/tcp/{port}", node.ip).parse().ok();
    config.node.listen = listen(node.ports.swarm).unwrap_or_else(|| config.node.listen.clone());
    config.consensus.listen = listen(node.ports.consensus).unwrap_or_else(|| config.consensus.listen.clone());
    config.consensus.peers = match node.consensus {
        Some(_) => others().filter_map(|other| parse(other.consensus.as_ref()?)).collect(),
        None => Vec::new(),
    };
}

/// The folder with its whole path, so that it names itself whatever the working directory is.
pub fn absolute(folder: &Path) -> Result<PathBuf, DevnetError> {
    std::fs::create_dir_all(folder).map_err(disk(folder))?;
    Ok(folder.canonicalize().map_err(disk(folder))?)
}
