//! The door over real sockets, before a real board: one validator in this process, and a run where a test needs one.

mod amnesty;
mod calls;
mod defended;
mod hostile;
mod run;
mod world;
