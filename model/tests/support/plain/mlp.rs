//! A feed-forward language model (Bengio et al. 2003), without the direct connections.

use super::{Matrix, activate, each, embed, linear, pairwise};
use retrace_model::{MlpSpec, ModelSpec};

/// Logits of the one token after the context; `masks` multiply the hidden layers where there are any.
pub fn logits(model: &ModelSpec, mlp: &MlpSpec, p: &[Vec<f64>], tokens: &[u32], masks: &Matrix) -> Matrix {
    let mut x = vec![embed(tokens, &p[0], model.width as usize).concat()];
    for (at, layer) in p[1..].chunks(2).take(model.layers as usize).enumerate() {
        x = each(&linear(&x, &layer[0], &layer[1]), |v| activate(mlp.activation, v));
        if let Some(mask) = masks.get(at) {
            x = pairwise(&x, &vec![mask.clone()], |v, scale| v * scale);
        }
    }
    linear(&x, &p[p.len() - 2], &p[p.len() - 1])
}
