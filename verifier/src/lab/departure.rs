//! Where a posted trace departs from the true one: word against word, without digest, tree or player (V-4.8).

use crate::replay::Witness;

/// Position of a row, and of an element of its output.
pub(super) type Site = (usize, usize);

/// The first row, in the order of execution, whose posted output is not the true one, and its first such element.
/// Rows are in single assignment, so what they read is the same in both traces.
pub(super) fn departure(posted: &Witness, truth: &Witness) -> Option<Site> {
    let pairs = posted.outputs.iter().zip(&truth.outputs).enumerate();
    pairs.filter_map(|(row, (a, b))| Some((row, a.iter().zip(b).position(|(a, b)| a != b)?))).next()
}
