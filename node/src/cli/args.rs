//! Arguments that several commands share, and what is near to a name that nothing has.

use retrace_model::{Backend, Engine};
use std::path::PathBuf;

/// Where a run's home is.
#[derive(Clone, Debug, clap::Args)]
pub struct HomeArg {
    /// Folder that `retrace demo` wrote
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

fn backend(name: &str) -> Result<Backend, String> {
    name.parse().map_err(|e: retrace_model::UnknownBackend| e.to_string())
}

/// `did you mean`, or the whole list where nothing is near.
pub fn near(name: &str, known: &[&str]) -> String {
    let scored = known.iter().map(|k| (strsim::jaro_winkler(name, k), *k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.7);
    match best {
        Some((_, known)) => format!("did you mean {known}?"),
        None => format!("there are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_that_are_near_are_offered() {
        assert_eq!(near("trainer2", &["trainer-1", "trainer-2"]), "did you mean trainer-2?");
        assert_eq!(near("zzz", &["a", "b"]), "there are: a, b");
    }
}
