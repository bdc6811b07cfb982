//! What the model's tests share: a generator, small runs, every engine of this machine.
#![allow(dead_code)] // each test file uses its own part

pub mod json;
pub mod plain;
pub mod rows;

use retrace_model::op::Kind;
use retrace_model::program::{Home, Leaf, Operand, Program, Range, Row, StateEntry, state_entries};
use retrace_model::{
    Activation, Architecture, Backend, Engine, F32Bits, GptSpec, Inputs, LlamaSpec, MlpSpec, ModelSpec,
    Observer, RunSpec, StepId, StepScalars, Unobserved, Words, execute, selftest,
};

/// SplitMix64: small, seeded, the same everywhere.
pub struct Generator(pub u64);

impl Generator {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Uniform in -1..1.
    pub fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Mostly ordinary numbers, now and then a special one.
    pub fn word(&mut self) -> u32 {
        const SPECIAL: [u32; 12] = [
            0x0000_0000,
            0x8000_0000,
            0x0000_0001,
            0x807F_FFFF,
            0x0080_0000,
            0x7F7F_FFFF,
            0x7F80_0000,
            0xFF80_0000,
            0x7FC0_0000,
            0xFFC1_2345,
            0x7FA0_0001,
            0x3F80_0000,
        ];
        match self.below(24) {
            0 => SPECIAL[self.below(12) as usize],
            1 => self.next() as u32,
            _ => self.ordinary(),
        }
    }

    /// A finite number of moderate size.
    pub fn ordinary(&mut self) -> u32 {
        (self.uniform() * 4.0).to_bits()
    }

    pub fn words(&mut self, count: usize) -> Words {
        (0..count).map(|_| self.word()).collect()
    }
}

/// Every backend of this machine, on one and two threads.
pub fn engines() -> Vec<Engine> {
    Backend::available()
        .into_iter()
        .flat_map(|b| [1, 2].map(|threads| Engine { backend: b, threads }))
        .collect()
}

pub const REFERENCE: Engine = Engine { backend: Backend::Reference, threads: 1 };

pub fn fast() -> Engine {
    Engine { backend: Backend::best(), threads: 1 }
}

/// A run of the given shape: layers, width, heads, context, hidden, batch.
pub fn run_spec([layers, width, heads, context, hidden, batch]: [u32; 6]) -> RunSpec {
    gpt_spec(GptSpec::new(heads), [layers, width, context, hidden, batch])
}

/// The same of a GPT with other choices: layers, width, context, hidden, batch.
pub fn gpt_spec(own: GptSpec, shape: [u32; 5]) -> RunSpec {
    spec_of(Architecture::Gpt(own), shape)
}

/// A run of a Llama: layers, width, heads, key and value heads, context, hidden, batch.
pub fn llama_spec([layers, width, heads, key_value_heads, context, hidden, batch]: [u32; 7]) -> RunSpec {
    let [rope_base, norm_epsilon] = [1e4f32, 1e-5].map(|x| F32Bits(x.to_bits()));
    let own = LlamaSpec { heads, key_value_heads, rope_base, norm_epsilon };
    spec_of(Architecture::Llama(own), [layers, width, context, hidden, batch])
}

/// A run of an MLP: layers, width, context, hidden, batch.
pub fn mlp_spec(activation: Activation, shape: [u32; 5]) -> RunSpec {
    let mut spec = spec_of(Architecture::Mlp(MlpSpec { activation }), shape);
    spec.model.tied = false;
    spec
}

fn spec_of(architecture: Architecture, [layers, width, context, hidden, batch]: [u32; 5]) -> RunSpec {
    let mut spec = RunSpec { batch, ..selftest::golden_spec() };
    spec.model = ModelSpec { layers, width, context, hidden, architecture, ..spec.model };
    spec
}

/// The scalars of a step of slot 0.
pub fn scalars(spec: &RunSpec, round: u32, step: u32) -> StepScalars {
    StepScalars::new(spec, StepId { round, slot: 0, step })
}

/// A state with no zero anywhere: parameters, then what the optimizer keeps.
pub fn random_state(spec: &RunSpec, draw: &mut Generator) -> Vec<Words> {
    let tensor = |entry: &StateEntry| {
        let center = if entry.parameter.is_gain { 1.0 } else { 0.0 };
        let element = |draw: &mut Generator| match entry.prefix {
            "" => center + 0.3 * draw.uniform(),
            "adamw.second/" => 1e-4 * (1.0 + draw.uniform()),
            _ => 0.01 * draw.uniform(),
        };
        (0..entry.parameter.elements()).map(|_| element(draw).to_bits()).collect()
    };
    state_entries(spec).iter().map(tensor).collect()
}

pub fn random_tokens(spec: &RunSpec, draw: &mut Generator) -> Words {
    let count = u64::from(spec.batch) * u64::from(spec.model.context + 1);
    (0..count).map(|_| draw.below(u64::from(spec.model.vocabulary)) as u32).collect()
}

/// Keeps every output, in row order.
#[derive(Default)]
pub struct Outputs(pub Vec<Words>);
impl Observer for Outputs {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.0.push(words.clone());
    }
}

pub fn numbers(words: &[u32]) -> Vec<f64> {
    words.iter().map(|w| f64::from(f32::from_bits(*w))).collect()
}

/// A view of entry `leaf` of the pre-state.
pub fn view(leaf: u32, length: u64, strides: [u64; 4], term_stride: u64) -> Operand {
    Operand { leaf: Leaf::Pre(leaf), length, offset: 0, strides, term_stride, lookup: None }
}

/// Terms in range that a row without chains has.
pub const NO_TERMS: (u32, Range) = (0, Range::Full);

/// The output of one row, its operands being entries of `leaves`.
pub fn run_row(row: &Row, leaves: &[Words], engine: &Engine) -> Words {
    assert_eq!(row.check(), Ok(()), "{row:?}");
    let program = Program { rows: vec![row.clone()], trace_leaves: 1, post_entries: 0 };
    let inputs = Inputs { pre: leaves, ..Inputs::default() };
    let mut outputs = Outputs::default();
    execute(&program, inputs, &StepScalars::default(), engine, &mut outputs);
    outputs.0.remove(0)
}

/// A program's outputs without looking at its trace.
pub fn run(program: &Program, inputs: Inputs, scalars: &StepScalars) -> retrace_model::Outputs {
    execute(program, inputs, scalars, &fast(), &mut Unobserved)
}

/// Positions of the rows that write the gradients, in table order: what the optimizer's first rows read.
pub fn gradient_rows(program: &Program) -> Vec<usize> {
    let firsts = program.rows.iter().filter(|row| [Kind::AdamFirst, Kind::SgdMomentum].contains(&row.kind));
    let writer = |row: &Row| program.rows.iter().position(|r| writes(r, row.operands[1].leaf));
    firsts.map(|row| writer(row).expect("a gradient is the output of a row")).collect()
}

/// True for the row whose output a leaf of the op list is.
pub fn writes(row: &Row, leaf: Leaf) -> bool {
    matches!((row.home, leaf), (Home::Trace(home), Leaf::Trace(leaf)) if home == leaf)
}
