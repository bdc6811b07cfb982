//! The network: real processes and real sockets, one network at a time, each test bounded in time (L-8, W-3, W-4).
//!
//! Nothing here links `node`. `RETRACE_BIN` names another binary than the one beside the tests. Every process that a
//! test starts is ended with it, whatever becomes of the test.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod accused;
mod agree;
mod breaker;
mod demo;
mod follow;
mod hostile;
mod http;
mod joiner;
mod latecomer;
mod load;
mod manifest;
mod midwork;
mod net;
mod node;
mod one_down;
mod outsider;
mod perturbed;
mod process;
mod queue;
mod signals;
mod tainted;
mod two_traces;
mod wallet;
