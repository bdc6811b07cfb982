//! Steps a second, measured on the run's own program or on the golden one.

use retrace_model::program::{first_state, step_program};
use retrace_model::{
    Engine, Inputs, RunSpec, StepId, StepScalars, Unobserved, Words, Workspace, execute_in,
    initial_parameters, selftest,
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long is measured; a machine that takes longer for one step is measured on one.
const PATIENCE: Duration = Duration::from_millis(300);

/// A measured speed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Steps a second.
    pub steps_a_second: f64,
    /// True for steps of the run, false for golden ones.
    pub of_the_run: bool,
    /// With what.
    pub backend: &'static str,
    /// On how many threads.
    pub threads: usize,
}

/// Measures steps of `run`, or golden steps where no run is known.
pub fn measure(engine: &Engine, run: Option<&RunSpec>) -> Speed {
    let golden = selftest::golden_spec();
    let spec = run.unwrap_or(&golden);
    let program = step_program(spec);
    let tokens: Words = (0..spec.tokens_per_step() + u64::from(spec.batch))
        .map(|i| (i % u64::from(spec.model.vocabulary)) as u32)
        .collect();
    let state = first_state(spec, &initial_parameters(spec));
    let scalars = StepScalars::new(spec, StepId { round: 0, slot: 0, step: 0 });
    let mut workspace = Workspace::default();
    let mut step = || {
        let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
        let since = Instant::now();
        let outputs = execute_in(&mut workspace, &program, inputs, &scalars, engine, &mut Unobserved);
        workspace.recycle(outputs.post);
        since.elapsed()
    };
    // The first step pays for fresh pages, so the fastest of several counts.
    let (since, mut fastest) = (Instant::now(), step());
    while since.elapsed() < PATIENCE {
        fastest = fastest.min(step());
    }
    Speed {
        steps_a_second: 1.0 / fastest.as_secs_f64().max(1e-9),
        of_the_run: run.is_some(),
        backend: engine.backend.name(),
        threads: engine.threads,
    }
}
