//! What a traced replay costs beside a plain step, and where it goes:
//! `cargo run --release -p retrace-verifier --example tracing -- [ROUNDS] [THREADS] [LAYERS]`.
#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use retrace_model::program::{Row, first_state, step_program};
use retrace_model::{
    Architecture, Backend, Engine, GptSpec, Inputs, Observer, RunSpec, StepId, StepScalars, Unobserved,
    Words, Workspace, execute_in, initial_parameters, selftest::golden_spec,
};
use retrace_verifier::hashing::{Tracer, words_digest_on};
use std::time::Instant;

/// A GPT over bytes of width 256.
fn spec(layers: u32) -> RunSpec {
    let mut spec = golden_spec();
    let model = &mut spec.model;
    (model.context, model.width, model.layers, model.hidden) = (256, 256, layers, 1024);
    model.architecture = Architecture::Gpt(GptSpec::new(8));
    spec.batch = 8;
    spec
}

/// Looks at nothing, row by row.
#[derive(Default)]
struct Watching {
    bytes: u64,
}

impl Observer for Watching {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.bytes += 4 * words.len() as u64;
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).map_while(|word| word.parse().ok()).collect();
    let number = |at: usize, or: u32| numbers.get(at).copied().unwrap_or(or);
    let (rounds, threads, spec) = (number(0, 9), number(1, 2) as usize, spec(number(2, 6)));
    let (program, engine) = (step_program(&spec), Engine { backend: Backend::best(), threads });
    let state = first_state(&spec, &initial_parameters(&spec));
    let tokens: Words = (0..spec.batch * (spec.model.context + 1)).map(|i| i * i % 251).collect();
    let scalars = StepScalars::new(&spec, StepId { round: 0, slot: 0, step: 0 });
    // A workspace for each kind, so that none pays for the others' plans.
    let mut spaces: [Workspace; 3] = Default::default();
    let mut step = |at: usize, observer: &mut dyn Observer| {
        let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
        let since = Instant::now();
        let outputs = execute_in(&mut spaces[at], &program, inputs, &scalars, &engine, observer);
        let seconds = since.elapsed().as_secs_f64();
        spaces[at].recycle(outputs.post);
        seconds
    };
    let (mut plain, mut apart, mut traced, mut bytes) = (vec![], vec![], vec![], 0);
    for round in 0..=rounds {
        let mut watching = Watching::default();
        let mut tracer = Tracer { threads, digests: Vec::new() };
        let times = [step(0, &mut Unobserved), step(1, &mut watching), step(2, &mut tracer)];
        bytes = watching.bytes;
        // The first round pays for fresh pages.
        if round > 0 {
            plain.push(times[0]);
            apart.push(times[1]);
            traced.push(times[2]);
        }
    }
    let words = vec![1; 1 << 22];
    let since = Instant::now();
    (0..32).for_each(|_| {
        std::hint::black_box(words_digest_on(&words, threads));
    });
    let large = 32.0 * 16.777 / since.elapsed().as_secs_f64() / 1e3;
    let since = Instant::now();
    (0..512).for_each(|_| {
        std::hint::black_box(words_digest_on(&words[..1 << 18], threads));
    });
    let cached = 512.0 * 1.0486 / since.elapsed().as_secs_f64() / 1e3;
    let [plain, apart, traced] = [plain, apart, traced].map(|mut times| 1e3 * median(&mut times));
    println!(
        "plain {plain:.1} ms, rows apart {apart:.1} ms ({:.3}), traced {traced:.1} ms ({:.3})",
        apart / plain,
        traced / plain
    );
    println!(
        "{:.1} MB hashed in {:.1} ms: {:.1} GB/s; 16 MiB {large:.1} GB/s, 1 MiB {cached:.1} GB/s",
        bytes as f64 / 1e6,
        traced - apart,
        bytes as f64 / (traced - apart) / 1e6
    );
}
