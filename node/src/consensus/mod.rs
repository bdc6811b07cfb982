//! Agreement: Malachite behind one door. Its types appear nowhere outside this folder.
//!
//! ```text
//! peers <-> engine (votes, rounds, log, sync) <-> app <-> Ledger (build, check, apply)
//!                                                  |
//!                                                  +-- proposals/   blocks not decided yet
//!                                                  +-- signed       what left with our signature
//! ```
//!
//! The engine decides which block comes next; the app builds, checks, keeps and applies blocks, and holds the pace.
//! Rules W-1.1 to W-1.9 are in `specs/wire.md`.

mod app;
mod assembly;
mod certificate;
mod codec;
mod context;
mod disk;
mod engine;
mod error;
mod judge;
mod kept;
mod pace;
mod peers;
mod shares;
mod sign_state;
mod signer;
mod supervise;

#[cfg(test)]
mod tests;

use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Block, BlockError, Body, Certificate, CheckedBlock, Fault, Head, Height, ProposerSecrets, Signed,
    Transaction, ValidatorSet, VrfSecret,
};
use retrace_verifier::digest::Digest;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast;

pub use error::ConsensusError;
#[cfg(test)]
pub use peers::peer_id;
pub use supervise::{ConsensusStatus, Running, start};

/// What consensus needs of the ledger. All of it may be called from any thread; all of it may block on the disk.
pub trait Ledger: Send + Sync + 'static {
    /// The network.
    fn network(&self) -> Digest;

    /// The last block.
    fn head(&self) -> Head;

    /// The last block and the validators of the next height, read together.
    fn standing(&self) -> (Head, ValidatorSet);

    /// True while a transaction waits for a block.
    fn has_pending(&self) -> bool;

    /// Tells of every newly admitted transaction.
    fn admitted(&self) -> broadcast::Receiver<Arc<Signed<Transaction>>>;

    /// Builds the next block of pending transactions.
    fn build(&self, secrets: &ProposerSecrets, time_ms: u64) -> Result<CheckedBlock, BlockError>;

    /// Checks a block against the state, and changes nothing.
    fn check(&self, block: &CheckedBlock) -> Result<(), BlockError>;

    /// A dispute transaction that a checked block should have held, as far as this validator knows (W-1.9).
    fn omission(&self, block: &CheckedBlock) -> Result<Option<Digest>, Fault>;

    /// Applies a decided block in one synced batch. A block that is applied already is no error.
    fn apply(&self, block: &CheckedBlock, certificate: &Certificate) -> Result<(), BlockError>;

    /// A decided block and its certificate.
    fn block(&self, height: Height) -> Result<Option<(Block, Certificate)>, Fault>;

    /// Submits an accusation of somebody who voted twice.
    fn accuse(&self, accusation: Body);

    /// Hears of something that was refused, by kind and reason.
    fn refused(&self, kind: &'static str, reason: &'static str);

    /// Hears that consensus cannot go on.
    fn cannot_go_on(&self, reason: &str);
}

/// Where consensus listens, whom it dials, and where it keeps its files.
#[derive(Clone, Debug)]
pub struct ConsensusConfig {
    /// Address to listen at, such as `/ip4/127.0.0.1/tcp/27000`.
    pub listen: String,
    /// Addresses of other validators, with `/p2p/` and their peer id at the end.
    pub peers: Vec<String>,
    /// Folder for the engine's log, the sign state and proposals.
    pub folder: PathBuf,
    /// What peers and counters call this node.
    pub moniker: String,
}

/// The secrets of a validator.
#[derive(Clone)]
pub struct ValidatorKeys {
    /// Signs votes, proposals and headers.
    pub consensus: SigningKey,
    /// Makes the beacon.
    pub vrf: VrfSecret,
    /// Names the peer: the registered node key.
    pub node: SigningKey,
}
