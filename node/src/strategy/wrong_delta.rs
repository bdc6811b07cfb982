//! Claims twice the delta, so that its own work counts double in the merge.

use retrace_model::Words;
use retrace_model::program::Row;
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

pub(super) struct WrongDelta;

impl Conduct for WrongDelta {
    fn output(&self, unit: Unit, _at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if unit == Unit::Delta {
            words.iter_mut().for_each(|word| *word = (f32::from_bits(*word) * 2.0).to_bits());
        }
    }
}
