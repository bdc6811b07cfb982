//! `GPT2LMHeadModel`'s configuration (M-7.5).

use serde::Serialize;

use super::fields::Fields;
use super::kept::Kept;
use super::{activation_name, activation_named, number};
use crate::hub::HubError;
use crate::spec::{Architecture, GptSpec, ModelSpec};

const ONE_DROPOUT: &str =
    "one dropout for embedding, attention and residual is supported: make the three equal";

#[derive(Serialize)]
struct Written {
    architectures: [&'static str; 1],
    model_type: &'static str,
    vocab_size: u32,
    n_positions: u32,
    n_embd: u32,
    n_layer: u32,
    n_head: u32,
    n_inner: u32,
    activation_function: &'static str,
    layer_norm_epsilon: f32,
    initializer_range: f32,
    embd_pdrop: f32,
    attn_pdrop: f32,
    resid_pdrop: f32,
    tie_word_embeddings: bool,
    #[serde(flatten)]
    kept: Kept,
    dtype: &'static str,
    torch_dtype: &'static str,
}

pub(super) fn write(model: &ModelSpec, gpt: &GptSpec, kept: Kept) -> impl Serialize + use<> {
    let dropout = number(model.dropout);
    Written {
        architectures: ["GPT2LMHeadModel"],
        model_type: "gpt2",
        vocab_size: model.vocabulary,
        n_positions: model.context,
        n_embd: model.width,
        n_layer: model.layers,
        n_head: gpt.heads,
        n_inner: model.hidden,
        activation_function: activation_name(gpt.activation),
        layer_norm_epsilon: number(gpt.norm_epsilon),
        initializer_range: number(model.init_std),
        embd_pdrop: dropout,
        attn_pdrop: dropout,
        resid_pdrop: dropout,
        tie_word_embeddings: model.tied,
        kept,
        dtype: "float32",
        torch_dtype: "float32",
    }
}

pub(super) fn read(fields: &Fields) -> Result<ModelSpec, HubError> {
    let computes = "this way to compute attention is not supported";
    fields.only("scale_attn_weights", true, computes)?;
    fields.only("scale_attn_by_inverse_layer_idx", false, computes)?;
    fields.only("reorder_and_upcast_attn", false, computes)?;
    fields.only("add_cross_attention", false, "a decoder with an encoder beside it is not supported")?;
    let width = fields.size("n_embd")?;
    let hidden = fields.size_if("n_inner")?;
    let dropout = fields.rate_or("resid_pdrop", 0.1)?;
    for field in ["embd_pdrop", "attn_pdrop"] {
        let found = fields.rate_or(field, 0.1)?;
        if found != dropout {
            return Err(HubError::Unsupported { field, found: number(found).to_string(), hint: ONE_DROPOUT });
        }
    }
    let gpt = GptSpec {
        heads: fields.size("n_head")?,
        activation: activation_named(
            "activation_function",
            fields.word_if("activation_function")?.unwrap_or("gelu_new"),
        )?,
        norm_epsilon: fields.rate_or("layer_norm_epsilon", 1e-5)?,
    };
    Ok(ModelSpec {
        vocabulary: fields.size("vocab_size")?,
        context: fields.size("n_positions")?,
        width,
        layers: fields.size("n_layer")?,
        hidden: hidden.unwrap_or(width.saturating_mul(4)),
        init_std: fields.rate_or("initializer_range", 0.02)?,
        dropout,
        tied: fields.flag_or("tie_word_embeddings", true)?,
        architecture: Architecture::Gpt(gpt),
    })
}
