//! The door: what a node tells and takes over HTTP, in words of its own; the ledger's types know no JSON (W-3).
//!
//! ```text
//! socket -> listen (how many, how slow) -> guard (how much at once) -> table (which method) -> one file a method
//!                                                                        \-> openapi.json, from the same rows
//! ```
//!
//! Every type that crosses the door is declared in the file of the method that answers it, and converted by hand.
//! `client` reads the same types on the other side.

mod asked;
mod body;
pub mod client;
mod door;
mod guard;
mod history;
mod limits;
mod listen;
pub mod methods;
mod openapi;
mod refused;
mod row;
mod server;
mod table;
#[cfg(test)]
mod tests;

pub use door::{NodeInfo, PeerInfo};
pub use server::{RpcError, RpcHandle, serve};
