//! A node's configuration, `config.toml` in its home: flag over environment over this file over default.

mod file;
mod near;
mod overrides;
mod table;

pub use file::{CONFIG_FILE, ConfigError};
pub use near::near;
pub use overrides::Overrides;
pub use table::{Expected, Section, TableError};

use crate::strategy::{Strategy, TestNetwork};
use libp2p::Multiaddr;
use retrace_ledger::{Genesis, Role};
use retrace_model::{Backend, Engine};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a node may do beside following the chain, as flags and files spell it.
pub const ROLES: [(Role, &str); 3] =
    [(Role::Validator, "validator"), (Role::Trainer, "trainer"), (Role::Verifier, "verifier")];

/// What a node does that has a defense key and defends others with it: no role of an account (W-5.7).
pub const DEFENDER: &str = "defender";

/// The role of this name.
pub fn role_named(name: &str) -> Option<Role> {
    ROLES.into_iter().find(|(_, known)| *known == name).map(|(role, _)| role)
}

/// The account of this name.
pub fn account_named(text: &str) -> Option<PeerKey> {
    text.parse::<Digest>().ok().map(|digest| PeerKey(digest.0))
}

/// The account that a flag names.
pub fn account_in(text: &str) -> Result<PeerKey, String> {
    account_named(text).ok_or_else(|| "an account is 64 hexadecimal digits".into())
}

/// The name of a role, those that only accounts have included.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Sponsor => "sponsor",
        Role::Trainer => "trainer",
        Role::Verifier => "verifier",
        Role::Auditor => "auditor",
        Role::Validator => "validator",
    }
}

/// Everything that a node is told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who it is and whom it talks to.
    pub node: NodeConfig,
    /// Agreement between validators.
    pub consensus: ConsensusConfig,
    /// RocksDB.
    pub storage: StorageConfig,
    /// Arithmetic.
    pub compute: ComputeConfig,
    /// File whose first line opens the keystore; relative to the home. Without it the operator is asked.
    pub passphrase_file: Option<PathBuf>,
    /// How this node lies; only on test networks.
    pub strategy: Option<Strategy>,
}

/// Section `[node]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Name, for people.
    pub name: String,
    /// What it does; nothing for a node that only follows.
    pub roles: Vec<Role>,
    /// Accounts whose moves it signs: its stake key is their defense key.
    pub defends: Vec<PeerKey>,
    /// Where the public swarm listens.
    pub listen: Multiaddr,
    /// Peers to begin with, with `/p2p/` at their end.
    pub peers: Vec<Multiaddr>,
    /// Where the RPC listens.
    pub rpc: SocketAddr,
}

/// Section `[consensus]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusConfig {
    /// Where the validators' swarm listens.
    pub listen: Multiaddr,
    /// Other validators.
    pub peers: Vec<Multiaddr>,
}

/// Section `[storage]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageConfig {
    /// Block cache of all column families together.
    pub cache_mib: u32,
    /// Write buffers of all column families together.
    pub write_buffer_mib: u32,
}

/// Section `[compute]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeConfig {
    /// The fastest that this machine has if none.
    pub backend: Option<Backend>,
    /// Threads for each op.
    pub threads: u16,
}

impl Default for Config {
    fn default() -> Config {
        let tcp = |port: u16| Multiaddr::empty().with(any_ip4()).with(libp2p::multiaddr::Protocol::Tcp(port));
        Config {
            node: NodeConfig {
                name: "node".into(),
                roles: Vec::new(),
                defends: Vec::new(),
                listen: tcp(4100),
                peers: Vec::new(),
                // Whoever opens the RPC to others says so: by default only this machine reaches it.
                rpc: SocketAddr::from(([127, 0, 0, 1], 4180)),
            },
            consensus: ConsensusConfig { listen: tcp(4200), peers: Vec::new() },
            storage: StorageConfig { cache_mib: 128, write_buffer_mib: 64 },
            compute: ComputeConfig { backend: None, threads: 1 },
            passphrase_file: None,
            strategy: None,
        }
    }
}

fn any_ip4() -> libp2p::multiaddr::Protocol<'static> {
    libp2p::multiaddr::Protocol::Ip4(std::net::Ipv4Addr::UNSPECIFIED)
}

impl NodeConfig {
    /// The names of all that it does beside following the chain.
    pub fn duties(&self) -> Vec<&'static str> {
        let roles = self.roles.iter().map(|role| role_name(*role));
        roles.chain((!self.defends.is_empty()).then_some(DEFENDER)).collect()
    }
}

impl Config {
    /// What to compute with.
    pub fn engine(&self) -> Engine {
        let backend = self.compute.backend.unwrap_or_else(Backend::best);
        Engine { backend, threads: usize::from(self.compute.threads) }
    }

    /// The passphrase file that the home names, if it names one.
    pub fn passphrase_path(&self, home: &Path) -> Option<PathBuf> {
        self.passphrase_file.as_ref().map(|path| home.join(path))
    }

    /// The RPC as a URL.
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.node.rpc)
    }

    /// Refuses what the network does not allow: only test networks have strategies.
    pub fn check(&self, genesis: &Genesis) -> Result<(), ConfigError> {
        match self.strategy {
            Some(strategy) if TestNetwork::of(genesis).is_none() => {
                Err(ConfigError::NotATestNetwork { strategy, network: genesis.name.clone() })
            }
            _ => Ok(()),
        }
    }
}
