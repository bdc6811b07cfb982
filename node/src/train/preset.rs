//! Models that `retrace train` knows by name.

use retrace_model::{Activation, Architecture, F32Bits, GptSpec, LlamaSpec, MlpSpec, ModelSpec};

/// Names of all presets, as flags spell them.
pub const PRESETS: [&str; 6] = ["gpt-small", "gpt-wide", "gpt-tiny", "llama-small", "llama-tiny", "mlp-tiny"];

/// A model over bytes, with what trains it well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// The model.
    pub model: ModelSpec,
    /// Sequences of a step.
    pub batch: u32,
    /// Peak learning rate.
    pub peak: f32,
}

/// Sizes that every family has.
struct Sizes {
    context: u32,
    width: u32,
    layers: u32,
    hidden: u32,
    init_std: f32,
}

fn bits(x: f32) -> F32Bits {
    F32Bits(x.to_bits())
}

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<Preset> {
        let sizes =
            |context, width, layers, hidden, init_std| Sizes { context, width, layers, hidden, init_std };
        Some(match name {
            "gpt-small" => gpt(sizes(256, 256, 6, 1024, 0.02), 8, 8, 1e-3),
            "gpt-wide" => gpt(sizes(256, 768, 2, 3072, 0.02), 12, 4, 6e-4),
            "gpt-tiny" => gpt(sizes(32, 32, 2, 128, 0.05), 2, 4, 4e-3),
            "llama-small" => llama(sizes(256, 256, 6, 688, 0.02), (8, 4), 8, 1e-3),
            "llama-tiny" => llama(sizes(32, 32, 2, 88, 0.05), (4, 2), 4, 4e-3),
            "mlp-tiny" => mlp(sizes(16, 16, 1, 64, 0.05), 64, 4e-3),
            _ => return None,
        })
    }
}

fn model(sizes: Sizes, architecture: Architecture) -> ModelSpec {
    let Sizes { context, width, layers, hidden, init_std } = sizes;
    ModelSpec {
        vocabulary: 256,
        context,
        width,
        layers,
        hidden,
        init_std: bits(init_std),
        dropout: F32Bits(0),
        tied: false,
        architecture,
    }
}

fn gpt(sizes: Sizes, heads: u32, batch: u32, peak: f32) -> Preset {
    let own = GptSpec { heads, activation: Activation::GeluTanh, norm_epsilon: bits(1e-5) };
    Preset { model: model(sizes, Architecture::Gpt(own)), batch, peak }
}

fn llama(sizes: Sizes, (heads, key_value_heads): (u32, u32), batch: u32, peak: f32) -> Preset {
    let own = LlamaSpec { heads, key_value_heads, rope_base: bits(10_000.0), norm_epsilon: bits(1e-5) };
    Preset { model: model(sizes, Architecture::Llama(own)), batch, peak }
}

fn mlp(sizes: Sizes, batch: u32, peak: f32) -> Preset {
    let own = MlpSpec { activation: Activation::Relu };
    Preset { model: model(sizes, Architecture::Mlp(own)), batch, peak }
}

#[cfg(test)]
mod tests {
    use super::{PRESETS, Preset};
    use crate::train::{Asked, Plan};
    use retrace_model::program::parameter_table;

    fn parameters(name: &str) -> u64 {
        let preset = Preset::named(name).unwrap();
        parameter_table(&preset.model).iter().map(|shape| shape.elements()).sum()
    }

    #[test]
    fn presets_are_what_they_are_named_for() {
        for name in PRESETS {
            let asked = Asked { steps: 100, seed: 1, batch: None, peak: None };
            assert!(Plan::of_preset(name, &asked).is_ok_and(|plan| plan.spec.steps == 100), "{name}");
        }
        assert_eq!(Preset::named("gpt-huge"), None);
        // Their heads are matrices of their own.
        assert_eq!(parameters("gpt-small"), 4_935_680);
        assert_eq!(parameters("gpt-wide"), 14_767_104);
    }
}
