//! Consensus as a whole: bytes, and networks of real engines on loopback addresses.

mod agreement;
mod bytes;
mod cluster;
mod figures;
mod lane;
pub mod network;
