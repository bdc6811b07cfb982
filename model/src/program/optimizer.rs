//! Global-norm clipping as a bounded tree, then AdamW for every parameter (M-3.9, M-5.1).

use super::builder::{Builder, Draft, SCALAR, Value, dense};
use super::row::{Range, Scalar};
use super::table::ParameterShape;
use crate::op::Kind;
use crate::schedule::one_minus;
use crate::spec::{AdamWSpec, RunSpec};

/// Square sums per row, then per tensor, then over tensors; no reduction is longer than a row or a tensor's rows.
fn clip_scale(
    b: &mut Builder,
    table: &[ParameterShape],
    gradients: &[Value],
    optimizer: &AdamWSpec,
) -> Value {
    let mut total: Option<Value> = None;
    for (shape, gradient) in table.iter().zip(gradients) {
        let along = || gradient.view([0, 0, u64::from(shape.columns), 0], 1);
        let rows = b.trace(
            Draft::new(Kind::RowDot, [1, 1, shape.rows, 1], vec![along(), along()])
                .terms(shape.columns, Range::Full),
        );
        let square_sum = b.trace(
            Draft::new(Kind::RowSum, SCALAR, vec![rows.view([0; 4], 1)]).terms(shape.rows, Range::Full),
        );
        total = Some(match total {
            None => square_sum,
            Some(before) => {
                b.trace(Draft::new(Kind::Add, SCALAR, vec![before.everywhere(), square_sum.everywhere()]))
            }
        });
    }
    let total = total.map(Value::everywhere).into_iter().collect();
    b.trace(Draft::new(Kind::ClipScale, SCALAR, total).scalars(&[optimizer.clip_norm.0]))
}

/// Writes parameters, first and second moments of the post-state from the gradients.
pub(crate) fn adamw(
    b: &mut Builder,
    spec: &RunSpec,
    table: &[ParameterShape],
    state: &[Value],
    gradients: &[Value],
) {
    b.scope("optimizer/".into());
    let scale = clip_scale(b, table, gradients, &spec.optimizer);
    let count = table.len();
    for (at, shape) in table.iter().enumerate() {
        let full = [1, 1, shape.rows, shape.columns];
        let d = dense(shape.columns);
        let moments = [
            (Kind::AdamFirst, count + at, spec.optimizer.beta1),
            (Kind::AdamSecond, 2 * count + at, spec.optimizer.beta2),
        ]
        .map(|(kind, entry, beta)| {
            let operands = vec![state[entry].view(d, 0), gradients[at].view(d, 0), scale.everywhere()];
            b.post(Draft::new(kind, full, operands).scalars(&[beta.0, one_minus(beta)]), entry as u32)
        });
        let decay = if shape.is_matrix { spec.optimizer.weight_decay.0 } else { 0 };
        let operands = vec![state[at].view(d, 0), moments[0].view(d, 0), moments[1].view(d, 0)];
        b.post(
            Draft::new(Kind::AdamParameter, full, operands).derived(vec![
                Scalar::LearningRate,
                Scalar::FirstCorrection,
                Scalar::SecondCorrection,
                Scalar::Bits(spec.optimizer.epsilon.0),
                Scalar::Bits(decay),
            ]),
            at as u32,
        );
    }
}

/// Shape and strides of a parameter as a matrix.
pub(crate) fn parameter_view(shape: &ParameterShape) -> ([u32; 4], [u64; 4]) {
    ([1, 1, shape.rows, shape.columns], dense(shape.columns))
}
