//! Where a training step's time goes, by op, and tokens a second by backend: `cargo run -p retrace-model --example bench`.
//!
//! Backends alternate in one run and only their ratios are worth comparing between machines.

use retrace_model::op::KINDS;
use retrace_model::program::{Program, Row, parameter_table, step_program};
use retrace_model::{
    Backend, Engine, Inputs, Observer, RunSpec, StepId, StepScalars, Words, assigned_tokens, execute,
    initial_parameters, selftest,
};
use std::time::{Duration, Instant};

/// Steps measured of each backend; the best one counts.
const STEPS: u32 = 8;

fn spec() -> RunSpec {
    let mut spec = selftest::golden_spec();
    spec.model.context = 64;
    spec.model.width = 64;
    spec.model.heads = 4;
    spec.model.hidden = 256;
    spec.batch = 16;
    spec
}

/// Adds up the time since the last row, by kind.
struct Clock {
    last: Instant,
    by_kind: [Duration; KINDS.len()],
}

impl Clock {
    fn new() -> Clock {
        Clock { last: Instant::now(), by_kind: [Duration::ZERO; KINDS.len()] }
    }

    fn total(&self) -> Duration {
        self.by_kind.iter().sum()
    }
}

impl Observer for Clock {
    fn output(&mut self, _at: usize, row: &Row, _words: &mut Words) {
        let now = Instant::now();
        self.by_kind[row.kind as usize] += now - self.last;
        self.last = now;
    }
}

struct Bench {
    spec: RunSpec,
    program: Program,
    state: Vec<Words>,
    tokens: Words,
}

impl Bench {
    fn new(spec: RunSpec) -> Bench {
        let shard: Vec<u8> = (0..32_768u32).map(|i| ((i * i + 31 * i) >> 3) as u8).collect();
        let at = StepId { round: 0, slot: 0, step: 0 };
        let tokens = assigned_tokens(&spec, &[9; 32], at, &[shard]).expect("the shard is long enough");
        let mut state = initial_parameters(&spec);
        for _ in 0..2 {
            state.extend(parameter_table(&spec.model).iter().map(|p| vec![0; p.elements() as usize]));
        }
        Bench { spec, program: step_program(&spec), state, tokens }
    }

    /// One step from the initial state.
    fn step(&self, engine: &Engine) -> Clock {
        let inputs = Inputs { pre: &self.state, tokens: &self.tokens, ..Inputs::default() };
        let mut clock = Clock::new();
        execute(&self.program, inputs, &StepScalars::new(&self.spec, 0, 0), engine, &mut clock);
        clock
    }
}

fn print_shares(backend: Backend, clock: &Clock) {
    println!("{backend}, one thread:");
    let total = clock.total().as_secs_f64();
    let mut shares: Vec<_> = KINDS.iter().zip(clock.by_kind).collect();
    shares.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    for (kind, time) in shares.into_iter().filter(|(_, time)| !time.is_zero()) {
        let share = 100.0 * time.as_secs_f64() / total;
        println!("  {:<22} {:>8.3} ms {share:>5.1} %", format!("{kind:?}"), 1e3 * time.as_secs_f64());
    }
}

fn main() {
    let threads: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let bench = Bench::new(spec());
    let tokens = bench.spec.tokens_per_step() as f64;
    let mut best: Vec<(Backend, Clock)> = Vec::new();
    let only: Option<Backend> = std::env::args().nth(2).and_then(|a| a.parse().ok());
    let backends = only.map_or_else(Backend::available, |backend| vec![backend]);
    for round in 0..STEPS {
        for (at, backend) in backends.iter().copied().enumerate() {
            // The slow bodies get one step: they are here for the ratio.
            if round > 0 && backend < Backend::Avx2 {
                continue;
            }
            let clock = bench.step(&Engine { backend, threads });
            match best.get_mut(at) {
                Some((_, before)) if before.total() <= clock.total() => {}
                Some(slot) => slot.1 = clock,
                None => best.push((backend, clock)),
            }
        }
    }
    let reference = best[0].1.total().as_secs_f64();
    for (backend, clock) in &best {
        let seconds = clock.total().as_secs_f64();
        println!("{backend:<10} {:>9.0} tokens/s {:>7.2} x reference", tokens / seconds, reference / seconds);
    }
    if let Some((backend, clock)) = best.last() {
        print_shares(*backend, clock);
    }
}
