//! What this machine's multiply-add units can do at most, measured in registers.

use retrace_model::Engine;
use retrace_model::peak::multiply_adds;
use std::time::Instant;

/// Rounds of a measurement: some tens of milliseconds.
const ROUNDS: u64 = 8_000_000;
/// Measurements, the fastest of which counts: a peak is what the machine can do, not what it did.
const TRIES: usize = 5;

/// Multiply-adds a second on the engine's threads together; none for a backend without vectors.
pub fn multiply_adds_a_second(engine: &Engine) -> Option<f64> {
    (0..TRIES).map(|_| once(engine)).collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

fn once(engine: &Engine) -> Option<f64> {
    let since = Instant::now();
    let done = std::thread::scope(|scope| {
        let work = || multiply_adds(engine.backend, ROUNDS);
        let others: Vec<_> = (1..engine.threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().map(|other| other.join().ok().flatten()).fold(own, |sum, more| Some(sum? + more?))
    })?;
    Some(done as f64 / since.elapsed().as_secs_f64())
}
