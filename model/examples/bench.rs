//! Where a training step's time goes, by op, and tokens a second by backend: `bench [THREADS] [BACKEND]`.
//!
//! Every row counts with its fastest run, so that a busy machine disturbs little; compare ratios, not machines.
#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use retrace_model::op::KINDS;
use retrace_model::program::{Program, Row, first_state, step_program};
use retrace_model::{
    Architecture, Backend, Engine, GptSpec, Inputs, Observer, RunSpec, StepId, StepScalars, Words, Workspace,
    assigned_tokens, execute_in, initial_parameters, selftest,
};
use std::time::{Duration, Instant};

/// Steps of a fast backend; the slow ones get one, since they are here for the ratio.
const STEPS: u32 = 24;

fn spec() -> RunSpec {
    let mut spec = selftest::golden_spec();
    spec.model.context = 64;
    spec.model.width = 64;
    spec.model.architecture = Architecture::Gpt(GptSpec::new(4));
    spec.model.hidden = 256;
    spec.batch = 16;
    spec
}

/// Takes the time since the last row, row by row.
struct Clock {
    last: Instant,
    rows: Vec<Duration>,
}

impl Observer for Clock {
    fn output(&mut self, _at: usize, _row: &Row, _words: &mut Words) {
        let now = Instant::now();
        self.rows.push(now - self.last);
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
        let state = first_state(&spec, &initial_parameters(&spec));
        Bench { spec, program: step_program(&spec), state, tokens }
    }

    /// The fastest time of each row over `steps` steps, each from the initial state.
    fn fastest(&self, engine: &Engine, steps: u32) -> Vec<Duration> {
        let mut fastest = vec![Duration::MAX; self.program.rows.len()];
        let mut workspace = Workspace::default();
        let scalars = StepScalars::new(&self.spec, StepId { round: 0, slot: 0, step: 0 });
        for _ in 0..steps {
            let inputs = Inputs { pre: &self.state, tokens: &self.tokens, ..Inputs::default() };
            let mut clock = Clock { last: Instant::now(), rows: Vec::new() };
            let outputs = execute_in(&mut workspace, &self.program, inputs, &scalars, engine, &mut clock);
            workspace.recycle(outputs.post);
            for (slot, time) in fastest.iter_mut().zip(clock.rows) {
                *slot = time.min(*slot);
            }
        }
        fastest
    }

    fn print_shares(&self, times: &[Duration]) {
        let total: Duration = times.iter().sum();
        let mut by_kind = KINDS.map(|kind| (kind, Duration::ZERO, 0));
        for (row, time) in self.program.rows.iter().zip(times) {
            let slot = &mut by_kind[row.kind as usize];
            (slot.1, slot.2) = (slot.1 + *time, slot.2 + 1);
        }
        by_kind.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
        for (kind, time, rows) in by_kind.into_iter().filter(|(_, _, rows)| *rows > 0) {
            let (name, share) = (format!("{kind:?}"), 100.0 * time.as_secs_f64() / total.as_secs_f64());
            println!("  {name:<22} {rows:>4} rows {:>9.3} ms {share:>5.1} %", 1e3 * time.as_secs_f64());
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().and_then(|a| a.parse().ok()).unwrap_or(1);
    let only: Option<Backend> = arguments.next().and_then(|a| a.parse().ok());
    let bench = Bench::new(spec());
    let tokens = bench.spec.tokens_per_step() as f64;
    let mut first = None;
    for backend in only.map_or_else(Backend::available, |backend| vec![backend]) {
        let steps = if backend <= Backend::Portable { 1 } else { STEPS };
        let times = bench.fastest(&Engine { backend, threads }, steps);
        let seconds = times.iter().sum::<Duration>().as_secs_f64();
        let ratio = *first.get_or_insert(seconds) / seconds;
        println!("{backend}, {threads} thread(s): {:.0} tokens/s, {ratio:.2} x the first", tokens / seconds);
        bench.print_shares(&times);
    }
}
