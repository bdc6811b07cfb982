//! Tests of the ledger as a whole; each transaction's table is in its own file.

pub(crate) mod fixture;

mod attestations;
mod chain;
mod clock;
mod codec;
mod conservation;
mod disputes;
mod rounds;
mod trial;
mod validators;
mod vectors;
