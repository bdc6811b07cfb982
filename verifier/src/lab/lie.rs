//! Liars: one changed word, or several.

use crate::segment::Conduct;
use crate::unit::Unit;
use retrace_model::Words;
use retrace_model::program::Row;

/// One changed word: the output of row `row` of `unit`, element `element`, xor `mask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The unit.
    pub unit: Unit,
    /// Position of the row in the unit's program.
    pub row: usize,
    /// Row-major position of the element.
    pub element: usize,
    /// Bits to flip.
    pub mask: u32,
}

impl Conduct for Lie {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if unit == self.unit && at == self.row && self.element < words.len() {
            words[self.element] ^= self.mask;
        }
    }
}
