//! Backward pass: each op's own gradient rule, in reverse order (M-4.4).

use super::builder::{Builder, Draft, PER_COLUMN, PER_ROW, Value, dense};
use super::forward::{
    Attention, Block, Forward, Norm, Sizes, add, ids, mix, negated_reciprocal, reciprocal, score_scale,
    split, split_dense,
};
use super::row::Range;
use crate::op::Kind;

/// Gradients of a linear layer's input, weight and bias.
struct LinearGradient {
    input: Value,
    weight: Value,
    bias: Value,
}

/// dx = start + dy W^T, dW = x^T dy, db = column sum of dy.
fn linear(
    b: &mut Builder,
    x: Value,
    weight: Value,
    dy: Value,
    size: [u32; 3],
    start: Option<Value>,
) -> LinearGradient {
    let [tokens, inputs, outputs] = size;
    let (i, o) = (u64::from(inputs), u64::from(outputs));
    let mut draft = Draft::new(
        Kind::MatMul,
        [1, 1, tokens, inputs],
        vec![dy.view([0, 0, o, 0], 1), weight.view([0, 0, 0, o], 1)],
    )
    .terms(outputs, Range::Full);
    if let Some(start) = start {
        draft = draft.start(start.view(dense(inputs), 0));
    }
    let input = b.trace(draft);
    let weight = b.trace(
        Draft::new(
            Kind::MatMul,
            [1, 1, inputs, outputs],
            vec![x.view([0, 0, 1, 0], i), dy.view(PER_COLUMN, o)],
        )
        .terms(tokens, Range::Full),
    );
    LinearGradient { input, weight, bias: column_sum(b, dy, tokens, outputs) }
}

pub(crate) fn column_sum(b: &mut Builder, dy: Value, tokens: u32, columns: u32) -> Value {
    let shape = [1, 1, 1, columns];
    b.trace(
        Draft::new(Kind::ColumnSum, shape, vec![dy.view(PER_COLUMN, u64::from(columns))])
            .terms(tokens, Range::Full),
    )
}

/// Gradients of a norm's input, gain and bias.
struct NormGradient {
    input: Value,
    gain: Value,
    bias: Value,
}

/// dx = rstd (dxhat - (mean dxhat + xhat mean(dxhat xhat))), in ops of at most three operands.
fn layer_norm(b: &mut Builder, norm: &Norm, gain: Value, dy: Value, tokens: u32, width: u32) -> NormGradient {
    let (rows, full, d) = ([1, 1, tokens, 1], [1, 1, tokens, width], dense(width));
    let along = [0, 0, u64::from(width), 0];
    let down = |v: Value| v.view(PER_COLUMN, u64::from(width));
    let gain_gradient = b.trace(
        Draft::new(Kind::ColumnDot, [1, 1, 1, width], vec![down(dy), down(norm.normalized)])
            .terms(tokens, Range::Full),
    );
    let bias = column_sum(b, dy, tokens, width);
    let scaled = b.trace(Draft::new(Kind::Multiply, full, vec![dy.view(d, 0), gain.view(PER_COLUMN, 0)]));
    let sum = b.trace(Draft::new(Kind::RowSum, rows, vec![scaled.view(along, 1)]).terms(width, Range::Full));
    let dot = b.trace(
        Draft::new(Kind::RowDot, rows, vec![scaled.view(along, 1), norm.normalized.view(along, 1)])
            .terms(width, Range::Full),
    );
    let drift = b.trace(Draft::new(
        Kind::Affine,
        full,
        vec![norm.normalized.view(d, 0), dot.view(PER_ROW, 0), sum.view(PER_ROW, 0)],
    ));
    let free = b.trace(
        Draft::new(Kind::AddScaled, full, vec![scaled.view(d, 0), drift.view(d, 0)])
            .scalars(&[negated_reciprocal(width)]),
    );
    let input = b.trace(Draft::new(
        Kind::Multiply,
        full,
        vec![free.view(d, 0), norm.reciprocal_std.view(PER_ROW, 0)],
    ));
    NormGradient { input, gain: gain_gradient, bias }
}

/// Gradient of attention's probabilities back to scores (M-3.7).
pub(crate) fn score_gradient(b: &mut Builder, s: &Sizes, a: &Attention, mixed: Value) -> Value {
    let probability_gradient = b.trace(
        Draft::new(
            Kind::MatMul,
            s.scores(),
            vec![mixed.view(s.head_strides(2), 1), a.value.view(s.head_strides(3), 1)],
        )
        .terms(s.head, Range::Full)
        .masked(),
    );
    let (dense, per_row) = (s.score_strides(), s.score_row_strides());
    let mut along = dense;
    along[3] = 0;
    let rows = [s.batch, s.model.heads, s.model.context, 1];
    let dot = b.trace(
        Draft::new(
            Kind::RowDot,
            rows,
            vec![probability_gradient.view(along, 1), a.probability.view(along, 1)],
        )
        .terms(s.model.context, Range::UpTo(2)),
    );
    b.trace(
        Draft::new(
            Kind::SoftmaxBackward,
            s.scores(),
            vec![a.probability.view(dense, 0), probability_gradient.view(dense, 0), dot.view(per_row, 0)],
        )
        .scalars(&[score_scale(s)])
        .masked(),
    )
}

