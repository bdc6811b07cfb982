//! A Llama: its parameters, by name and shape, in state order, and its two passes (M-4.6).

mod backward;
mod forward;

pub(super) use backward::backward;
pub(super) use forward::forward;

use super::builder::{Builder, Value};
use super::grouped::Groups;
use super::rotary::Rotary;
use super::sizes::Sizes;
use super::table::ParameterShape;
use crate::spec::{LlamaSpec, ModelSpec};

/// Parameters of one block, in state order: the builders index them by these positions.
const BLOCK_PARAMETERS: usize = 9;

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

fn block(model: &ModelSpec, llama: &LlamaSpec, layer: u32) -> [ParameterShape; BLOCK_PARAMETERS] {
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

/// First parameter of a block.
fn block_start(layer: usize) -> usize {
    1 + layer * BLOCK_PARAMETERS
}

/// Parameters of a block, in the order of the table.
fn block_parameters(p: &[Value], layer: usize) -> &[Value] {
    &p[block_start(layer)..block_start(layer) + BLOCK_PARAMETERS]
}

/// Position of the last norm's gain.
fn last_norm(layers: usize) -> usize {
    block_start(layers)
}

/// Position of the table that the head multiplies with.
fn head(model: &ModelSpec) -> usize {
    if model.tied { 0 } else { last_norm(model.layers as usize) + 1 }
}

/// What every block's attention needs beside its parameters.
#[derive(Clone, Copy)]
struct Parts {
    rotary: Rotary,
    groups: Groups,
}

impl Parts {
    fn new(b: &mut Builder, s: &Sizes, llama: &LlamaSpec) -> Parts {
        let count = llama.key_value_heads;
        let groups = Groups { tokens: s.tokens, count, members: llama.heads / count, head: s.head };
        let rotary = Rotary::new(b, [s.tokens, s.model.context], s.head, llama.rope_base);
        Parts { rotary, groups }
    }
}
