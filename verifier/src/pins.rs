//! The pinned programs of a run: roots that one row can be proved under (V-3.7).

use crate::digest::{ListKind, ListTree};
use crate::docket::ProgramPin;
use crate::unit::Unit;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::RunSpec;
use retrace_model::program::{Program, delta_program, loss_program, merge_program, step_program};

/// Pins of all programs of a run.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProgramPins {
    /// A training step.
    pub step: ProgramPin,
    /// A segment's delta.
    pub delta: ProgramPin,
    /// A segment's mean loss.
    pub loss: ProgramPin,
    /// Merges of 1, 2, ... accepted deltas, up to the run's slots.
    pub merges: Vec<ProgramPin>,
}

/// The tree over a program's rows.
pub fn program_tree(program: &Program) -> ListTree {
    let rows = program.rows.iter().map(|row| borsh::to_vec(row).unwrap_or_default());
    ListTree::new(ListKind::Program, rows)
}

/// The pin of one program.
pub fn program_pin(program: &Program) -> ProgramPin {
    ProgramPin {
        root: program_tree(program).root(),
        rows: program.rows.len() as u32,
        trace_leaves: program.trace_leaves,
        post_entries: program.post_entries,
    }
}

/// The pins of a run, derived from its specification by integers alone.
pub fn program_pins(spec: &RunSpec) -> ProgramPins {
    ProgramPins {
        step: program_pin(&step_program(spec)),
        delta: program_pin(&delta_program(spec)),
        loss: program_pin(&loss_program(spec)),
        merges: (1..=spec.slots).map(|n| program_pin(&merge_program(spec, n))).collect(),
    }
}

/// The pin of one unit's program, which is all that a judge of one dispute derives (V-3.7). None for a merge of no
/// deltas, or of more than the run has slots.
pub fn unit_pin(spec: &RunSpec, unit: Unit, deltas: usize) -> Option<ProgramPin> {
    let program = match unit {
        Unit::Step(_) => step_program(spec),
        Unit::Delta => delta_program(spec),
        Unit::Loss => loss_program(spec),
        Unit::Merge => {
            let accepted = u16::try_from(deltas).ok().filter(|n| (1..=spec.slots).contains(n))?;
            merge_program(spec, accepted)
        }
    };
    Some(program_pin(&program))
}
