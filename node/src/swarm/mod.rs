//! The public swarm: transactions, blocks and blobs between strangers (W-2).
//!
//! ```text
//!             sockets --- task ----- Command -----.
//!                          |                      |
//!         questions of others, gossip      questions of our own
//!                          |                      |
//!   serve   gossip      (workers)      tell     follow      blobs
//!     |        |                        |          |          |
//!     `--------+--------- board --------+----------+----------'
//! ```
//!
//! One task owns the sockets and does nothing else; all work is done beside it. Everything that comes from outside is
//! bounded, then parsed, then checked, and every refusal has a name, a count and somebody to blame. Types of libp2p do
//! not leave this folder.
//!
//! Not at work yet: a table of far peers (kad), relays and hole punching (relay, dcutr, autonat), names (dns).

mod address;
mod blobs;
mod book;
mod config;
mod counters;
mod dialer;
mod events;
mod follow;
mod frame;
mod gate;
mod gossip;
mod handle;
mod limits;
mod names;
mod parts;
mod recent;
mod refused;
mod serve;
mod shared;
mod standing;
mod task;
mod tell;
mod wire;

#[cfg(test)]
mod tests;

pub use book::PeerInfo;
pub use config::{SwarmConfig, SwarmError};
pub use handle::{SwarmHandle, start};
