//! Tests of the ledger as a whole; each transaction's table is in its own file.

pub(crate) mod fixture;

mod attestations;
pub(crate) mod breaker;
mod chain;
mod clock;
mod codec;
mod conservation;
mod contradictions;
mod disputes;
mod economics;
mod lane;
mod precedence;
mod queue;
mod rounds;
pub(crate) mod taint;
mod taint_phases;
mod trial;
mod validators;
mod vectors;