/// Backward of one block; returns the gradient of its input and writes its parameters' gradients.
fn block(
    b: &mut Builder,
    s: &Sizes,
    f: &Block,
    p: &[Value],
    dy: Value,
    gradients: &mut [Option<Value>],
) -> Value {
    let (c, h, n) = (s.model.width, s.model.hidden, s.tokens);
    let mut put = |at: usize, value: Value| gradients[at] = Some(value);
    let shrink = linear(b, f.activated, p[14], dy, [n, h, c], None);
    put(14, shrink.weight);
    put(15, shrink.bias);
    let hidden = b.trace(Draft::new(
        Kind::GeluBackward,
        [1, 1, n, h],
        vec![f.hidden.view(dense(h), 0), shrink.input.view(dense(h), 0)],
    ));
    let grow = linear(b, f.second_norm.output, p[12], hidden, [n, c, h], None);
    put(12, grow.weight);
    put(13, grow.bias);
    let second = layer_norm(b, &f.second_norm, p[10], grow.input, n, c);
    put(10, second.gain);
    put(11, second.bias);
    let middle = add(b, dy, second.input, [1, 1, n, c]);
    let a = &f.attention;
    let project = linear(b, a.mixed, p[8], middle, [n, c, c], None);
    put(8, project.weight);
    put(9, project.bias);
    let scores = score_gradient(b, s, a, project.input);
    let query = mix(b, s, scores, a.key, false);
    let key = mix(b, s, scores, a.query, true);
    let value = mix(b, s, a.probability, project.input, true);
    let x = f.first_norm.output;
    let dq = linear(b, x, p[2], query, [n, c, c], None);
    let dk = linear(b, x, p[4], key, [n, c, c], Some(dq.input));
    let dv = linear(b, x, p[6], value, [n, c, c], Some(dk.input));
    for (at, part) in [(2, &dq), (4, &dk), (6, &dv)] {
        put(at, part.weight);
        put(at + 1, part.bias);
    }
    let first = layer_norm(b, &f.first_norm, p[0], dv.input, n, c);
    put(0, first.gain);
    put(1, first.bias);
    add(b, middle, first.input, [1, 1, n, c])
}

/// The gradient of every parameter, in table order.
pub(crate) fn backward(b: &mut Builder, s: &Sizes, f: &Forward, p: &[Value]) -> Vec<Value> {
    let mut gradients = vec![None; p.len()];
    let (c, n) = (s.model.width, s.tokens);
    b.scope("backward/head/".into());
    let logits = logits(b, s, f);
    let x = f.last_norm.output;
    let input = b.trace(
        Draft::new(
            Kind::MatMul,
            [1, 1, n, c],
            vec![
                logits.view([0, 0, u64::from(s.model.vocabulary), 0], 1),
                p[0].view(PER_COLUMN, u64::from(c)),
            ],
        )
        .terms(s.model.vocabulary, Range::Full),
    );
    let last = p.len() - 2;
    let norm = layer_norm(b, &f.last_norm, p[last], input, n, c);
    gradients[last] = Some(norm.gain);
    gradients[last + 1] = Some(norm.bias);
    let mut dy = norm.input;
    for layer in (0..f.blocks.len()).rev() {
        b.scope(format!("backward/h.{layer}/"));
        let first = super::step::block_start(layer);
        let slots = &mut gradients[first..first + super::table::BLOCK_PARAMETERS];
        dy = block(b, s, &f.blocks[layer], super::step::block_parameters(p, layer), dy, slots);
    }
    b.scope("backward/embedding/".into());
    embeddings(b, s, f, dy, logits, x, &mut gradients);
    gradients.into_iter().flatten().collect()
}

fn logits(b: &mut Builder, s: &Sizes, f: &Forward) -> Value {
    let v = s.model.vocabulary;
    let t = u64::from(s.model.context);
    b.trace(
        Draft::new(
            Kind::CrossEntropyBackward,
            split(s, v),
            vec![
                f.exponential.view(split_dense(s, v), 0),
                f.exponential_sum.view([0, t, 1, 0], 0),
                ids(s, f.batch, 1),
            ],
        )
        .scalars(&[reciprocal(s.tokens)]),
    )
}

/// The tied table collects its tokens' gradients, then, in the same chain, the head's; positions sum over the batch.
fn embeddings(
    b: &mut Builder,
    s: &Sizes,
    f: &Forward,
    dy: Value,
    logits: Value,
    x: Value,
    gradients: &mut [Option<Value>],
) {
    let (c, v, t) = (u64::from(s.model.width), s.model.vocabulary, u64::from(s.model.context));
    let shape = [1, 1, v, s.model.width];
    let mut scattered = None;
    // One chain a sequence, so that a term's place in the batch is a plain stride; each starts where the last ended.
    for sequence in 0..u64::from(s.batch) {
        let id = f.batch.view([0; 4], 1).from(sequence * (t + 1));
        let gradient = dy.view([0, 0, 0, 1], c).from(sequence * t * c);
        let mut draft = Draft::new(Kind::EmbeddingBackward, shape, vec![id, gradient])
            .terms(s.model.context, Range::Full);
        if let Some(before) = scattered {
            draft = draft.start(Value::view(before, dense(s.model.width), 0));
        }
        scattered = Some(b.trace(draft));
    }
    let mut head = Draft::new(
        Kind::MatMul,
        shape,
        vec![logits.view([0, 0, 1, 0], u64::from(v)), x.view([0, 0, 0, 1], c)],
    )
    .terms(s.tokens, Range::Full);
    if let Some(before) = scattered {
        head = head.start(before.view(dense(s.model.width), 0));
    }
    gradients[0] = Some(b.trace(head));
    gradients[1] = Some(
        b.trace(
            Draft::new(
                Kind::ColumnSum,
                [1, 1, s.model.context, s.model.width],
                vec![dy.view(dense(s.model.width), t * c)],
            )
            .terms(s.batch, Range::Full),
        ),
    );
}
