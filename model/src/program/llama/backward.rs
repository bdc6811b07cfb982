//! Backward pass of a Llama: each op's own gradient rule, in reverse order (M-4.6).

use super::forward::{Block, Forward, multiply};
use super::{Parts, block_parameters, block_start, head, last_norm};
use crate::program::activation::activate_backward;
use crate::program::attention::attend_backward;
use crate::program::builder::{Builder, Value};
use crate::program::head::{cross_entropy_backward, table_input_gradient, tables_backward};
use crate::program::linear::{Gradients, add};
use crate::program::rms_norm::rms_norm_backward;
use crate::program::sizes::Sizes;
use crate::spec::Activation;

/// The gated hidden layer; returns the gradient of the norm's output before it.
fn hidden(b: &mut Builder, s: &Sizes, f: &Block, p: &[Value], dy: Value, gradients: &mut Gradients) -> Value {
    let (c, h, n) = (s.model.width, s.model.hidden, s.tokens);
    let (shape, x) = ([1, 1, n, h], f.second_norm.output);
    let gated = gradients.project(b, [f.gated, p[8], dy], [n, h, c], 8, None);
    let activated = multiply(b, gated, f.up, shape);
    let up = multiply(b, gated, f.activated, shape);
    let gate = activate_backward(b, Activation::Silu, [f.gate, activated], [n, h]);
    let input = gradients.project(b, [x, p[6], gate], [n, c, h], 6, None);
    gradients.project(b, [x, p[7], up], [n, c, h], 7, Some(input))
}

/// Attention between the output projection and the norm before it; returns the gradient of the norm's output.
fn attention(
    b: &mut Builder,
    s: &Sizes,
    parts: &Parts,
    f: &Block,
    p: &[Value],
    mixed: Value,
    gradients: &mut Gradients,
) -> Value {
    let (c, n, shared) = (s.model.width, s.tokens, parts.groups.shared());
    let [query, key, value] = attend_backward(b, s, &f.attention, mixed);
    let key = parts.groups.collect(b, key);
    let value = parts.groups.collect(b, value);
    let query = parts.rotary.turn_back(b, query, s.heads);
    let key = parts.rotary.turn_back(b, key, parts.groups.count);
    let x = f.first_norm.output;
    let input = gradients.project(b, [x, p[1], query], [n, c, c], 1, None);
    let input = gradients.project(b, [x, p[2], key], [n, c, shared], 2, Some(input));
    gradients.project(b, [x, p[3], value], [n, c, shared], 3, Some(input))
}

/// Backward of one block; returns the gradient of its input and sets its parameters' gradients.
fn block(
    b: &mut Builder,
    s: &Sizes,
    parts: &Parts,
    f: &Block,
    p: &[Value],
    dy: Value,
    gradients: &mut Gradients,
) -> Value {
    let (c, n) = (s.model.width, s.tokens);
    let full = [1, 1, n, c];
    let grown = hidden(b, s, f, p, dy, gradients);
    let second = rms_norm_backward(b, &f.second_norm, [p[5], grown], [n, c], gradients, 5);
    let middle = add(b, dy, second, full);
    let mixed = gradients.project(b, [f.attention.mixed, p[4], middle], [n, c, c], 4, None);
    let summed = attention(b, s, parts, f, p, mixed, gradients);
    let first = rms_norm_backward(b, &f.first_norm, [p[0], summed], [n, c], gradients, 0);
    add(b, middle, first, full)
}

/// The gradient of every parameter, in table order, each from what the pass `before` left.
pub(crate) fn backward(
    b: &mut Builder,
    s: &Sizes,
    f: &Forward,
    p: &[Value],
    before: Option<&[Value]>,
) -> Vec<Value> {
    let mut gradients = Gradients::new(p.len(), before);
    b.scope("backward/head/".into());
    let logits = cross_entropy_backward(b, s, &f.loss);
    let output = table_input_gradient(b, s, logits, p[head(&s.model)]);
    let norm = last_norm(f.blocks.len());
    let size = [s.tokens, s.model.width];
    let mut dy = rms_norm_backward(b, &f.last_norm, [p[norm], output], size, &mut gradients, norm);
    for (layer, kept) in f.blocks.iter().enumerate().rev() {
        b.scope(format!("backward/layers.{layer}/"));
        gradients.block(block_start(layer));
        dy = block(b, s, &f.parts, kept, block_parameters(p, layer), dy, &mut gradients);
    }
    gradients.block(0);
    b.scope("backward/embedding/".into());
    tables_backward(b, s, [dy, logits, f.last_norm.output], head(&s.model), &mut gradients);
    gradients.finish()
}
