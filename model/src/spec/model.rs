//! What a run trains: sizes that every architecture has, and what each has of its own (M-6.1).

use super::F32Bits;
use borsh::{BorshDeserialize, BorshSerialize};

/// A language model over token ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ModelSpec {
    /// Token ids; 256 for bytes.
    pub vocabulary: u32,
    /// Tokens that a position may see.
    pub context: u32,
    /// Width of the embedding, and of the residual stream where there is one.
    pub width: u32,
    /// Blocks, or hidden layers of an MLP.
    pub layers: u32,
    /// Width of a hidden layer.
    pub hidden: u32,
    /// Standard deviation of the initial weights.
    pub init_std: F32Bits,
    /// Probability that dropout zeroes an element; +0 for no dropout at all.
    pub dropout: F32Bits,
    /// True where the head reads the embedding table and has none of its own.
    pub tied: bool,
    /// The family, with its own sizes.
    pub architecture: Architecture,
}

/// The families of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Architecture {
    /// GPT-2's shape: learned positions, pre-norm blocks with biases.
    Gpt(GptSpec),
    /// Llama's shape: rotary positions, root-mean-square norms, a gated hidden layer, no biases.
    Llama(LlamaSpec),
    /// Bengio's feed-forward language model: one prediction a sequence, of the token after it.
    Mlp(MlpSpec),
}

/// A decoder-only transformer with learned positions and pre-norm blocks (GPT-2's shape).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GptSpec {
    /// Attention heads; divides the width.
    pub heads: u32,
    /// Non-linearity of the hidden layer.
    pub activation: Activation,
    /// Added to a norm's variance.
    pub norm_epsilon: F32Bits,
}

/// A decoder-only transformer with rotary positions and shared keys and values (Llama's shape).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LlamaSpec {
    /// Query heads; divides the width.
    pub heads: u32,
    /// Key and value heads; divides the query heads.
    pub key_value_heads: u32,
    /// Base of the rotary frequencies, at least 1.
    pub rope_base: F32Bits,
    /// Added to a norm's mean square.
    pub norm_epsilon: F32Bits,
}

/// A feed-forward language model over the embeddings of a whole context (Bengio et al. 2003).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MlpSpec {
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
}

/// A non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Activation {
    /// GELU by its tanh form.
    GeluTanh,
    /// GELU by the error function.
    GeluErf,
    /// x times its logistic function.
    Silu,
    /// The positive part.
    Relu,
}

impl GptSpec {
    /// GPT-2's own choices: the tanh form of GELU, and 1e-5 in its norms.
    pub const fn new(heads: u32) -> GptSpec {
        GptSpec { heads, activation: Activation::GeluTanh, norm_epsilon: F32Bits(0x3727_C5AC) }
    }
}

impl ModelSpec {
    /// Query heads of attention; none for a model without it.
    pub fn heads(&self) -> Option<u32> {
        match &self.architecture {
            Architecture::Gpt(gpt) => Some(gpt.heads),
            Architecture::Llama(llama) => Some(llama.heads),
            Architecture::Mlp(_) => None,
        }
    }

    /// Predictions that a sequence trains: one a position, or one in all.
    pub fn predictions(&self) -> u32 {
        match &self.architecture {
            Architecture::Gpt(_) | Architecture::Llama(_) => self.context,
            Architecture::Mlp(_) => 1,
        }
    }
}
