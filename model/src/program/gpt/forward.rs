//! Forward pass of a GPT, keeping every value that the backward pass reads (M-4.4).

use super::{block_parameters, head, last_norm};
use crate::op::Kind;
use crate::program::activation::activate;
use crate::program::attention::{Attention, attend};
use crate::program::builder::{Builder, Draft, Value, dense, dense_by};
use crate::program::dropout::{Site, drop_new};
use crate::program::head::{Loss, cross_entropy, look_up, table_logits};
use crate::program::linear::{add, linear};
use crate::program::norm::{Norm, layer_norm};
use crate::program::sizes::Sizes;
use crate::spec::GptSpec;

/// What a block leaves for its backward pass.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub first_norm: Norm,
    pub attention: Attention,
    pub attention_site: Option<Site>,
    pub second_norm: Norm,
    pub hidden: Value,
    pub activated: Value,
    pub hidden_site: Option<Site>,
    pub output: Value,
}

/// One pre-norm block.
fn block(b: &mut Builder, s: &Sizes, gpt: &GptSpec, x: Value, p: &[Value]) -> Block {
    let (c, f, n) = (s.model.width, s.model.hidden, s.tokens);
    let full = [1, 1, n, c];
    let first_norm = layer_norm(b, x, [p[0], p[1]], gpt.norm_epsilon, [n, c]);
    let heads = [2, 4, 6].map(|at| linear(b, first_norm.output, p[at], Some(p[at + 1]), [n, c, c]));
    let attention = attend(b, s, heads);
    let projected = linear(b, attention.mixed, p[8], Some(p[9]), [n, c, c]);
    let (projected, attention_site) = drop_new(b, s, projected, full, false);
    let middle = add(b, x, projected, full);
    let second_norm = layer_norm(b, middle, [p[10], p[11]], gpt.norm_epsilon, [n, c]);
    let hidden = linear(b, second_norm.output, p[12], Some(p[13]), [n, c, f]);
    let activated = activate(b, gpt.activation, hidden, [n, f]);
    let shrunk = linear(b, activated, p[14], Some(p[15]), [n, f, c]);
    let (shrunk, hidden_site) = drop_new(b, s, shrunk, full, false);
    let output = add(b, middle, shrunk, full);
    Block { first_norm, attention, attention_site, second_norm, hidden, activated, hidden_site, output }
}

/// What the whole forward pass leaves.
pub(crate) struct Forward {
    pub(super) embedding_site: Option<Site>,
    pub(super) blocks: Vec<Block>,
    pub(super) last_norm: Norm,
    /// The loss, for the pass after.
    pub loss: Loss,
}

/// Tokens to mean cross-entropy; `p` are all parameters in table order.
pub(crate) fn forward(b: &mut Builder, s: &Sizes, gpt: &GptSpec, p: &[Value]) -> Forward {
    b.scope("forward/embedding/".into());
    let (mut x, embedding_site) = embed(b, s, p);
    let mut blocks = Vec::new();
    for layer in 0..s.model.layers as usize {
        b.scope(format!("forward/h.{layer}/"));
        let block = block(b, s, gpt, x, block_parameters(p, layer));
        x = block.output;
        blocks.push(block);
    }
    b.scope("forward/head/".into());
    let norm = last_norm(blocks.len());
    let last_norm = layer_norm(b, x, [p[norm], p[norm + 1]], gpt.norm_epsilon, [s.tokens, s.model.width]);
    let logits = table_logits(b, s, last_norm.output, p[head(&s.model)]);
    let loss = cross_entropy(b, s, logits);
    Forward { embedding_site, blocks, last_norm, loss }
}

fn embed(b: &mut Builder, s: &Sizes, p: &[Value]) -> (Value, Option<Site>) {
    let shape = s.split(s.model.width);
    let looked = look_up(b, s, p[0]);
    let places = p[1].view(dense(s.model.width), 0);
    let strides = dense_by(s.model.context, s.model.width);
    let sum = b.trace(Draft::new(Kind::Add, shape, vec![looked.view(strides, 0), places]));
    drop_new(b, s, sum, shape, false)
}
