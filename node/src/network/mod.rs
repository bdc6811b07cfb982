//! What the parts of one process share, and how they hear of each other.
//!
//! Roles see the ledger's state, submit signed transactions and publish blobs. There is no other way for one role
//! to tell another anything: whether the others are threads of this process or strangers on a network changes
//! nothing that a role does.

mod board;
mod held;
mod journal;
mod mempool;
mod metrics;
mod proposer;

pub use board::{Applied, Board, Fate, moves_of};
#[cfg(test)]
pub use held::{Held, PATIENCE};
pub use mempool::{Origin, Refusal};
pub use metrics::Metrics;
#[cfg(test)]
pub use proposer::propose_once;
pub use proposer::propose_until_stopped;
