//! Small random models in Hugging Face's layout with the logits that this engine gives them, for
//! `benches/peers/transformers_check.py` to compare (M-7).
//!
//! `export OUTDIR` makes a folder a model; `export --logits FOLDER...` reads checkpoints that somebody else made, such
//! as `retrace train --local`, and writes the logits of their `tokens.json` beside them; without one, it draws some.

use std::error::Error;
use std::fs;
use std::path::Path;

use retrace_model::hub::{export, import, shard_names, write_tensors};
use retrace_model::op::Kind;
use retrace_model::program::{Row, evaluation_program, parameter_table};
use retrace_model::{
    ARITHMETIC_VERSION, Activation, AdamWSpec, Architecture, Backend, Decay, Engine, F32Bits, GptSpec,
    Inputs, LlamaSpec, ModelSpec, Observer, OptimizerSpec, OuterSpec, RunSpec, ScheduleSpec, StepScalars,
    Words, execute,
};

/// Sequences that a model is asked about.
const BATCH: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((flag, folders)) if flag == "--logits" && !folders.is_empty() => {
            folders.iter().try_for_each(|folder| write_logits(Path::new(folder)))
        }
        Some((out, [])) if !out.starts_with('-') => {
            models().into_iter().try_for_each(|(name, model)| make(&Path::new(out).join(name), &model))
        }
        _ => Err("usage: export OUTDIR | export --logits FOLDER...".into()),
    }
}

/// The models, by folder: both architectures, with and without a head of its own, every activation.
fn models() -> Vec<(&'static str, ModelSpec)> {
    let gpt = |activation, tied| ModelSpec {
        vocabulary: 256,
        context: 24,
        width: 36,
        layers: 3,
        hidden: 100,
        init_std: bits(0.02),
        dropout: bits(0.1),
        tied,
        architecture: Architecture::Gpt(GptSpec { heads: 3, activation, norm_epsilon: bits(1e-5) }),
    };
    let llama = |key_value_heads, rope_base, tied| ModelSpec {
        width: 48,
        hidden: 92,
        dropout: bits(0.0),
        architecture: Architecture::Llama(LlamaSpec {
            heads: 6,
            key_value_heads,
            rope_base,
            norm_epsilon: bits(1e-6),
        }),
        ..gpt(Activation::Silu, tied)
    };
    vec![
        ("gpt2", gpt(Activation::GeluTanh, true)),
        ("gpt2-untied-erf", gpt(Activation::GeluErf, false)),
        ("gpt2-relu", gpt(Activation::Relu, true)),
        ("gpt2-silu", gpt(Activation::Silu, true)),
        ("llama", llama(2, bits(10_000.0), false)),
        ("llama-tied", llama(6, bits(500_000.0), true)),
    ]
}

fn bits(number: f32) -> F32Bits {
    F32Bits(number.to_bits())
}

/// SplitMix64's outputs as numbers in -1..1.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// A folder with a model whose every parameter is drawn: a bias in the wrong place shows too.
fn make(folder: &Path, model: &ModelSpec) -> Result<(), Box<dyn Error>> {
    let mut draw = Draw(1);
    let mut parameters = Vec::new();
    for shape in parameter_table(model) {
        let center = if shape.is_gain { 1.0 } else { 0.0 };
        let words = (0..shape.elements()).map(|_| (center + 0.3 * draw.uniform()).to_bits());
        parameters.push(words.collect::<Words>());
    }
    fs::create_dir_all(folder)?;
    for file in export(model, &parameters, &[])? {
        fs::write(folder.join(file.name), file.bytes)?;
    }
    write_logits(folder)
}

/// Reads a folder, runs the forward pass over its tokens and writes `logits.safetensors`.
fn write_logits(folder: &Path) -> Result<(), Box<dyn Error>> {
    let config = fs::read(folder.join("config.json"))?;
    let names = match fs::read(folder.join("model.safetensors.index.json")) {
        Ok(index) => shard_names(&index)?,
        Err(_) => vec!["model.safetensors".to_owned()],
    };
    let files: Vec<Vec<u8>> =
        names.iter().map(|name| fs::read(folder.join(name))).collect::<Result<_, _>>()?;
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let (model, parameters) = import(&config, &files)?;
    let tokens = tokens(folder, &model)?;
    let batch = tokens.len() as u32;
    let words = logits(&model, batch, &parameters, &tokens.concat());
    let shape = [batch, model.predictions(), model.vocabulary].map(u64::from).to_vec();
    fs::write(folder.join("logits.safetensors"), write_tensors(&[("logits".to_owned(), shape, words)])?)?;
    println!("{}: {} tensors, logits of {batch} sequences", folder.display(), parameters.len());
    Ok(())
}

/// The sequences of the folder's `tokens.json`, which is written first where there is none.
fn tokens(folder: &Path, model: &ModelSpec) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let path = folder.join("tokens.json");
    let span = model.context as usize + 1;
    if !path.exists() {
        let mut draw = Draw(2);
        let mut sequence =
            || -> Vec<u64> { (0..span).map(|_| draw.next() % u64::from(model.vocabulary)).collect() };
        let drawn: Vec<Vec<u64>> = (0..BATCH).map(|_| sequence()).collect();
        fs::write(&path, serde_json::to_string(&drawn)?)?;
    }
    let tokens: Vec<Vec<u32>> = serde_json::from_slice(&fs::read(&path)?)?;
    if tokens.is_empty() || tokens.iter().any(|sequence| sequence.len() != span) {
        return Err("tokens.json has no sequences of one more token than the model's context".into());
    }
    Ok(tokens)
}

/// The output of the forward pass's last matrix product, (tokens, vocabulary).
fn logits(model: &ModelSpec, batch: u32, parameters: &[Words], tokens: &[u32]) -> Words {
    struct Last(Words);
    impl Observer for Last {
        fn output(&mut self, _at: usize, row: &Row, words: &mut Words) {
            if row.kind == Kind::MatMul {
                self.0.clone_from(words);
            }
        }
    }
    let program = evaluation_program(&run(model, batch), batch);
    let engine = Engine { backend: Backend::best(), threads: 1 };
    let inputs = Inputs { pre: parameters, tokens, ..Inputs::default() };
    let mut last = Last(Words::new());
    execute(&program, inputs, &StepScalars::default(), &engine, &mut last);
    last.0
}

/// A run of this model: of everything else, an evaluation reads nothing.
fn run(model: &ModelSpec, batch: u32) -> RunSpec {
    let none = bits(0.0);
    let adamw = AdamWSpec { beta1: none, beta2: none, epsilon: none, weight_decay: none, clip_norm: none };
    RunSpec {
        arithmetic_version: ARITHMETIC_VERSION,
        seed: [0; 32],
        model: *model,
        batch,
        accumulation: 1,
        optimizer: OptimizerSpec::AdamW(adamw),
        schedule: ScheduleSpec { peak: none, warmup_steps: 1, decay: Decay::Constant },
        outer: OuterSpec { learning_rate: none, momentum: none },
        steps: 4,
        slots: 1,
        rounds: 1,
    }
}
