//! Forward pass of a Llama, keeping every value that the backward pass reads (M-4.6).

use super::{Parts, block_parameters, head, last_norm};
use crate::op::Kind;
use crate::program::activation::activate;
use crate::program::attention::{Attention, attend};
use crate::program::builder::{Builder, Draft, Value, dense};
use crate::program::head::{Loss, cross_entropy, look_up, table_logits};
use crate::program::linear::{add, linear};
use crate::program::rms_norm::{RmsNorm, rms_norm};
use crate::program::sizes::Sizes;
use crate::spec::{Activation, LlamaSpec};

/// What a block leaves for its backward pass.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub first_norm: RmsNorm,
    pub attention: Attention,
    pub second_norm: RmsNorm,
    pub gate: Value,
    pub up: Value,
    pub activated: Value,
    pub gated: Value,
    pub output: Value,
}

/// Attention over `x`: queries and keys are turned before a group's heads share them.
fn attention(b: &mut Builder, s: &Sizes, parts: &Parts, x: Value, p: &[Value]) -> Attention {
    let (c, n, shared) = (s.model.width, s.tokens, parts.groups.shared());
    let query = linear(b, x, p[1], None, [n, c, c]);
    let key = linear(b, x, p[2], None, [n, c, shared]);
    let value = linear(b, x, p[3], None, [n, c, shared]);
    let query = parts.rotary.turn(b, query, s.heads);
    let key = parts.rotary.turn(b, key, parts.groups.count);
    let key = parts.groups.expand(b, key);
    let value = parts.groups.expand(b, value);
    attend(b, s, [query, key, value])
}

/// a b, dense.
pub(super) fn multiply(b: &mut Builder, left: Value, right: Value, shape: [u32; 4]) -> Value {
    let d = dense(shape[3]);
    b.trace(Draft::new(Kind::Multiply, shape, vec![left.view(d, 0), right.view(d, 0)]))
}

/// One pre-norm block.
fn block(b: &mut Builder, s: &Sizes, llama: &LlamaSpec, parts: &Parts, x: Value, p: &[Value]) -> Block {
    let (c, f, n) = (s.model.width, s.model.hidden, s.tokens);
    let full = [1, 1, n, c];
    let first_norm = rms_norm(b, x, p[0], llama.norm_epsilon, [n, c]);
    let attention = attention(b, s, parts, first_norm.output, p);
    let projected = linear(b, attention.mixed, p[4], None, [n, c, c]);
    let middle = add(b, x, projected, full);
    let second_norm = rms_norm(b, middle, p[5], llama.norm_epsilon, [n, c]);
    let gate = linear(b, second_norm.output, p[6], None, [n, c, f]);
    let up = linear(b, second_norm.output, p[7], None, [n, c, f]);
    let activated = activate(b, Activation::Silu, gate, [n, f]);
    let gated = multiply(b, activated, up, [1, 1, n, f]);
    let shrunk = linear(b, gated, p[8], None, [n, f, c]);
    let output = add(b, middle, shrunk, full);
    Block { first_norm, attention, second_norm, gate, up, activated, gated, output }
}

/// What the whole forward pass leaves.
pub(crate) struct Forward {
    pub(super) parts: Parts,
    pub(super) blocks: Vec<Block>,
    pub(super) last_norm: RmsNorm,
    /// The loss, for the pass after.
    pub loss: Loss,
}

/// Tokens to mean cross-entropy; `p` are all parameters in table order.
pub(crate) fn forward(b: &mut Builder, s: &Sizes, llama: &LlamaSpec, p: &[Value]) -> Forward {
    b.scope("forward/embedding/".into());
    let parts = Parts::new(b, s, llama);
    let mut x = look_up(b, s, p[0]);
    let mut blocks = Vec::new();
    for layer in 0..s.model.layers as usize {
        b.scope(format!("forward/layers.{layer}/"));
        let block = block(b, s, llama, &parts, x, block_parameters(p, layer));
        x = block.output;
        blocks.push(block);
    }
    b.scope("forward/head/".into());
    let gain = p[last_norm(blocks.len())];
    let last_norm = rms_norm(b, x, gain, llama.norm_epsilon, [s.tokens, s.model.width]);
    let logits = table_logits(b, s, last_norm.output, p[head(&s.model)]);
    let loss = cross_entropy(b, s, logits);
    Forward { parts, blocks, last_norm, loss }
}
