//! A verifier's: disputes a unit that is right, and plays from a run in which an early op gives something else.

use retrace_model::Words;
use retrace_model::program::Row;
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

pub(super) struct FalseChallenge;

impl Conduct for FalseChallenge {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        // The first row of a step gathers the batch, which nobody is allowed to have another opinion of.
        let early = usize::from(matches!(unit, Unit::Step(_)));
        if at == early
            && let Some(word) = words.first_mut()
        {
            *word ^= 1 << 22;
        }
    }
}
