//! One process as a network: a ledger with one proposer, pending transactions, blobs, and roles on threads.
//!
//! Roles see the ledger's state, submit signed transactions and publish blobs. There is no other way for one role
//! to tell another anything, so that putting a wire between them later changes nothing they do.

mod board;
mod proposer;

pub use board::{Board, Notice};
pub use proposer::propose_until_stopped;
