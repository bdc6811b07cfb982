//! End to end: the built binary from an empty folder to a conviction that anyone can judge again.
//!
//! Nothing here links `node`. `RETRACE_BIN` names another binary than the one beside the tests.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod amnesty;
mod bad_bundles;
mod bad_databases;
mod bad_homes;
mod bad_input;
mod bad_networks;
mod bad_training;
mod defender;
mod demo;
mod devnet;
mod disputes;
mod evidence;
mod faces;
mod history;
mod honesty;
mod lab;
mod step;
mod strategies;
mod subject;
mod training;
