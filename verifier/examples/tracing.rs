//! What a traced replay costs beside a plain step, and where it goes:
//! `cargo run --release -p retrace-verifier --example tracing -- [ROUNDS] [THREADS] [LAYERS]`.
#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use retrace_model::program::{Row, first_state, step_program};
use retrace_model::{
    Architecture, Backend, Engine, GptSpec, Inputs, Observer, Parts, RunSpec, StepId, StepScalars,
    Unobserved, Words, Workspace, execute_in, initial_parameters, selftest::golden_spec,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::hashing::{Tracer, words_digest_on};
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Counts bytes: in parts, and does nothing else.
#[derive(Default)]
struct Counting {
    bytes: AtomicU64,
}

impl Parts for Counting {
    fn part(&self, _at: usize, _first: usize, words: &[u32]) {
        self.bytes.fetch_add(4 * words.len() as u64, Ordering::Relaxed);
    }
}

impl Observer for Counting {
    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }
}

/// Digests whole outputs, row by row, as somebody must who changes them.
struct Whole {
    threads: usize,
    digests: Vec<Digest>,
}

impl Observer for Whole {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.digests.push(words_digest_on(words, self.threads));
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
    let mut spaces: [Workspace; 4] = Default::default();
    let mut step = |at: usize, observer: &mut dyn Observer| {
        let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
        let since = Instant::now();
        let outputs = execute_in(&mut spaces[at], &program, inputs, &scalars, &engine, observer);
        let seconds = since.elapsed().as_secs_f64();
        spaces[at].recycle(outputs.post);
        seconds
    };
    let (mut times, mut bytes) = ([(); 4].map(|()| vec![]), 0);
    for round in 0..=rounds {
        let (mut counting, mut tracer) = (Counting::default(), Tracer::new(&program));
        let mut whole = Whole { threads, digests: Vec::new() };
        let seconds =
            [step(0, &mut Unobserved), step(1, &mut counting), step(2, &mut whole), step(3, &mut tracer)];
        assert_eq!(whole.digests, tracer.digests(), "parts give the digests of the whole");
        bytes = counting.bytes.into_inner();
        // The first round pays for fresh pages.
        if round > 0 {
            times.iter_mut().zip(seconds).for_each(|(times, seconds)| times.push(seconds));
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
    let [plain, parts, whole, traced] = times.map(|mut times| 1e3 * median(&mut times));
    println!(
        "plain {plain:.1} ms, in parts {parts:.1} ms ({:.3}), whole outputs digested {whole:.1} ms ({:.3}), traced {traced:.1} ms ({:.3})",
        parts / plain,
        whole / plain,
        traced / plain
    );
    println!(
        "{:.1} MB hashed in {:.1} ms: {:.1} GB/s; 16 MiB {large:.1} GB/s, 1 MiB {cached:.1} GB/s",
        bytes as f64 / 1e6,
        traced - parts,
        bytes as f64 / (traced - parts) / 1e6
    );
}
