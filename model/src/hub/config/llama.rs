//! `LlamaForCausalLM`'s configuration (M-7.5).

use serde::Serialize;

use super::fields::Fields;
use super::kept::Kept;
use super::number;
use crate::hub::HubError;
use crate::spec::{Architecture, F32Bits, LlamaSpec, ModelSpec};

const NO_BIAS: &str = "projections with a bias are not supported";
const PLAIN_ROPE: &str = "only the default rotary positions are supported, not scaled or partial ones";
const DROPOUT: &str = "dropout of attention alone is not supported: set it to 0, and the run's own instead";

#[derive(Serialize)]
struct Written {
    architectures: [&'static str; 1],
    model_type: &'static str,
    vocab_size: u32,
    max_position_embeddings: u32,
    hidden_size: u32,
    intermediate_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    num_key_value_heads: u32,
    head_dim: u32,
    hidden_act: &'static str,
    rms_norm_eps: f32,
    rope_theta: f32,
    rope_parameters: Rope,
    initializer_range: f32,
    attention_bias: bool,
    attention_dropout: f32,
    mlp_bias: bool,
    retrace_dropout: f32,
    tie_word_embeddings: bool,
    #[serde(flatten)]
    kept: Kept,
    dtype: &'static str,
    torch_dtype: &'static str,
}

/// What newer versions of `transformers` read in place of `rope_theta`.
#[derive(Serialize)]
struct Rope {
    rope_type: &'static str,
    rope_theta: f32,
}

pub(super) fn write(model: &ModelSpec, llama: &LlamaSpec, kept: Kept) -> impl Serialize + use<> {
    let rope_theta = number(llama.rope_base);
    Written {
        architectures: ["LlamaForCausalLM"],
        model_type: "llama",
        vocab_size: model.vocabulary,
        max_position_embeddings: model.context,
        hidden_size: model.width,
        intermediate_size: model.hidden,
        num_hidden_layers: model.layers,
        num_attention_heads: llama.heads,
        num_key_value_heads: llama.key_value_heads,
        head_dim: model.width.checked_div(llama.heads).unwrap_or(0),
        hidden_act: "silu",
        rms_norm_eps: number(llama.norm_epsilon),
        rope_theta,
        rope_parameters: Rope { rope_type: "default", rope_theta },
        initializer_range: number(model.init_std),
        attention_bias: false,
        attention_dropout: 0.0,
        mlp_bias: false,
        retrace_dropout: number(model.dropout),
        tie_word_embeddings: model.tied,
        kept,
        dtype: "float32",
        torch_dtype: "float32",
    }
}

pub(super) fn read(fields: &Fields) -> Result<ModelSpec, HubError> {
    fields.only("attention_bias", false, NO_BIAS)?;
    fields.only("mlp_bias", false, NO_BIAS)?;
    fields.only("hidden_act", "silu", "a gated hidden layer has silu")?;
    fields.only("attention_dropout", 0.0, DROPOUT)?;
    fields.only("pretraining_tp", 1, "split matrix products are not supported: set it to 1")?;
    let width = fields.size("hidden_size")?;
    let heads = fields.size("num_attention_heads")?;
    let head = width.checked_div(heads).unwrap_or(0);
    fields.only("head_dim", head, "a head's width must be hidden_size / num_attention_heads")?;
    let llama = LlamaSpec {
        heads,
        key_value_heads: fields.size_if("num_key_value_heads")?.unwrap_or(heads),
        rope_base: rope_base(fields)?,
        norm_epsilon: fields.rate_or("rms_norm_eps", 1e-6)?,
    };
    Ok(ModelSpec {
        vocabulary: fields.size("vocab_size")?,
        context: fields.size("max_position_embeddings")?,
        width,
        layers: fields.size("num_hidden_layers")?,
        hidden: fields.size("intermediate_size")?,
        init_std: fields.rate_or("initializer_range", 0.02)?,
        dropout: fields.rate_or("retrace_dropout", 0.0)?,
        tied: fields.flag_or("tie_word_embeddings", false)?,
        architecture: Architecture::Llama(llama),
    })
}

/// The base stands in `rope_parameters`, in older files beside `rope_scaling`.
fn rope_base(fields: &Fields) -> Result<F32Bits, HubError> {
    let inner = fields.inner("rope_parameters")?;
    let scaling = fields.inner("rope_scaling")?;
    for rope in [&inner, &scaling] {
        rope.only("rope_type", "default", PLAIN_ROPE)?;
        rope.only("type", "default", PLAIN_ROPE)?;
        rope.only("factor", 1.0, PLAIN_ROPE)?;
    }
    for rope in [fields, &inner] {
        rope.only("partial_rotary_factor", 1.0, PLAIN_ROPE)?;
    }
    match inner.rate_if("rope_theta")? {
        Some(base) => Ok(base),
        None => fields.rate_or("rope_theta", 10_000.0),
    }
}
