//! Claims the state before each step as the state after it: no work, and no change.

use retrace_model::Words;
use retrace_model::program::{Home, Row};
use retrace_verifier::Unit;
use retrace_verifier::segment::Conduct;

pub(super) struct StaleStep;

impl Conduct for StaleStep {
    fn output(&self, unit: Unit, _at: usize, row: &Row, before: &[Words], words: &mut Words) {
        if let (Unit::Step(_), Home::Post(entry)) = (unit, row.home)
            && let Some(stale) = before.get(entry as usize)
        {
            words.clone_from(stale);
        }
    }
}
