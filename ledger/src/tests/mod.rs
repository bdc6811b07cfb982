//! Tests of the ledger as a whole; each transaction's table is in its own file.

pub(crate) mod fixture;

mod attestations;
pub(crate) mod breaker;
mod chain;
mod codec;
mod conservation;
mod disputes;
mod economics;
mod rounds;
mod trial;
mod validators;
mod vectors;
