//! Reports half the loss of every step.

use retrace_model::Words;
use retrace_model::program::{Home, Row};
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

pub(super) struct FalseLoss;

impl Conduct for FalseLoss {
    fn output(&self, unit: Unit, _at: usize, row: &Row, _before: &[Words], words: &mut Words) {
        if matches!(unit, Unit::Step(_)) && row.home == Home::Loss {
            words.iter_mut().for_each(|word| *word = (f32::from_bits(*word) * 0.5).to_bits());
        }
    }
}
