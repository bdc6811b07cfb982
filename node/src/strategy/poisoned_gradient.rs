//! Negates the gradient of the middle layer's activations in every step (the case study of Lu et al. 2023).

use retrace_model::op::Kind;
use retrace_model::program::{Row, step_program};
use retrace_model::{RunSpec, Words};
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

/// Knows which row is the middle layer's GELU gradient.
pub(super) struct PoisonedGradient {
    row: Option<usize>,
}

impl PoisonedGradient {
    pub(super) fn new(spec: &RunSpec) -> PoisonedGradient {
        let rows = step_program(spec).rows;
        let mut gradients = rows.iter().enumerate().filter(|(_, row)| row.kind == Kind::GeluBackward);
        PoisonedGradient { row: gradients.nth(spec.model.layers as usize / 2).map(|(at, _)| at) }
    }
}

impl Conduct for PoisonedGradient {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if matches!(unit, Unit::Step(_)) && self.row == Some(at) {
            words.iter_mut().for_each(|word| *word ^= 0x8000_0000);
        }
    }
}
