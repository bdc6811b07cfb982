//! Non-linearities of hidden layers (M-3.6, M-3.11).

use super::builder::{Builder, Draft, Value, dense};
use crate::op::Kind;
use crate::spec::Activation;

/// The op of an activation and the op of its gradient.
fn kinds(activation: Activation) -> [Kind; 2] {
    match activation {
        Activation::GeluTanh => [Kind::Gelu, Kind::GeluBackward],
        Activation::GeluErf => [Kind::GeluErf, Kind::GeluErfBackward],
        Activation::Silu => [Kind::Silu, Kind::SiluBackward],
        Activation::Relu => [Kind::Relu, Kind::ReluBackward],
    }
}

/// The activation of a (rows, columns) matrix.
pub(crate) fn activate(
    b: &mut Builder,
    activation: Activation,
    x: Value,
    [rows, columns]: [u32; 2],
) -> Value {
    let [kind, _] = kinds(activation);
    b.trace(Draft::new(kind, [1, 1, rows, columns], vec![x.view(dense(columns), 0)]))
}

/// The gradient of the activation's input `x`.
pub(crate) fn activate_backward(
    b: &mut Builder,
    activation: Activation,
    [x, dy]: [Value; 2],
    [rows, columns]: [u32; 2],
) -> Value {
    let [_, kind] = kinds(activation);
    let d = dense(columns);
    b.trace(Draft::new(kind, [1, 1, rows, columns], vec![x.view(d, 0), dy.view(d, 0)]))
}
