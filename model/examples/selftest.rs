//! Prints the golden hashes on every backend and thread count: `cargo run -p retrace-model --example selftest`.

#![allow(clippy::disallowed_methods)] // the seconds are a measurement

use retrace_model::selftest::goldens;
use retrace_model::{Backend, Engine};
use std::time::Instant;

fn main() {
    let mut differences = 0;
    for golden in goldens() {
        for (backend, threads) in Backend::available().into_iter().flat_map(|b| [(b, 1), (b, 2)]) {
            let since = Instant::now();
            let hash = golden.hash_with(&Engine { backend, threads });
            let seconds = since.elapsed().as_secs_f64();
            let verdict = if hash == golden.hash { "golden" } else { "DIFFERENT" };
            println!("{:<6} {backend:<10} {threads} {verdict} {hash} {seconds:.3} s", golden.name);
            differences += i32::from(hash != golden.hash);
        }
    }
    std::process::exit(differences.min(1));
}
