//! Forward pass of the transformer, keeping every value that the backward pass reads (M-4.4).

use super::builder::{Builder, Draft, PER_COLUMN, PER_ROW, Value, dense};
use super::row::Range;
use crate::op::Kind;
use crate::spec::{GptSpec, RunSpec};

/// binary32 bits of the numbers that programs use, derived by integers alone.
pub(crate) use crate::schedule::{negated_reciprocal, reciprocal};

/// epsilon of LayerNorm, 1e-5.
const NORM_EPSILON: u32 = 0x3727_C5AC;

/// Sizes that every builder needs.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub model: GptSpec,
    pub batch: u32,
    /// Tokens of the step: batch times context.
    pub tokens: u32,
    /// Width of one head.
    pub head: u32,
}

impl Sizes {
    pub fn new(spec: &RunSpec, batch: u32) -> Sizes {
        let model = spec.model;
        Sizes { model, batch, tokens: batch * model.context, head: model.width / model.heads }
    }

    /// Shape of attention scores: batch, head, query, key.
    pub fn scores(&self) -> [u32; 4] {
        [self.batch, self.model.heads, self.model.context, self.model.context]
    }

    /// Strides of scores indexed (batch, head, query, key).
    pub fn score_strides(&self) -> [u64; 4] {
        let (h, t) = (u64::from(self.model.heads), u64::from(self.model.context));
        [h * t * t, t * t, t, 1]
    }

    /// Strides of one value a score row.
    pub fn score_row_strides(&self) -> [u64; 4] {
        let (h, t) = (u64::from(self.model.heads), u64::from(self.model.context));
        [h * t, t, 1, 0]
    }

    /// Strides of a (tokens, width) matrix indexed (batch, head, position, any), position in dimension `at`.
    pub fn head_strides(&self, at: usize) -> [u64; 4] {
        let (t, c) = (u64::from(self.model.context), u64::from(self.model.width));
        let mut strides = [t * c, u64::from(self.head), 0, 0];
        strides[at] = c;
        strides
    }
}

/// What a norm leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Norm {
    pub normalized: Value,
    pub reciprocal_std: Value,
    pub output: Value,
}

/// LayerNorm over rows of `x` (M-3.5).
pub(crate) fn layer_norm(
    b: &mut Builder,
    x: Value,
    gain: Value,
    bias: Value,
    tokens: u32,
    width: u32,
) -> Norm {
    let (rows, full) = ([1, 1, tokens, 1], [1, 1, tokens, width]);
    let d = dense(width);
    let along = [0, 0, u64::from(width), 0];
    let sum = b.trace(Draft::new(Kind::RowSum, rows, vec![x.view(along, 1)]).terms(width, Range::Full));
    let centered = b.trace(
        Draft::new(Kind::AddScaled, full, vec![x.view(d, 0), sum.view(PER_ROW, 0)])
            .scalars(&[negated_reciprocal(width)]),
    );
    let squares = b.trace(
        Draft::new(Kind::RowDot, rows, vec![centered.view(along, 1), centered.view(along, 1)])
            .terms(width, Range::Full),
    );
    let reciprocal_std = b.trace(
        Draft::new(Kind::ReciprocalStd, rows, vec![squares.view([0, 0, 1, 0], 0)])
            .scalars(&[reciprocal(width), NORM_EPSILON]),
    );
    let normalized =
        b.trace(Draft::new(Kind::Multiply, full, vec![centered.view(d, 0), reciprocal_std.view(PER_ROW, 0)]));
    let output = b.trace(Draft::new(
        Kind::Affine,
        full,
        vec![normalized.view(d, 0), gain.view(PER_COLUMN, 0), bias.view(PER_COLUMN, 0)],
    ));
    Norm { normalized, reciprocal_std, output }
}

/// x W + bias, the bias being the chain's start value.
pub(crate) fn linear(b: &mut Builder, x: Value, weight: Value, bias: Value, size: [u32; 3]) -> Value {
    let [tokens, inputs, outputs] = size;
    let a = x.view([0, 0, u64::from(inputs), 0], 1);
    let w = weight.view(PER_COLUMN, u64::from(outputs));
    b.trace(
        Draft::new(Kind::MatMul, [1, 1, tokens, outputs], vec![a, w])
            .terms(inputs, Range::Full)
            .start(bias.view(PER_COLUMN, 0)),
    )
}

/// What attention leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Attention {
    pub query: Value,
    pub key: Value,
    pub value: Value,
    pub probability: Value,
    pub mixed: Value,
}

/// 1 / sqrt(head width), as a binary32.
pub(crate) fn score_scale(s: &Sizes) -> u32 {
    crate::schedule::reciprocal_root(s.head)
}

