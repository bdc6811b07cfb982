//! Why a node cannot start.

use crate::config::ConfigError;
use crate::consensus::ConsensusError;
use crate::home::HomeError;
use crate::rpc::RpcError;
use crate::swarm::SwarmError;
use std::io;

/// A node that cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StartError {
    /// The home.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// The configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] ConfigError),
    /// The public swarm.
    #[error("the swarm cannot start: {0}")]
    #[diagnostic(help("is the address of [node] listen in config.toml this machine's, and its port free?"))]
    Swarm(#[from] SwarmError),
    /// Agreement.
    #[error("consensus cannot start: {0}")]
    #[diagnostic(help(
        "is the address of [consensus] listen in config.toml this machine's, and its port free?"
    ))]
    Consensus(#[from] ConsensusError),
    /// The interface.
    #[error("the interface cannot start: {0}")]
    #[diagnostic(help("is the address of [node] rpc in config.toml this machine's, and its port free?"))]
    Rpc(#[from] RpcError),
    /// Agreement ended by itself.
    #[error("consensus has ended: {reason}")]
    #[diagnostic(help("the log says more; start the node again once the reason is gone"))]
    Ended {
        /// Why.
        reason: String,
    },
    /// Threads.
    #[error("the operating system gives no thread: {source}")]
    #[diagnostic(help("check the limits of processes and threads, such as `ulimit -u`"))]
    Runtime {
        /// Why not.
        source: io::Error,
    },
}
