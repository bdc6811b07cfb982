//! Prints the golden hashes on every backend and thread count: `cargo run -p retrace-model --example selftest`.

fn main() {
    let outcomes = retrace_model::selftest::run(2);
    for o in &outcomes {
        let verdict = if o.is_golden() { "golden" } else { "DIFFERENT" };
        let (backend, threads) = (o.engine.backend.name(), o.engine.threads);
        println!("{:<6} {backend:<10} {threads} {verdict} {}", o.golden, o.hash);
    }
    std::process::exit(i32::from(!outcomes.iter().all(|o| o.is_golden())));
}
