//! Golden runs that are larger than a block of an engine in every dimension that it cuts, and cheap all the same
//! (M-4.9).

use super::golden::{bits, llama, mlp};
use crate::spec::{Architecture, LlamaSpec, ModelSpec, RunSpec};

/// An MLP whose head has more than 512 inputs and more outputs: forward and back, its products have more terms and more
/// columns than a block.
pub(super) fn wide() -> RunSpec {
    let spec = mlp();
    let model = ModelSpec { vocabulary: 530, hidden: 517, layers: 1, ..spec.model };
    RunSpec { model, batch: 29, accumulation: 1, ..spec }
}

/// A Llama with more than 512 positions, of little width: all of attention has more than a block, and so do the
/// gradients of the first matrices of its hidden layer, whose terms are the positions. Their number's square is a whole
/// number of parts, so that attention stays together while it is seen (M-8.5).
pub(super) fn long() -> RunSpec {
    let architecture = Architecture::Llama(LlamaSpec {
        heads: 1,
        key_value_heads: 1,
        rope_base: bits(10_000.0),
        norm_epsilon: bits(1e-6),
    });
    let spec = llama();
    let model = ModelSpec { context: 528, width: 16, layers: 1, hidden: 523, architecture, ..spec.model };
    RunSpec { model, batch: 1, accumulation: 1, ..spec }
}
