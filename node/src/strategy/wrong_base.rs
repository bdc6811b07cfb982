//! Posts a base in which one parameter tensor is shifted: a back door in the merge, not in any step.

use retrace_model::Words;
use retrace_model::program::{Home, Row};
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

pub(super) struct WrongBase;

impl Conduct for WrongBase {
    fn output(&self, unit: Unit, _at: usize, row: &Row, _before: &[Words], words: &mut Words) {
        if unit == Unit::Merge && row.home == Home::Post(0) {
            words.iter_mut().for_each(|word| *word = (f32::from_bits(*word) + 0.25).to_bits());
        }
    }
}
