//! Causal softmax attention between heads that each have a key and a value, forward and backward (M-3.7).

use super::builder::{Builder, Draft, Value};
use super::dropout::{Site, drop_again, drop_new};
use super::row::Range;
use super::sizes::Sizes;
use crate::op::Kind;

/// What attention leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Attention {
    pub query: Value,
    pub key: Value,
    pub value: Value,
    pub probability: Value,
    /// The probabilities that mix: after dropout, where there is any.
    pub dropped: Value,
    pub site: Option<Site>,
    pub mixed: Value,
}

/// 1 / sqrt(head width), as a binary32.
fn score_scale(s: &Sizes) -> u32 {
    crate::schedule::reciprocal_root(s.head)
}

/// Attention of (tokens, width) matrices.
pub(crate) fn attend(b: &mut Builder, s: &Sizes, [query, key, value]: [Value; 3]) -> Attention {
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
    let rows = [s.batch, s.heads, t, 1];
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
    let (dropped, site) = drop_new(b, s, probability, s.scores(), true);
    let mixed = mix(b, s, dropped, value, false);
    Attention { query, key, value, probability, dropped, site, mixed }
}

/// Gradients of query, key and value from the gradient of the mixed vectors.
pub(crate) fn attend_backward(b: &mut Builder, s: &Sizes, a: &Attention, mixed: Value) -> [Value; 3] {
    let scores = score_gradient(b, s, a, mixed);
    let query = mix(b, s, scores, a.key, false);
    let key = mix(b, s, scores, a.query, true);
    let value = mix(b, s, a.dropped, mixed, true);
    [query, key, value]
}

/// Sum over positions of weight times vector, to a (tokens, width) matrix indexed (sequence, position, head, lane).
/// Forward: weights(i, k) over k <= i. Transposed: weights(k, j) over k >= j.
fn mix(b: &mut Builder, s: &Sizes, weights: Value, vectors: Value, transposed: bool) -> Value {
    let (t, c) = (u64::from(s.model.context), u64::from(s.model.width));
    let [per_batch, per_head, per_query, per_key] = s.score_strides();
    let (position, term, range) =
        if transposed { (per_key, per_query, Range::From(1)) } else { (per_query, per_key, Range::UpTo(1)) };
    let a = weights.view([per_batch, position, per_head, 0], term);
    let v = vectors.view([t * c, 0, u64::from(s.head), 1], c);
    let shape = [s.batch, s.model.context, s.heads, s.head];
    b.trace(Draft::new(Kind::MatMul, shape, vec![a, v]).terms(s.model.context, range))
}

/// Gradient of the probabilities back to the scores.
fn score_gradient(b: &mut Builder, s: &Sizes, a: &Attention, mixed: Value) -> Value {
    let gradient = b.trace(
        Draft::new(
            Kind::MatMul,
            s.scores(),
            vec![mixed.view(s.head_strides(2), 1), a.value.view(s.head_strides(3), 1)],
        )
        .terms(s.head, Range::Full)
        .masked(),
    );
    let gradient = drop_again(b, s, gradient, a.site);
    let (dense, per_row) = (s.score_strides(), s.score_row_strides());
    let mut along = dense;
    along[3] = 0;
    let rows = [s.batch, s.heads, s.model.context, 1];
    let dot = b.trace(
        Draft::new(Kind::RowDot, rows, vec![gradient.view(along, 1), a.probability.view(along, 1)])
            .terms(s.model.context, Range::UpTo(2)),
    );
    b.trace(
        Draft::new(
            Kind::SoftmaxBackward,
            s.scores(),
            vec![a.probability.view(dense, 0), gradient.view(dense, 0), dot.view(per_row, 0)],
        )
        .scalars(&[score_scale(s)])
        .masked(),
    )
}
