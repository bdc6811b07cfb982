//! A GPT: its parameters, by name and shape, in state order, and its two passes (M-4.4).

mod backward;
mod forward;

pub(super) use backward::backward;
pub(super) use forward::forward;

use super::builder::Value;
use super::table::ParameterShape;
use crate::spec::ModelSpec;

/// Parameters of one block, in state order: the builders index them by these positions.
pub(crate) const BLOCK_PARAMETERS: usize = 16;

/// All parameters of the model: two embeddings, the blocks, the last norm, the head where it has a table of its own.
pub(crate) fn parameters(model: &ModelSpec) -> Vec<ParameterShape> {
    let mut table = vec![
        ParameterShape::matrix("wte.weight".into(), model.vocabulary, model.width),
        ParameterShape::matrix("wpe.weight".into(), model.context, model.width),
    ];
    (0..model.layers).for_each(|layer| table.extend(block(model, layer)));
    table.push(ParameterShape::gain("ln_f.weight".into(), model.width));
    table.push(ParameterShape::bias("ln_f.bias".into(), model.width));
    if !model.tied {
        table.push(ParameterShape::matrix("lm_head.weight".into(), model.vocabulary, model.width));
    }
    table
}

fn block(model: &ModelSpec, layer: u32) -> Vec<ParameterShape> {
    let (width, hidden) = (model.width, model.hidden);
    let at = |part: &str| format!("h.{layer}.{part}");
    let mut block =
        vec![ParameterShape::gain(at("ln_1.weight"), width), ParameterShape::bias(at("ln_1.bias"), width)];
    for part in ["query", "key", "value"] {
        block.push(ParameterShape::matrix(at(&format!("attn.{part}.weight")), width, width));
        block.push(ParameterShape::bias(at(&format!("attn.{part}.bias")), width));
    }
    block.extend([
        ParameterShape::residual(at("attn.c_proj.weight"), width, width),
        ParameterShape::bias(at("attn.c_proj.bias"), width),
        ParameterShape::gain(at("ln_2.weight"), width),
        ParameterShape::bias(at("ln_2.bias"), width),
        ParameterShape::matrix(at("mlp.c_fc.weight"), width, hidden),
        ParameterShape::bias(at("mlp.c_fc.bias"), hidden),
        ParameterShape::residual(at("mlp.c_proj.weight"), hidden, width),
        ParameterShape::bias(at("mlp.c_proj.bias"), width),
    ]);
    block
}

/// First parameter of a block.
pub(crate) fn block_start(layer: usize) -> usize {
    2 + layer * BLOCK_PARAMETERS
}

/// Parameters of a block, in the order of the table.
pub(crate) fn block_parameters(p: &[Value], layer: usize) -> &[Value] {
    &p[block_start(layer)..block_start(layer) + BLOCK_PARAMETERS]
}

/// Position of the last norm's gain; its bias is the next.
pub(crate) fn last_norm(layers: usize) -> usize {
    block_start(layers)
}

/// Position of the table that the head multiplies with.
pub(crate) fn head(model: &ModelSpec) -> usize {
    if model.tied { 0 } else { last_norm(model.layers as usize) + 2 }
}
