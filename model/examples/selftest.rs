//! Prints the golden hash on every backend and thread count: `cargo run -p retrace-model --example selftest`.

fn main() {
    let outcomes = retrace_model::selftest::run(2);
    for outcome in &outcomes {
        let verdict = if outcome.is_golden() { "golden" } else { "DIFFERENT" };
        println!("{:<10} {} {verdict} {}", outcome.engine.backend, outcome.engine.threads, outcome.hash);
    }
    std::process::exit(i32::from(!outcomes.iter().all(|o| o.is_golden())));
}
