//! What one step of a run takes in memory, from its program alone.

use retrace_model::RunSpec;
use retrace_model::plan::{Plan, Recompute};
use retrace_model::program::{parameter_table, state_entries, step_program};
use serde::Serialize;

/// The memory of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepNeed {
    /// Parameters of the model.
    pub parameters: u64,
    /// Bytes of the state between steps: parameters and what the optimizer keeps for them.
    pub state_bytes: u64,
    /// Most bytes at any time of a step that keeps the state before, as a trainer does whose steps may be asked for, or
    /// of its replay, whichever is more.
    pub peak_bytes: u64,
    /// The same where blocks are computed again instead of being kept: `retrace train --recompute`.
    pub recomputing_bytes: u64,
}

impl StepNeed {
    /// The memory of a step of `spec`.
    pub fn of(spec: &RunSpec) -> StepNeed {
        let program = step_program(spec);
        let peak = |recompute| Plan::new(&program, recompute).peak_bytes();
        // Who replays sees the outputs in parts, and then not every attention stays together (M-8.5).
        let replay = Plan::in_parts(&program).peak_bytes();
        let state_bytes = state_entries(spec).iter().map(|entry| 4 * entry.parameter.elements()).sum();
        StepNeed {
            parameters: parameter_table(&spec.model).iter().map(|shape| shape.elements()).sum(),
            state_bytes,
            peak_bytes: peak(Recompute::Nothing).max(replay),
            recomputing_bytes: peak(Recompute::Blocks),
        }
    }

    /// Most bytes at any time of a step that trains here alone: it writes the state over the one before (M-8.4).
    pub fn of_local_step(spec: &RunSpec, recompute: Recompute) -> u64 {
        Plan::new(&step_program(spec), recompute).advancing_bytes()
    }

    /// Lines for people.
    pub fn lines(&self) -> [String; 2] {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        [
            format!("model    {} parameters, {} MiB of state", self.parameters, mib(self.state_bytes)),
            format!(
                "step     {} MiB at its peak, {} MiB where blocks are computed again",
                mib(self.peak_bytes),
                mib(self.recomputing_bytes)
            ),
        ]
    }
}
