//! The parameters of a Llama, by name and shape, in state order (M-4.6).

use super::table::ParameterShape;
use crate::spec::{LlamaSpec, ModelSpec};

/// All parameters of the model: the embedding, the blocks, the last norm, the head where it has a table of its own.
pub(crate) fn parameters(model: &ModelSpec, llama: &LlamaSpec) -> Vec<ParameterShape> {
    let mut table = vec![ParameterShape::matrix("embed_tokens.weight".into(), model.vocabulary, model.width)];
    (0..model.layers).for_each(|layer| table.extend(block(model, llama, layer)));
    table.push(ParameterShape::gain("norm.weight".into(), model.width));
    if !model.tied {
        table.push(ParameterShape::matrix("lm_head.weight".into(), model.vocabulary, model.width));
    }
    table
}

fn block(model: &ModelSpec, llama: &LlamaSpec, layer: u32) -> [ParameterShape; 9] {
    let (width, hidden) = (model.width, model.hidden);
    let shared = llama.key_value_heads * (width / llama.heads);
    let at = |part: &str| format!("layers.{layer}.{part}.weight");
    [
        ParameterShape::gain(at("input_layernorm"), width),
        ParameterShape::matrix(at("self_attn.q_proj"), width, width),
        ParameterShape::matrix(at("self_attn.k_proj"), width, shared),
        ParameterShape::matrix(at("self_attn.v_proj"), width, shared),
        ParameterShape::residual(at("self_attn.o_proj"), width, width),
        ParameterShape::gain(at("post_attention_layernorm"), width),
        ParameterShape::matrix(at("mlp.gate_proj"), width, hidden),
        ParameterShape::matrix(at("mlp.up_proj"), width, hidden),
        ParameterShape::residual(at("mlp.down_proj"), hidden, width),
    ]
}
