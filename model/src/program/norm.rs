//! Layer norm, forward and backward, in ops of at most three operands (M-3.5).

use super::builder::{Builder, Draft, PER_COLUMN, PER_ROW, Value, dense};
use super::linear::{Gradients, column_dot, column_sum};
use super::row::Range;
use crate::op::Kind;
use crate::schedule::{negated_reciprocal, reciprocal};
use crate::spec::F32Bits;

/// What a norm leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Norm {
    pub normalized: Value,
    pub reciprocal_std: Value,
    pub output: Value,
}

/// LayerNorm over rows of `x`; parameters are gain and bias.
pub(crate) fn layer_norm(
    b: &mut Builder,
    x: Value,
    [gain, bias]: [Value; 2],
    epsilon: F32Bits,
    [tokens, width]: [u32; 2],
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
            .scalars(&[reciprocal(width), epsilon.0]),
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

/// dx = rstd (dxhat - (mean dxhat + xhat mean(dxhat xhat))); sets the gradients of gain `at` and of the bias after it.
pub(crate) fn layer_norm_backward(
    b: &mut Builder,
    norm: &Norm,
    [gain, dy]: [Value; 2],
    [tokens, width]: [u32; 2],
    gradients: &mut Gradients,
    at: usize,
) -> Value {
    let (rows, full, d) = ([1, 1, tokens, 1], [1, 1, tokens, width], dense(width));
    let along = [0, 0, u64::from(width), 0];
    let dgain = column_dot(b, [dy, norm.normalized], tokens, width, gradients.start(at));
    gradients.put(at, dgain);
    let dbias = column_sum(b, dy, tokens, width, gradients.start(at + 1));
    gradients.put(at + 1, dbias);
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
    let operands = vec![free.view(d, 0), norm.reciprocal_std.view(PER_ROW, 0)];
    b.trace(Draft::new(Kind::Multiply, full, operands))
}
