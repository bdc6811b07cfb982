//! Root-mean-square norm, forward and backward (M-4.6; Zhang and Sennrich 2019).

use super::builder::{Builder, Draft, PER_COLUMN, PER_ROW, Value, dense};
use super::linear::{Gradients, column_dot};
use super::row::Range;
use crate::op::Kind;
use crate::schedule::{negated_reciprocal, reciprocal};
use crate::spec::F32Bits;

/// What a norm leaves for its backward pass.
#[derive(Clone, Copy)]
pub(crate) struct RmsNorm {
    pub normalized: Value,
    pub reciprocal_root: Value,
    pub output: Value,
}

/// The norm of each row of `x`.
pub(crate) fn rms_norm(
    b: &mut Builder,
    x: Value,
    gain: Value,
    epsilon: F32Bits,
    [tokens, width]: [u32; 2],
) -> RmsNorm {
    let (rows, full, d) = ([1, 1, tokens, 1], [1, 1, tokens, width], dense(width));
    let along = [0, 0, u64::from(width), 0];
    let operands = vec![x.view(along, 1), x.view(along, 1)];
    let squares = b.trace(Draft::new(Kind::RowDot, rows, operands).terms(width, Range::Full));
    let reciprocal_root = b.trace(
        Draft::new(Kind::ReciprocalStd, rows, vec![squares.view(PER_ROW, 0)])
            .scalars(&[reciprocal(width), epsilon.0]),
    );
    let operands = vec![x.view(d, 0), reciprocal_root.view(PER_ROW, 0)];
    let normalized = b.trace(Draft::new(Kind::Multiply, full, operands));
    let operands = vec![normalized.view(d, 0), gain.view(PER_COLUMN, 0)];
    let output = b.trace(Draft::new(Kind::Multiply, full, operands));
    RmsNorm { normalized, reciprocal_root, output }
}

/// dx = r (dxhat - xhat mean(dxhat xhat)); sets the gradient of gain `at`.
pub(crate) fn rms_norm_backward(
    b: &mut Builder,
    norm: &RmsNorm,
    [gain, dy]: [Value; 2],
    [tokens, width]: [u32; 2],
    gradients: &mut Gradients,
    at: usize,
) -> Value {
    let (rows, full, d) = ([1, 1, tokens, 1], [1, 1, tokens, width], dense(width));
    let along = [0, 0, u64::from(width), 0];
    let dgain = column_dot(b, [dy, norm.normalized], tokens, width, gradients.start(at));
    gradients.put(at, dgain);
    let scaled = b.trace(Draft::new(Kind::Multiply, full, vec![dy.view(d, 0), gain.view(PER_COLUMN, 0)]));
    let operands = vec![scaled.view(along, 1), norm.normalized.view(along, 1)];
    let dot = b.trace(Draft::new(Kind::RowDot, rows, operands).terms(width, Range::Full));
    let operands = vec![norm.normalized.view(d, 0), dot.view(PER_ROW, 0)];
    let drift = b.trace(Draft::new(Kind::Multiply, full, operands));
    let free = b.trace(
        Draft::new(Kind::AddScaled, full, vec![scaled.view(d, 0), drift.view(d, 0)])
            .scalars(&[negated_reciprocal(width)]),
    );
    let operands = vec![free.view(d, 0), norm.reciprocal_root.view(PER_ROW, 0)];
    b.trace(Draft::new(Kind::Multiply, full, operands))
}
