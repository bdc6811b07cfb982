//! The element-wise parts of a score row, by the ops' own definitions.

use super::super::lanes::reduce;
use super::sheet::Sheet;
use crate::arithmetic::{Real32, canonical};
use crate::op::definitions::{Divide, Maximum, MultiplyAdd, SoftmaxBackward, SoftmaxExp, Sum};
use crate::op::{Arguments, Element};

#[inline(always)]
fn number<F: Real32>(x: f32) -> F {
    F::from_bits(x.to_bits())
}

#[inline(always)]
fn word<F: Real32>(x: F) -> f32 {
    f32::from_bits(canonical(x))
}

/// The op's element where index and ids do not matter.
#[inline(always)]
fn element<E: Element, F: Real32>(x: [f32; 3], s: f32) -> f32 {
    let zero = F::from_bits(0);
    let s = [number(s), zero, zero, zero, zero];
    word(E::value(Arguments { x: x.map(number::<F>), words: [0; 3], s, index: [0; 4] }))
}

/// Scores become probabilities; returns the row's maximum and sum. Scores, exponentials and probabilities are `seen`.
#[inline(always)]
pub(super) fn probabilities<F: Real32>(row: &mut [f32], scale: f32, seen: &[Sheet; 3]) -> [f32; 2] {
    seen[0].put(row);
    let top = word(reduce::<Maximum, F>(row, row));
    for x in row.iter_mut() {
        *x = element::<SoftmaxExp, F>([*x, top, 0.0], scale);
    }
    seen[1].put(row);
    let sum = word(reduce::<Sum, F>(row, row));
    for x in row.iter_mut() {
        *x = element::<Divide, F>([*x, sum, 0.0], 0.0);
    }
    seen[2].put(row);
    [top, sum]
}

/// Scores become probabilities again.
#[inline(always)]
pub(super) fn probabilities_again<F: Real32>(row: &mut [f32], top: f32, sum: f32, scale: f32) {
    for x in row.iter_mut() {
        let exponential = element::<SoftmaxExp, F>([*x, top, 0.0], scale);
        *x = element::<Divide, F>([exponential, sum, 0.0], 0.0);
    }
}

/// Gradients of probabilities become gradients of scores; returns the dot product of the former with the
/// probabilities. Both gradients are `seen`.
#[inline(always)]
pub(super) fn gradients<F: Real32>(
    probabilities: &[f32],
    gradients: &mut [f32],
    scale: f32,
    seen: &[Sheet; 2],
) -> f32 {
    seen[0].put(gradients);
    let dot = word(reduce::<MultiplyAdd, F>(gradients, probabilities));
    for (slot, p) in gradients.iter_mut().zip(probabilities) {
        *slot = element::<SoftmaxBackward, F>([*p, *slot, dot], scale);
    }
    seen[1].put(gradients);
    dot
}