/// Causal self-attention over `x`; parameters `p` are the block's.
pub(crate) fn attention(b: &mut Builder, s: &Sizes, x: Value, p: &[Value]) -> Attention {
    let size = [s.tokens, s.model.width, s.model.width];
    let query = linear(b, x, p[2], p[3], size);
    let key = linear(b, x, p[4], p[5], size);
    let value = linear(b, x, p[6], p[7], size);
    attend(b, s, query, key, value)
}

/// Causal softmax attention of (tokens, width) matrices, every head with a key and a value of its own (M-3.7).
pub(crate) fn attend(b: &mut Builder, s: &Sizes, query: Value, key: Value, value: Value) -> Attention {
    let t = s.model.context;
    let scores = b.trace(
        Draft::new(
            Kind::MatMul,
            s.scores(),
            vec![query.view(s.head_strides(2), 1), key.view(s.head_strides(3), 1)],
        )
        .terms(s.head, Range::Full)
        .masked(),
    );
    let rows = [s.batch, s.model.heads, t, 1];
    let mut along = s.score_strides();
    along[3] = 0;
    let top = b.trace(Draft::new(Kind::RowMax, rows, vec![scores.view(along, 1)]).terms(t, Range::UpTo(2)));
    let exponential = b.trace(
        Draft::new(
            Kind::SoftmaxExp,
            s.scores(),
            vec![scores.view(s.score_strides(), 0), top.view(s.score_row_strides(), 0)],
        )
        .scalars(&[score_scale(s)])
        .masked(),
    );
    let sum =
        b.trace(Draft::new(Kind::RowSum, rows, vec![exponential.view(along, 1)]).terms(t, Range::UpTo(2)));
    let probability = b.trace(
        Draft::new(
            Kind::Divide,
            s.scores(),
            vec![exponential.view(s.score_strides(), 0), sum.view(s.score_row_strides(), 0)],
        )
        .masked(),
    );
    let mixed = mix(b, s, probability, value, false);
    Attention { query, key, value, probability, mixed }
}

/// Sum over positions of weight times vector, to a (tokens, width) matrix indexed (batch, position, head, lane).
/// Forward: weights(i, k) over k <= i. Transposed: weights(k, j) over k >= j.
pub(crate) fn mix(b: &mut Builder, s: &Sizes, weights: Value, vectors: Value, transposed: bool) -> Value {
    let (t, c) = (u64::from(s.model.context), u64::from(s.model.width));
    let [per_batch, per_head, per_query, per_key] = s.score_strides();
    let (position, term, range) =
        if transposed { (per_key, per_query, Range::From(1)) } else { (per_query, per_key, Range::UpTo(1)) };
    let a = weights.view([per_batch, position, per_head, 0], term);
    let v = vectors.view([t * c, 0, u64::from(s.head), 1], c);
    let shape = [s.batch, s.model.context, s.model.heads, s.head];
    b.trace(Draft::new(Kind::MatMul, shape, vec![a, v]).terms(s.model.context, range))
}

/// What a block leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub first_norm: Norm,
    pub attention: Attention,
    pub second_norm: Norm,
    pub hidden: Value,
    pub activated: Value,
    pub output: Value,
}

/// One pre-norm block.
pub(crate) fn block(b: &mut Builder, s: &Sizes, x: Value, p: &[Value]) -> Block {
    let (c, f, n) = (s.model.width, s.model.hidden, s.tokens);
    let first_norm = layer_norm(b, x, p[0], p[1], n, c);
    let attention = attention(b, s, first_norm.output, p);
    let projected = linear(b, attention.mixed, p[8], p[9], [n, c, c]);
    let middle = add(b, x, projected, [1, 1, n, c]);
    let second_norm = layer_norm(b, middle, p[10], p[11], n, c);
    let hidden = linear(b, second_norm.output, p[12], p[13], [n, c, f]);
    let activated = b.trace(Draft::new(Kind::Gelu, [1, 1, n, f], vec![hidden.view(dense(f), 0)]));
    let shrunk = linear(b, activated, p[14], p[15], [n, f, c]);
    let output = add(b, middle, shrunk, [1, 1, n, c]);
    Block { first_norm, attention, second_norm, hidden, activated, output }
}

/// a + b, dense.
pub(crate) fn add(b: &mut Builder, left: Value, right: Value, shape: [u32; 4]) -> Value {
    let d = dense(shape[3]);
    b.trace(Draft::new(Kind::Add, shape, vec![left.view(d, 0), right.view(d, 0)]))
}

/// What the whole forward pass leaves.
pub(crate) struct Forward {
    pub batch: Value,
    pub blocks: Vec<Block>,
    pub last_norm: Norm,
    pub exponential: Value,
    pub exponential_sum: Value,
}

