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
    #[error(transparent)]
    #[diagnostic(transparent)]
    Swarm(#[from] SwarmError),
    /// Agreement.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Consensus(#[from] ConsensusError),
    /// The interface.
    #[error(transparent)]
    #[diagnostic(transparent)]
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
