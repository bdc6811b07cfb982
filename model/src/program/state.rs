//! The state between steps: parameters, then what the optimizer keeps, one tensor a parameter each (M-4.8).

use super::table::{ParameterShape, parameter_table};
use crate::execute::Words;
use crate::spec::RunSpec;

/// One tensor of the state between steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// What the optimizer's tensors have before their parameter's name; empty for a parameter.
    pub prefix: &'static str,
    /// The parameter.
    pub parameter: ParameterShape,
}

/// Every tensor of the state between steps, in order: the only place that says how many there are.
pub fn state_entries(spec: &RunSpec) -> Vec<StateEntry> {
    let table = parameter_table(&spec.model);
    let prefixes = std::iter::once(&"").chain(spec.optimizer.moments());
    prefixes
        .flat_map(|prefix| table.iter().map(|shape| StateEntry { prefix, parameter: shape.clone() }))
        .collect()
}

/// The state before a segment's first step: the base's parameters, and zeros for all that the optimizer keeps.
/// Of `base` only the parameters are taken, which come first in every kind of state.
pub fn first_state(spec: &RunSpec, base: &[Words]) -> Vec<Words> {
    let kept = |entry: &StateEntry| !entry.prefix.is_empty();
    let entries = state_entries(spec);
    let zeros = entries.iter().filter(|e| kept(e)).map(|e| vec![0; e.parameter.elements() as usize]);
    let parameters = entries.iter().filter(|e| !kept(e)).count();
    base.iter().take(parameters).cloned().chain(zeros).collect()
}