/// Tokens to mean cross-entropy; `p` are all parameters in table order.
pub(crate) fn forward(b: &mut Builder, s: &Sizes, p: &[Value]) -> Forward {
    b.scope("forward/embedding/".into());
    let batch = gather(b, s);
    let embedded = embed(b, s, batch, p);
    let mut x = embedded;
    let mut blocks = Vec::new();
    for layer in 0..s.model.layers as usize {
        b.scope(format!("forward/h.{layer}/"));
        let block = block(b, s, x, super::step::block_parameters(p, layer));
        x = block.output;
        blocks.push(block);
    }
    b.scope("forward/head/".into());
    let [gain, bias] = [p[p.len() - 2], p[p.len() - 1]];
    let last_norm = layer_norm(b, x, gain, bias, s.tokens, s.model.width);
    let (exponential, exponential_sum) = cross_entropy(b, s, last_norm.output, p[0], batch);
    Forward { batch, blocks, last_norm, exponential, exponential_sum }
}

/// The batch: context + 1 tokens a sequence, targets being the tokens one later.
fn gather(b: &mut Builder, s: &Sizes) -> Value {
    let span = s.model.context + 1;
    let shape: [u32; 4] = [1, 1, s.batch, span];
    let tokens = Value { leaf: super::Leaf::Tokens, length: u64::from(s.batch) * u64::from(span) };
    b.batch(Draft::new(Kind::Tokens, shape, vec![tokens.view(dense(span), 0)]))
}

/// Ids as seen from an index (0, batch, position, any): `later` is 0 for inputs and 1 for targets.
pub(crate) fn ids(s: &Sizes, batch: Value, later: u64) -> super::Operand {
    batch.view([0, u64::from(s.model.context) + 1, 1, 0], 0).from(later)
}

/// Shape (1, batch, context, width): rows split so that ids and positions are plain strides.
pub(crate) fn split(s: &Sizes, columns: u32) -> [u32; 4] {
    [1, s.batch, s.model.context, columns]
}

/// Dense strides for [`split`].
pub(crate) fn split_dense(s: &Sizes, columns: u32) -> [u64; 4] {
    let c = u64::from(columns);
    [0, u64::from(s.model.context) * c, c, 1]
}

fn embed(b: &mut Builder, s: &Sizes, batch: Value, p: &[Value]) -> Value {
    let c = s.model.width;
    let table = p[0].view(PER_COLUMN, 0).by(0, u64::from(c), s.model.vocabulary);
    let looked = b.trace(Draft::new(Kind::Embedding, split(s, c), vec![ids(s, batch, 0), table]));
    let places = p[1].view(dense(c), 0);
    b.trace(Draft::new(Kind::Add, split(s, c), vec![looked.view(split_dense(s, c), 0), places]))
}

/// Logits against the tied table, softmax pieces and the mean loss.
fn cross_entropy(b: &mut Builder, s: &Sizes, x: Value, table: Value, batch: Value) -> (Value, Value) {
    let (n, c, v) = (s.tokens, s.model.width, s.model.vocabulary);
    let (wide, rows) = (dense(v), [1, 1, n, 1]);
    let along = [0, 0, u64::from(v), 0];
    let a = x.view([0, 0, u64::from(c), 0], 1);
    let w = table.view([0, 0, 0, u64::from(c)], 1);
    let logits = b.trace(Draft::new(Kind::MatMul, [1, 1, n, v], vec![a, w]).terms(c, Range::Full));
    let top = b.trace(Draft::new(Kind::RowMax, rows, vec![logits.view(along, 1)]).terms(v, Range::Full));
    let exponential = b.trace(
        Draft::new(Kind::SoftmaxExp, [1, 1, n, v], vec![logits.view(wide, 0), top.view(PER_ROW, 0)])
            .scalars(&[0x3F80_0000]),
    );
    let sum = b.trace(Draft::new(Kind::RowSum, rows, vec![exponential.view(along, 1)]).terms(v, Range::Full));
    let t = u64::from(s.model.context);
    let chosen = logits.view([0, t * u64::from(v), u64::from(v), 0], 0).by(0, 1, v);
    let picked = b.trace(Draft::new(
        Kind::PickedLogit,
        split(s, 1),
        vec![ids(s, batch, 1), chosen, top.view([0, t, 1, 0], 0)],
    ));
    let losses = b.trace(Draft::new(
        Kind::CrossEntropy,
        split(s, 1),
        vec![sum.view([0, t, 1, 0], 0), picked.view([0, t, 1, 0], 0), ids(s, batch, 1)],
    ));
    let total =
        b.trace(Draft::new(Kind::ColumnSum, [1; 4], vec![losses.view([0; 4], 1)]).terms(n, Range::Full));
    b.loss(Draft::new(Kind::Scale, [1; 4], vec![total.everywhere()]).scalars(&[reciprocal(n)]));
    (exponential, sum)
}

/// Every row is one that [`Row::check`] accepts: builders are tested with it.
#[cfg(test)]
pub(crate) fn assert_rows(rows: &[super::Row]) {
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.check(), Ok(()), "row {at}: {row:?}");
    }
}
