//! Steps of several kinds, taken in turn, so that a busy moment disturbs all of them.

use super::subject;
use crate::train::{Session, Text, TrainError};
use retrace_model::plan::Recompute;
use retrace_model::program::first_state;
use retrace_model::{Backend, Engine, RunSpec, initial_parameters};
use retrace_verifier::hashing::Tracer;
use retrace_verifier::state::{StateKind, root_of_on};
use std::time::{Duration, Instant};

/// Times of each kind of step, in the order in which they were taken.
pub struct Times {
    /// As it trains.
    pub plain: Vec<Duration>,
    /// On one thread; empty where there is only one.
    pub single: Vec<Duration>,
    /// Every output digested.
    pub traced: Vec<Duration>,
    /// On AVX2; empty where the engine is no faster one.
    pub avx2: Vec<Duration>,
    /// The state's root alone.
    pub hashed: Vec<Duration>,
}

/// A session from the seed's parameters.
pub fn session<'a>(spec: &'a RunSpec, text: &'a Text, engine: Engine, recompute: Recompute) -> Session<'a> {
    let state = first_state(spec, &initial_parameters(spec));
    Session::new(spec, text, engine, recompute, (state, 0))
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let since = Instant::now();
    std::hint::black_box(work());
    since.elapsed()
}

/// The middle of some durations, in seconds; none without any.
pub fn median(times: &[Duration]) -> Option<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some((sorted[low] + sorted[high]).as_secs_f64() / 2.0)
}

/// Takes each kind of step so many times, in turn.
pub fn steps(session: &mut Session<'_>, spec: &RunSpec, engine: Engine, steps: u32) -> Times {
    let mut times = Times { plain: vec![], single: vec![], traced: vec![], avx2: vec![], hashed: vec![] };
    let with = |session: &mut Session<'_>, engine: Engine| {
        session.set_engine(engine);
        timed(|| session.advance())
    };
    for _ in 0..steps {
        times.plain.push(with(session, engine));
        if engine.threads > 1 {
            times.single.push(with(session, Engine { threads: 1, ..engine }));
        }
        if engine.backend > Backend::Avx2 {
            times.avx2.push(with(session, Engine { backend: Backend::Avx2, ..engine }));
        }
        session.set_engine(engine);
        let mut tracer = Tracer::new(session.program());
        times.traced.push(timed(|| session.advance_watched(&mut tracer)));
        times.hashed.push(timed(|| root_of_on(StateKind::Inner, spec, session.state(), engine.threads)));
    }
    times
}

/// A step of gpt-tiny on one thread, by backend, slowest first: (backend, seconds).
pub fn backends() -> Result<Vec<(Backend, f64)>, TrainError> {
    let (spec, text) = subject("gpt-tiny")?;
    let found = Backend::available().into_iter().filter_map(|backend| {
        let mut session = session(&spec, &text, Engine { backend, threads: 1 }, Recompute::Nothing);
        let steps = if backend < Backend::Avx2 { 1 } else { 9 };
        // The first step pays for fresh pages.
        session.advance();
        let times: Vec<Duration> = (0..steps).map(|_| timed(|| session.advance())).collect();
        Some((backend, median(&times)?))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::median;
    use std::time::Duration;

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        let ms =
            |values: &[u64]| median(&values.iter().map(|n| Duration::from_millis(*n)).collect::<Vec<_>>());
        assert_eq!(ms(&[]), None);
        assert_eq!(ms(&[7]), Some(0.007));
        assert_eq!(ms(&[9, 1, 2]), Some(0.002));
        assert_eq!(ms(&[9, 1, 2, 4]), Some(0.003));
    }
}
