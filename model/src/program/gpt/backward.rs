//! Backward pass of a GPT: each op's own gradient rule, in reverse order (M-4.4).

use super::forward::{Block, Forward};
use super::{block_parameters, block_start, head, last_norm};
use crate::op::Kind;
use crate::program::activation::activate_backward;
use crate::program::attention::attend_backward;
use crate::program::builder::{Builder, Draft, Value, dense};
use crate::program::dropout::drop_again;
use crate::program::head::{cross_entropy_backward, table_input_gradient, tables_backward};
use crate::program::linear::{Gradients, add};
use crate::program::norm::layer_norm_backward;
use crate::program::row::Range;
use crate::program::sizes::Sizes;
use crate::spec::GptSpec;

/// Backward of one block; returns the gradient of its input and sets its parameters' gradients.
fn block(
    b: &mut Builder,
    s: &Sizes,
    gpt: &GptSpec,
    f: &Block,
    p: &[Value],
    dy: Value,
    gradients: &mut Gradients,
) -> Value {
    let (c, h, n) = (s.model.width, s.model.hidden, s.tokens);
    let full = [1, 1, n, c];
    let shrunk = drop_again(b, s, dy, f.hidden_site);
    let activated = gradients.linear(b, [f.activated, p[14], shrunk], [n, h, c], 14, None);
    let hidden = activate_backward(b, gpt.activation, [f.hidden, activated], [n, h]);
    let grown = gradients.linear(b, [f.second_norm.output, p[12], hidden], [n, c, h], 12, None);
    let second = layer_norm_backward(b, &f.second_norm, [p[10], grown], [n, c], gradients, 10);
    let middle = add(b, dy, second, full);
    let projected = drop_again(b, s, middle, f.attention_site);
    let mixed = gradients.linear(b, [f.attention.mixed, p[8], projected], [n, c, c], 8, None);
    let parts = attend_backward(b, s, &f.attention, mixed);
    let x = f.first_norm.output;
    let mut input = None;
    for (at, dy) in [2, 4, 6].into_iter().zip(parts) {
        input = Some(gradients.linear(b, [x, p[at], dy], [n, c, c], at, input));
    }
    let summed = input.unwrap_or(mixed);
    let first = layer_norm_backward(b, &f.first_norm, [p[0], summed], [n, c], gradients, 0);
    add(b, middle, first, full)
}

/// The gradient of every parameter, in table order, each from what the pass `before` left.
pub(crate) fn backward(
    b: &mut Builder,
    s: &Sizes,
    gpt: &GptSpec,
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
    let mut dy = layer_norm_backward(b, &f.last_norm, [p[norm], output], size, &mut gradients, norm);
    for (layer, kept) in f.blocks.iter().enumerate().rev() {
        b.scope(format!("backward/h.{layer}/"));
        gradients.block(block_start(layer));
        dy = block(b, s, gpt, kept, block_parameters(p, layer), dy, &mut gradients);
    }
    gradients.block(0);
    b.scope("backward/embedding/".into());
    let dy = drop_again(b, s, dy, f.embedding_site);
    tables_backward(b, s, [dy, logits, f.last_norm.output], head(&s.model), &mut gradients);
    positions(b, s, dy, &mut gradients);
    gradients.finish()
}

/// Positions sum over the batch.
fn positions(b: &mut Builder, s: &Sizes, dy: Value, gradients: &mut Gradients) {
    let (t, c) = (s.model.context, s.model.width);
    let per_sequence = u64::from(t) * u64::from(c);
    let places = Draft::new(Kind::ColumnSum, [1, 1, t, c], vec![dy.view(dense(c), per_sequence)])
        .terms(s.batch, Range::Full)
        .start_if(gradients.start(1).map(|before| before.view(dense(c), 0)));
    let places = b.trace(places);
    gradients.put(1, places);
}
