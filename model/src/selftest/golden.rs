//! The golden runs: an MLP, a GPT and a Llama of odd sizes, so that every tile has an edge, and two runs that are
//! larger than a block of an engine (M-4.9).

use super::large::{long, wide};
use super::seen::Digest;
use crate::execute::{Inputs, Words, advance_in, execute};
use crate::kernel::{Backend, Engine};
use crate::observer::{Observer, Unobserved};
use crate::program::{first_state, step_program};
use crate::random::{StepId, assigned_tokens, initial_parameters};
use crate::schedule::StepScalars;
use crate::spec::{
    ARITHMETIC_VERSION, Activation, AdamWSpec, Architecture, Decay, F32Bits, GptSpec, LlamaSpec, MlpSpec,
    ModelSpec, OptimizerSpec, OuterSpec, RunSpec, ScheduleSpec, SgdSpec,
};
use crate::workspace::Workspace;

/// Steps that a golden run takes.
pub const STEPS: u32 = 2;

/// A run of two steps whose bits are published.
#[derive(Clone, Debug)]
pub struct Golden {
    /// What it trains, in a word.
    pub name: &'static str,
    /// The run.
    pub spec: RunSpec,
    /// What every conforming build prints: BLAKE3 over all outputs of both steps, in order, in hexadecimal.
    pub hash: &'static str,
}

impl Golden {
    /// The words that step `step` reads: places of one shard of made-up bytes.
    pub fn tokens(&self, step: u32) -> Words {
        let shard: Vec<u8> = (0..4096u32).map(|i| ((i * i + 31 * i) >> 3) as u8).collect();
        assigned_tokens(&self.spec, &[9; 32], at(step), &[shard]).unwrap_or_default()
    }

    /// Runs both steps, each from the state that the one before left, and gives the last one's; `observer` sees every
    /// output.
    pub fn run(&self, engine: &Engine, observer: &mut dyn Observer) -> Vec<Words> {
        let program = step_program(&self.spec);
        let mut state = first_state(&self.spec, &initial_parameters(&self.spec));
        for step in 0..STEPS {
            let tokens = self.tokens(step);
            let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
            let scalars = StepScalars::new(&self.spec, at(step));
            state = execute(&program, inputs, &scalars, engine, observer).post;
        }
        state
    }

    /// [`Golden::run`] as training does it: each step in the buffers and over the state of the one before (M-8.4).
    pub fn advance(&self, engine: &Engine, observer: &mut dyn Observer) -> Vec<Words> {
        let (program, mut workspace) = (step_program(&self.spec), Workspace::default());
        let mut state = first_state(&self.spec, &initial_parameters(&self.spec));
        for step in 0..STEPS {
            let tokens = self.tokens(step);
            let inputs = Inputs { tokens: &tokens, ..Inputs::default() };
            let scalars = StepScalars::new(&self.spec, at(step));
            advance_in(&mut workspace, &program, &mut state, inputs, &scalars, engine, observer);
        }
        state
    }

    /// What both steps hash to with `engine`. Rows that nobody watches may be fused (M-8.2) and updated in place
    /// (M-8.4), and outputs be taken in parts (M-8.5), so that other code runs: a machine where any of these ends in
    /// another state or shows another output has another hash. The reference is what rows mean, one by one.
    pub fn hash_with(&self, engine: &Engine) -> String {
        let mut digest = Digest::default();
        let watched = self.run(engine, &mut digest);
        if engine.backend != Backend::Reference {
            let mut gathered = digest.gathered();
            let unwatched = [self.run(engine, &mut Unobserved), self.advance(engine, &mut Unobserved)];
            let in_parts = self.advance(engine, &mut gathered);
            for state in unwatched.into_iter().chain([in_parts]).filter(|state| *state != watched) {
                state.iter().for_each(|words| digest.differ(words));
            }
            digest.compare(gathered);
        }
        digest.hash()
    }
}

fn at(step: u32) -> StepId {
    StepId { round: 1, slot: 2, step }
}

pub(super) fn bits(x: f32) -> F32Bits {
    F32Bits(x.to_bits())
}

/// The golden run of the GPT, which tests change to their needs.
pub fn golden_spec() -> RunSpec {
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

/// A head of its own, six heads in two groups, two micro-batches.
pub(super) fn llama() -> RunSpec {
    let architecture = Architecture::Llama(LlamaSpec {
        heads: 6,
        key_value_heads: 2,
        rope_base: bits(10_000.0),
        norm_epsilon: bits(1e-6),
    });
    let mut spec = RunSpec { batch: 6, accumulation: 2, ..golden_spec() };
    spec.model = ModelSpec { context: 17, hidden: 50, tied: false, architecture, ..spec.model };
    spec
}

/// Dropout, three micro-batches, momentum and a straight decay.
pub(super) fn mlp() -> RunSpec {
    let architecture = Architecture::Mlp(MlpSpec { activation: Activation::GeluErf });
    let optimizer = SgdSpec { momentum: bits(0.9), weight_decay: bits(0.01), clip_norm: bits(1.0) };
    let mut spec =
        RunSpec { batch: 21, accumulation: 3, optimizer: OptimizerSpec::Sgd(optimizer), ..golden_spec() };
    spec.schedule =
        ScheduleSpec { peak: bits(0.1), decay: Decay::Linear { floor: bits(0.1) }, ..spec.schedule };
    spec.model = ModelSpec {
        context: 5,
        width: 11,
        hidden: 37,
        dropout: bits(0.2),
        tied: false,
        architecture,
        ..spec.model
    };
    spec
}

/// All golden runs, cheapest first.
pub fn goldens() -> [Golden; 5] {
    [
        Golden {
            name: "mlp",
            spec: mlp(),
            hash: "61d28b72b901d528f4aff5955745134911495a22a64289b53b8a949436c36dc1",
        },
        Golden {
            name: "gpt",
            spec: golden_spec(),
            hash: "bee25d9e51129ad7427f00d32e1c2b2ff91deb2c7570fe09f8f7c889a306f0dc",
        },
        Golden {
            name: "llama",
            spec: llama(),
            hash: "1c9bf5c230a5e209f0114314b685c0e4dc7516017a3b030ba5a1aee841bc7004",
        },
        Golden {
            name: "wide",
            spec: wide(),
            hash: "32aceeea4e7935c45e8e450adac6d2663097d8df72e3452dd1d37b4a14838cb5",
        },
        Golden {
            name: "long",
            spec: long(),
            hash: "a56be95ac1c0467af3f3c51b2ca1107fb90e4639e6c035834a485a46eebf773e",
        },
    ]
}
