//! `retrace selftest`: the golden steps on every backend and thread count of this machine.

use super::exit::{Exit, Failure};
use super::print::say;
use retrace_model::selftest::{Golden, goldens};
use retrace_model::{Backend, Engine};
use serde::Serialize;
use serde_json::json;
use std::time::Instant;

/// Arguments of `retrace selftest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace selftest --threads 4\n\nThe golden steps are those of an MLP, a GPT and a Llama, of odd sizes on purpose, and of a wide MLP and a Llama with a long context, which are larger than the blocks that products are cut into; the hash is over every output of every op, and steps with ops fused, in place or seen in parts must end in the same state and show the same outputs. A machine that prints another hash cannot take part: its work would be disputed, and rightly. Exit status 0: one hash a step everywhere, the expected one; 1: not."
)]
pub struct Args {
    /// Thread counts to try, from 1 to this
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// A golden step on every engine.
#[derive(Serialize)]
struct Tested {
    name: &'static str,
    /// The hash that all engines gave; none where they differ.
    hash: Option<String>,
    expected: &'static str,
    engines: Vec<Tried>,
    ok: bool,
}

/// A golden step on one engine.
#[derive(Serialize)]
struct Tried {
    backend: &'static str,
    threads: usize,
    hash: String,
    seconds: f64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tested: Vec<Tested> = goldens().iter().map(|golden| test(golden, args)).collect();
    let passed = tested.iter().all(|step| step.ok);
    let here = Backend::available();
    let absent: Vec<&str> =
        ["avx2", "avx512"].into_iter().filter(|name| !here.iter().any(|b| b.name() == *name)).collect();
    if args.json {
        say!("{}", json!({ "passed": passed, "steps": tested, "absent": absent }));
        return Ok(if passed { Exit::Yes } else { Exit::No });
    }
    for step in &tested {
        say!("{:<8} {}  {}", step.name, step.expected, if step.ok { "ok" } else { "FAILED" });
    }
    absent.iter().for_each(|name| say!("{name:<8} not on this machine"));
    let verdict = match passed {
        true => "passed: one hash a step everywhere",
        false => "FAILED: this machine gives other bits",
    };
    say!("{verdict}");
    Ok(if passed { Exit::Yes } else { Exit::No })
}

/// One golden step on every backend and number of threads, each told as it comes where people read.
fn test(golden: &Golden, args: &Args) -> Tested {
    let mut engines: Vec<Tried> = Vec::new();
    for backend in Backend::available() {
        for threads in 1..=usize::from(args.threads) {
            let since = Instant::now();
            let hash = golden.hash_with(&Engine { backend, threads });
            let tried =
                Tried { backend: backend.name(), threads, hash, seconds: since.elapsed().as_secs_f64() };
            if !args.json {
                let verdict = if tried.hash == golden.hash { "golden" } else { "DIFFERENT" };
                say!(
                    "{:<8} {:<10} {threads} thread(s)  {}  {verdict}  {:.3} s",
                    golden.name,
                    tried.backend,
                    tried.hash,
                    tried.seconds
                );
            }
            engines.push(tried);
        }
    }
    let ok = engines.iter().all(|tried| tried.hash == golden.hash);
    let first = engines.first().map(|tried| tried.hash.clone());
    let hash = first.filter(|first| engines.iter().all(|tried| tried.hash == *first));
    Tested { name: golden.name, hash, expected: golden.hash, engines, ok }
}
