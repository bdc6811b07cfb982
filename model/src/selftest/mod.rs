//! Golden steps on every backend and thread count: the machine's right to take part in a run.

mod golden;
mod large;
mod seen;

pub use golden::{Golden, STEPS, golden_spec, goldens};

use crate::kernel::{Backend, Engine};

/// One line of a self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which golden run.
    pub golden: &'static str,
    /// Body and threads.
    pub engine: Engine,
    /// What its steps hashed to.
    pub hash: String,
    /// What they hash to on every conforming build.
    pub expected: &'static str,
}

impl Outcome {
    /// True when the hash is the one that every conforming build prints.
    pub fn is_golden(&self) -> bool {
        self.hash == self.expected
    }
}

/// Every golden run on every backend of this machine, on 1 to `threads` threads.
pub fn run(threads: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for golden in goldens() {
        for backend in Backend::available() {
            for threads in 1..=threads.max(1) {
                let engine = Engine { backend, threads };
                let hash = golden.hash_with(&engine);
                outcomes.push(Outcome { golden: golden.name, engine, hash, expected: golden.hash });
            }
        }
    }
    outcomes
}
