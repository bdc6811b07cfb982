//! Writes one step of each architecture for another framework to check: `gradients OUTDIR`.
//!
//! OUTDIR/NAME/index.json names sizes, tokens, parameters, gradients and the loss; a tensor is a file of raw binary32,
//! little-endian, row-major.

#[path = "../tests/support/mod.rs"]
mod support;

use retrace_model::program::{ParameterShape, parameter_table, step_program};
use retrace_model::{Activation, Architecture, F32Bits, Inputs, RunSpec, Words, execute};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use support::{
    Generator, Outputs, fast, gradient_rows, llama_spec, mlp_spec, random_state, random_tokens, run_spec,
    scalars,
};

fn number(bits: F32Bits) -> f32 {
    f32::from_bits(bits.0)
}

fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::GeluTanh => "gelu_tanh",
        Activation::GeluErf => "gelu_erf",
        Activation::Silu => "silu",
        Activation::Relu => "relu",
    }
}

fn sizes(spec: &RunSpec) -> Value {
    let m = &spec.model;
    let mut sizes = json!({
        "vocabulary": m.vocabulary, "context": m.context, "width": m.width, "layers": m.layers,
        "hidden": m.hidden, "tied": m.tied, "batch": spec.batch,
    });
    let own = match &m.architecture {
        Architecture::Gpt(own) => json!({
            "heads": own.heads, "activation": activation_name(own.activation),
            "norm_epsilon": number(own.norm_epsilon),
        }),
        Architecture::Llama(own) => json!({
            "heads": own.heads, "key_value_heads": own.key_value_heads,
            "rope_base": number(own.rope_base), "norm_epsilon": number(own.norm_epsilon),
        }),
        Architecture::Mlp(own) => json!({ "activation": activation_name(own.activation) }),
    };
    if let (Some(sizes), Value::Object(own)) = (sizes.as_object_mut(), own) {
        sizes.extend(own);
    }
    sizes
}

/// Writes the tensors under `prefix` and gives their index.
fn write(folder: &Path, prefix: &str, table: &[ParameterShape], tensors: &[Words]) -> std::io::Result<Value> {
    let mut index = Vec::new();
    for (shape, words) in table.iter().zip(tensors) {
        let file = format!("{prefix}.{}.bin", shape.name);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        std::fs::write(folder.join(&file), bytes)?;
        index.push(json!({ "name": shape.name, "shape": shape.shape(), "file": file }));
    }
    Ok(index.into())
}

fn step(folder: &Path, name: &str, spec: &RunSpec) -> std::io::Result<()> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let mut draw = Generator(2026);
    let (state, tokens) = (random_state(spec, &mut draw), random_tokens(spec, &mut draw));
    let program = step_program(spec);
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let mut outputs = Outputs::default();
    let end = execute(&program, inputs, &scalars(spec, 0, 0), &fast(), &mut outputs);
    let table = parameter_table(&spec.model);
    let gradients: Vec<Words> = gradient_rows(&program).iter().map(|at| outputs.0[*at].clone()).collect();
    let index = json!({
        "name": name,
        "sizes": sizes(spec),
        "tokens": tokens.chunks(spec.model.context as usize + 1).collect::<Vec<_>>(),
        "tensors": write(&folder, "parameter", &table, &state)?,
        "gradients": write(&folder, "gradient", &table, &gradients)?,
        "loss_bits": format!("{:08x}", end.loss),
    });
    std::fs::write(folder.join("index.json"), format!("{index}\n"))
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: gradients OUTDIR");
        return ExitCode::from(2);
    };
    let mut llama = llama_spec([2, 48, 6, 2, 24, 80, 4]);
    llama.model.tied = false;
    let runs = [
        ("mlp", mlp_spec(Activation::GeluErf, [2, 12, 8, 64, 16])),
        ("gpt", run_spec([2, 48, 6, 24, 192, 4])),
        ("llama", llama),
    ];
    for (name, spec) in runs {
        if let Err(error) = step(Path::new(&folder), name, &spec) {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
