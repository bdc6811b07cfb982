//! Arguments that several commands share.

pub use crate::config::near;

use retrace_model::plan::Recompute;
use retrace_model::{Backend, Engine};
use std::path::PathBuf;

/// Where a run's home is.
#[derive(Clone, Debug, clap::Args)]
pub struct HomeArg {
    /// A home, or the folder of a demo or a devnet
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    pub home: PathBuf,
}

/// What to compute with.
#[derive(Clone, Debug, clap::Args)]
pub struct EngineArgs {
    /// reference, portable, avx2 or avx512; the fastest that this machine has if left out
    #[arg(long, env = "RETRACE_BACKEND", value_name = "NAME", value_parser = backend)]
    pub backend: Option<Backend>,
    /// Threads for each op; no number changes a bit
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
}

impl EngineArgs {
    /// The engine.
    pub fn engine(&self) -> Engine {
        Engine { backend: self.backend.unwrap_or_else(Backend::best), threads: usize::from(self.threads) }
    }
}

/// What to compute with, where nothing else computes.
#[derive(Clone, Debug, clap::Args)]
pub struct WholeMachine {
    /// reference, portable, avx2 or avx512; the fastest that this machine has if left out
    #[arg(long, env = "RETRACE_BACKEND", value_name = "NAME", value_parser = backend)]
    pub backend: Option<Backend>,
    /// Threads for each op; no number changes a bit; all of this machine's if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    pub threads: Option<u16>,
}

/// What of a step is computed twice.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct RecomputeArg {
    /// Compute blocks again in the backward pass instead of keeping them: less memory, the same bits
    #[arg(long)]
    recompute: bool,
}

impl RecomputeArg {
    /// What is computed again.
    pub fn kind(self) -> Recompute {
        if self.recompute { Recompute::Blocks } else { Recompute::Nothing }
    }
}

/// Most threads of an engine.
const THREADS_MAX: i64 = 64;

impl WholeMachine {
    /// The engine.
    pub fn engine(&self) -> Engine {
        let all = || std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS_MAX as usize));
        Engine {
            backend: self.backend.unwrap_or_else(Backend::best),
            threads: self.threads.map_or_else(all, usize::from),
        }
    }
}

fn backend(name: &str) -> Result<Backend, String> {
    name.parse().map_err(|e: retrace_model::UnknownBackend| e.to_string())
}
