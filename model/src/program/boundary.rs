//! The units at a segment's boundary: delta, mean loss, merge (M-4.5, M-5.3).

use super::Program;
use super::builder::{Builder, Draft, SCALAR, Value};
use super::optimizer::parameter_view;
use super::row::{Leaf, Range};
use super::table::parameter_table;
use crate::op::Kind;
use crate::schedule::reciprocal;
use crate::spec::RunSpec;

/// delta = last state's parameters - base parameters; one entry a parameter.
pub fn delta_program(spec: &RunSpec) -> Program {
    let mut b = Builder::default();
    for (at, shape) in (0..).zip(&parameter_table(&spec.model)) {
        let (full, d) = parameter_view(shape);
        let length = shape.elements();
        let end = Value { leaf: Leaf::Pre(at), length };
        let base = Value { leaf: Leaf::Base(at), length };
        b.post(Draft::new(Kind::Subtract, full, vec![end.view(d, 0), base.view(d, 0)]), at);
    }
    b.finish()
}

/// The segment's mean loss from its list of losses: a row sum, then a product with 1 / H.
pub fn loss_program(spec: &RunSpec) -> Program {
    let mut b = Builder::default();
    let losses = Value { leaf: Leaf::Losses, length: u64::from(spec.steps) };
    let sum = b
        .trace(Draft::new(Kind::RowSum, SCALAR, vec![losses.view([0; 4], 1)]).terms(spec.steps, Range::Full));
    b.loss(Draft::new(Kind::Scale, SCALAR, vec![sum.everywhere()]).scalars(&[reciprocal(spec.steps)]));
    b.finish()
}

/// The next base from the standing base and `accepted` deltas in slot order, at least one.
/// Pre- and post-state: parameters, then outer momenta.
pub fn merge_program(spec: &RunSpec, accepted: u16) -> Program {
    let table = parameter_table(&spec.model);
    let count = table.len() as u32;
    let mut b = Builder::default();
    for (at, shape) in (0..).zip(&table) {
        let (full, d) = parameter_view(shape);
        let value = |leaf| Value { leaf, length: shape.elements() };
        let mut sum = value(Leaf::Delta(0, at));
        for which in 1..accepted {
            let next = value(Leaf::Delta(which, at));
            sum = b.trace(Draft::new(Kind::Add, full, vec![sum.view(d, 0), next.view(d, 0)]));
        }
        let mean = b.trace(
            Draft::new(Kind::Scale, full, vec![sum.view(d, 0)]).scalars(&[reciprocal(u32::from(accepted))]),
        );
        let before = value(Leaf::Pre(count + at));
        let momentum = b.post(
            Draft::new(Kind::NesterovMomentum, full, vec![before.view(d, 0), mean.view(d, 0)])
                .scalars(&[spec.outer.momentum.0]),
            count + at,
        );
        let operands = vec![value(Leaf::Pre(at)).view(d, 0), momentum.view(d, 0), mean.view(d, 0)];
        b.post(
            Draft::new(Kind::NesterovParameter, full, operands)
                .scalars(&[spec.outer.momentum.0, spec.outer.learning_rate.0]),
            at,
        );
    }
    b.finish()
}
