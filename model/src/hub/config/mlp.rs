//! The configuration of an MLP: no class of `transformers` computes it, so the members are our own (M-7.5).

use serde::Serialize;

use super::fields::Fields;
use super::{activation_name, activation_named, number};
use crate::hub::HubError;
use crate::spec::{Architecture, MlpSpec, ModelSpec};

#[derive(Serialize)]
struct Written {
    model_type: &'static str,
    vocab_size: u32,
    context: u32,
    width: u32,
    layers: u32,
    hidden: u32,
    activation: &'static str,
    dropout: f32,
    initializer_range: f32,
    tie_word_embeddings: bool,
}

pub(super) fn write(model: &ModelSpec, mlp: &MlpSpec) -> impl Serialize + use<> {
    Written {
        model_type: "retrace-mlp",
        vocab_size: model.vocabulary,
        context: model.context,
        width: model.width,
        layers: model.layers,
        hidden: model.hidden,
        activation: activation_name(mlp.activation),
        dropout: number(model.dropout),
        initializer_range: number(model.init_std),
        tie_word_embeddings: model.tied,
    }
}

pub(super) fn read(fields: &Fields) -> Result<ModelSpec, HubError> {
    let activation = fields.word_if("activation")?.ok_or(HubError::FieldMissing { field: "activation" })?;
    Ok(ModelSpec {
        vocabulary: fields.size("vocab_size")?,
        context: fields.size("context")?,
        width: fields.size("width")?,
        layers: fields.size("layers")?,
        hidden: fields.size("hidden")?,
        init_std: fields.rate_or("initializer_range", 0.02)?,
        dropout: fields.rate_or("dropout", 0.0)?,
        tied: fields.flag_or("tie_word_embeddings", false)?,
        architecture: Architecture::Mlp(MlpSpec { activation: activation_named("activation", activation)? }),
    })
}
