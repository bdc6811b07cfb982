//! Global-norm clipping as a bounded tree, then the optimizer for every parameter (M-3.9, M-5.1, M-5.4).

use super::builder::{Builder, Draft, SCALAR, Value, dense};
use super::row::{Range, Scalar};
use super::table::ParameterShape;
use crate::op::Kind;
use crate::schedule::one_minus;
use crate::spec::{AdamWSpec, F32Bits, OptimizerSpec, RunSpec, SgdSpec};

/// Square sums per row, then per tensor, then over tensors; no reduction is longer than a row or a tensor's rows.
fn clip_scale(b: &mut Builder, table: &[ParameterShape], gradients: &[Value], bound: F32Bits) -> Value {
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
    b.trace(Draft::new(Kind::ClipScale, SCALAR, total).scalars(&[bound.0]))
}

/// Writes the post-state from the gradients: parameters, then what the optimizer keeps.
pub(crate) fn optimize(
    b: &mut Builder,
    spec: &RunSpec,
    table: &[ParameterShape],
    state: &[Value],
    gradients: &[Value],
) {
    b.scope("optimizer/".into());
    let scale = clip_scale(b, table, gradients, spec.optimizer.clip_norm());
    for (at, (shape, gradient)) in table.iter().zip(gradients).enumerate() {
        let tensor = Tensor { shape, at, count: table.len(), state, gradient: *gradient, scale };
        match &spec.optimizer {
            OptimizerSpec::AdamW(adamw) => tensor.adamw(b, adamw),
            OptimizerSpec::Sgd(sgd) => tensor.sgd(b, sgd),
        }
    }
}

/// One parameter with all that its update reads.
struct Tensor<'a> {
    shape: &'a ParameterShape,
    at: usize,
    count: usize,
    state: &'a [Value],
    gradient: Value,
    scale: Value,
}

impl Tensor<'_> {
    /// Matrices are decayed, vectors are not.
    fn decay(&self, rate: F32Bits) -> Scalar {
        Scalar::Bits(if self.shape.is_matrix { rate.0 } else { 0 })
    }

    /// Writes one of the optimizer's tensors from itself, the gradient and the clip scale.
    fn moment(&self, b: &mut Builder, kind: Kind, group: usize, scalars: &[u32]) -> Value {
        let (full, d) = parameter_view(self.shape);
        let entry = group * self.count + self.at;
        let operands = vec![self.state[entry].view(d, 0), self.gradient.view(d, 0), self.scale.everywhere()];
        b.post(Draft::new(kind, full, operands).scalars(scalars), entry as u32)
    }

    fn parameter(&self, b: &mut Builder, kind: Kind, moments: &[Value], scalars: Vec<Scalar>) {
        let (full, d) = parameter_view(self.shape);
        let operands = std::iter::once(&self.state[self.at]).chain(moments).map(|v| v.view(d, 0)).collect();
        b.post(Draft::new(kind, full, operands).derived(scalars), self.at as u32);
    }

    fn adamw(&self, b: &mut Builder, o: &AdamWSpec) {
        let first = self.moment(b, Kind::AdamFirst, 1, &[o.beta1.0, one_minus(o.beta1)]);
        let second = self.moment(b, Kind::AdamSecond, 2, &[o.beta2.0, one_minus(o.beta2)]);
        let scalars = vec![
            Scalar::LearningRate,
            Scalar::FirstCorrection,
            Scalar::SecondCorrection,
            Scalar::Bits(o.epsilon.0),
            self.decay(o.weight_decay),
        ];
        self.parameter(b, Kind::AdamParameter, &[first, second], scalars);
    }

    fn sgd(&self, b: &mut Builder, o: &SgdSpec) {
        let momentum = self.moment(b, Kind::SgdMomentum, 1, &[o.momentum.0]);
        let scalars = vec![Scalar::LearningRate, self.decay(o.weight_decay)];
        self.parameter(b, Kind::SgdParameter, &[momentum], scalars);
    }
}

/// Shape and strides of a parameter as a matrix.
pub(crate) fn parameter_view(shape: &ParameterShape) -> ([u32; 4], [u64; 4]) {
    ([1, 1, shape.rows, shape.columns], dense(shape.columns))
}
