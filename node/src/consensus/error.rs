//! Why consensus cannot start or go on.

use super::sign_state::SignStateError;
use miette::Diagnostic;
use retrace_ledger::BlockError;
use retrace_verifier::digest::Digest;
use std::path::PathBuf;

/// Why consensus cannot start or go on.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConsensusError {
    /// A file or folder cannot be used.
    #[error("{path} cannot be read or written: {source}")]
    #[diagnostic(help("free space on the disk, or choose another home"))]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The sign state cannot be used.
    #[error(transparent)]
    #[diagnostic(help(
        "a validator without its sign state may contradict itself and be slashed; restore the file from the same home"
    ))]
    SignState(#[from] SignStateError),
    /// An address is none.
    #[error("`{address}` is no address: {reason}")]
    #[diagnostic(help("write it as /ip4/192.0.2.1/tcp/27000/p2p/PEER"))]
    Address {
        /// The text.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The address to listen at is taken, or not this machine's.
    #[error("cannot listen at {address}: {source}")]
    #[diagnostic(help("is another process of this home running?"))]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The engine does not start.
    #[error("the consensus engine does not start: {reason}")]
    Engine {
        /// What it says.
        reason: String,
    },
    /// The engine stopped itself, because going on might contradict what it signed.
    #[error("the consensus engine stopped itself for safety at height {height}; see the log above")]
    #[diagnostic(help(
        "its log is damaged; move the file `wal` in the consensus folder away and start again: the sign state keeps \
         this validator from contradicting itself"
    ))]
    Unsafe {
        /// The height it was at.
        height: u64,
    },
    /// The engine ended too often.
    #[error("the consensus engine ended {times} times in a row, the last time at height {height}: {reason}")]
    #[diagnostic(help("the log says why; start the node again"))]
    Restarts {
        /// How often.
        times: u32,
        /// The height it was at.
        height: u64,
        /// Why the last time.
        reason: String,
    },
    /// A decided block is not in this home.
    #[error("block {block} of height {height} was decided, and is not in this home")]
    #[diagnostic(help("start again and let the node fetch it from its peers"))]
    Lost {
        /// Its height.
        height: u64,
        /// Its id.
        block: Digest,
    },
    /// The ledger cannot go on: a fault of this node, or a decided block that it finds invalid.
    #[error("height {height}: {reason}")]
    #[diagnostic(help(
        "if the block is invalid here and nowhere else, this binary is older than the network"
    ))]
    Ledger {
        /// The height.
        height: u64,
        /// What the ledger says.
        reason: BlockError,
    },
}
