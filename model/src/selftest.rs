//! One golden step on every backend and thread count: the machine's right to take part in a run.

use crate::execute::{Inputs, Observer, Words, execute};
use crate::kernel::{Backend, Engine};
use crate::program::{Row, first_state, step_program};
use crate::random::{StepId, assigned_tokens, initial_parameters};
use crate::schedule::StepScalars;
use crate::spec::{
    ARITHMETIC_VERSION, AdamWSpec, Architecture, Decay, F32Bits, GptSpec, ModelSpec, OptimizerSpec,
    OuterSpec, RunSpec, ScheduleSpec,
};

/// The run of the golden step: odd sizes on purpose, so that every tile has an edge.
pub fn golden_spec() -> RunSpec {
    let bits = |x: f32| F32Bits(x.to_bits());
    RunSpec {
        arithmetic_version: ARITHMETIC_VERSION,
        seed: [7; 32],
        model: ModelSpec {
            vocabulary: 256,
            context: 19,
            width: 36,
            layers: 2,
            hidden: 70,
            init_std: bits(0.08),
            dropout: bits(0.0),
            tied: true,
            architecture: Architecture::Gpt(GptSpec::new(3)),
        },
        batch: 3,
        accumulation: 1,
        optimizer: OptimizerSpec::AdamW(AdamWSpec {
            beta1: bits(0.9),
            beta2: bits(0.95),
            epsilon: bits(1e-8),
            weight_decay: bits(0.1),
            clip_norm: bits(1.0),
        }),
        schedule: ScheduleSpec {
            peak: bits(3e-3),
            warmup_steps: 2,
            decay: Decay::Cosine { floor: bits(0.1) },
        },
        outer: OuterSpec { learning_rate: bits(0.7), momentum: bits(0.9) },
        steps: 4,
        slots: 3,
        rounds: 4,
    }
}

/// The digest that every conforming build prints: BLAKE3 over all outputs of two golden steps, in order.
pub const GOLDEN: &str = "3b7e3adde2cbccf46c38d43a19f442c2d5e50d6df38d47b29ebe74b7f2308ea6";

struct Digest(blake3::Hasher);
impl Observer for Digest {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        words.iter().for_each(|w| {
            self.0.update(&w.to_le_bytes());
        });
    }
}

/// Two golden steps with `engine`; the hash covers every op's output.
pub fn golden_hash(engine: &Engine) -> String {
    let spec = golden_spec();
    let program = step_program(&spec);
    let shard: Vec<u8> = (0..4096u32).map(|i| ((i * i + 31 * i) >> 3) as u8).collect();
    let mut state = first_state(&spec, &initial_parameters(&spec));
    let mut digest = Digest(blake3::Hasher::new());
    for step in 0..2 {
        let at = StepId { round: 1, slot: 2, step };
        let tokens = assigned_tokens(&spec, &[9; 32], at, std::slice::from_ref(&shard)).unwrap_or_default();
        let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
        let scalars = StepScalars::new(&spec, at);
        state = execute(&program, inputs, &scalars, engine, &mut digest).post;
    }
    digest.0.finalize().to_hex().to_string()
}

/// One line of a self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Body and threads.
    pub engine: Engine,
    /// What the golden steps hashed to.
    pub hash: String,
}

impl Outcome {
    /// True when the hash is the one that every conforming build prints.
    pub fn is_golden(&self) -> bool {
        self.hash == GOLDEN
    }
}

/// The golden steps on every backend of this machine, on 1 to `threads` threads.
pub fn run(threads: usize) -> Vec<Outcome> {
    let engines = Backend::available()
        .into_iter()
        .flat_map(|backend| (1..=threads.max(1)).map(move |threads| Engine { backend, threads }));
    engines.map(|engine| Outcome { engine, hash: golden_hash(&engine) }).collect()
}
