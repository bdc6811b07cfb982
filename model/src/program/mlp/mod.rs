//! An MLP language model: its parameters, by name and shape, in state order, and its two passes (M-4.7).

mod passes;

pub(super) use passes::{backward, forward};

use super::table::ParameterShape;
use crate::spec::ModelSpec;

/// All parameters of the model: the embedding, the hidden layers, the head.
pub(crate) fn parameters(model: &ModelSpec) -> Vec<ParameterShape> {
    let mut table = vec![ParameterShape::matrix("wte.weight".into(), model.vocabulary, model.width)];
    let mut inputs = model.context * model.width;
    for layer in 0..model.layers {
        table.push(ParameterShape::matrix(format!("layers.{layer}.weight"), inputs, model.hidden));
        table.push(ParameterShape::bias(format!("layers.{layer}.bias"), model.hidden));
        inputs = model.hidden;
    }
    table.push(ParameterShape::matrix("head.weight".into(), inputs, model.vocabulary));
    table.push(ParameterShape::bias("head.bias".into(), model.vocabulary));
    table
}
