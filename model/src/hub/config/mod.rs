//! `config.json`: which model a checkpoint holds, both ways (M-7.5).

mod fields;
mod gpt2;
mod kept;
mod llama;
mod mlp;

pub(super) use fields::CONFIG;
use fields::{Fields, SHOWN};
use kept::Kept;

use super::{HubError, text};
use crate::spec::{
    ARITHMETIC_VERSION, Activation, AdamWSpec, Architecture, Decay, F32Bits, ModelSpec, OptimizerSpec,
    OuterSpec, RunSpec, ScheduleSpec,
};

/// Names of activations, as `transformers` knows them. The first of a kind is the one that is written.
const ACTIVATIONS: [(&str, Activation); 6] = [
    ("gelu_new", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu", Activation::GeluErf),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("relu", Activation::Relu),
];

/// The model that a `config.json` describes. What is left out has `transformers`' default, except sizes.
///
/// # Errors
/// A member that is missing, of a wrong type, asks for what is not supported, or is outside M-6.1's limits.
pub fn read_config(text: &[u8]) -> Result<ModelSpec, HubError> {
    let fields = Fields::read(text)?;
    let field = "model_type";
    let model = match fields.word_if(field)?.ok_or(HubError::FieldMissing { field })? {
        "gpt2" => gpt2::read(&fields),
        "llama" => llama::read(&fields),
        "retrace-mlp" => mlp::read(&fields),
        other => {
            let found = text::shown(other, SHOWN);
            Err(HubError::Unsupported { field, found, hint: "gpt2, llama and retrace-mlp are supported" })
        }
    }?;
    check(&model)?;
    // Refused here, not when the model is written after a long training.
    kept(&fields, &model)?;
    Ok(model)
}

/// The `config.json` that `transformers` loads for this model; for an MLP, which it does not have, our own.
pub fn write_config(model: &ModelSpec) -> String {
    write(model, Kept::nothing())
}

/// [`write_config`] with the members that M-7.6 keeps of `imported`, the `config.json` that the model came with.
///
/// # Errors
/// A text that is no configuration, or a member with another value than M-7.6 has.
pub(super) fn write_config_like(model: &ModelSpec, imported: &[u8]) -> Result<String, HubError> {
    Ok(write(model, kept(&Fields::read(imported)?, model)?))
}

/// What M-7.6 keeps; of an MLP nothing.
fn kept(fields: &Fields, model: &ModelSpec) -> Result<Kept, HubError> {
    if matches!(model.architecture, Architecture::Mlp(_)) {
        return Ok(Kept::nothing());
    }
    Kept::read(fields, model.vocabulary)
}

fn write(model: &ModelSpec, kept: Kept) -> String {
    let text = match &model.architecture {
        Architecture::Gpt(gpt) => serde_json::to_string_pretty(&gpt2::write(model, gpt, kept)),
        Architecture::Llama(own) => serde_json::to_string_pretty(&llama::write(model, own, kept)),
        Architecture::Mlp(own) => serde_json::to_string_pretty(&mlp::write(model, own)),
    };
    // Members with fixed names and plain values: there is nothing in them that JSON cannot say.
    text.unwrap_or_default() + "\n"
}

/// The limits of a run's model, before anything is made of its sizes.
fn check(model: &ModelSpec) -> Result<(), HubError> {
    let none = F32Bits(0);
    let optimizer =
        AdamWSpec { beta1: none, beta2: none, epsilon: none, weight_decay: none, clip_norm: none };
    let smallest = RunSpec {
        arithmetic_version: ARITHMETIC_VERSION,
        seed: [0; 32],
        model: *model,
        batch: 1,
        accumulation: 1,
        optimizer: OptimizerSpec::AdamW(optimizer),
        schedule: ScheduleSpec { peak: none, warmup_steps: 1, decay: Decay::Constant },
        outer: OuterSpec { learning_rate: none, momentum: none },
        steps: 4,
        slots: 1,
        rounds: 1,
    };
    Ok(smallest.check()?)
}

fn activation_named(field: &'static str, name: &str) -> Result<Activation, HubError> {
    let hint = "gelu_new, gelu_pytorch_tanh, gelu, silu and relu are supported";
    let known = ACTIVATIONS.iter().find(|(known, _)| *known == name);
    let found = || text::shown(name, SHOWN);
    known.map(|(_, kind)| *kind).ok_or_else(|| HubError::Unsupported { field, found: found(), hint })
}

fn activation_name(activation: Activation) -> &'static str {
    ACTIVATIONS.iter().find(|(_, kind)| *kind == activation).map_or("", |(name, _)| name)
}

/// A rate as a number: it is written with the fewest digits that name it.
fn number(rate: F32Bits) -> f32 {
    f32::from_bits(rate.0)
}
