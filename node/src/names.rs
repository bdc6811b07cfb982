//! Names for people: peers' keys aside, what a row, a tensor or a unit is called.

use retrace_model::RunSpec;
use retrace_model::program::{
    Home, ParameterShape, Program, delta_program, loss_program, merge_program, parameter_table, step_labels,
    step_program,
};
use retrace_verifier::state::StateKind;
use retrace_verifier::{Finding, Unit};

/// What is wrong, in words: the op, the tensor, the element's index in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The op, as its kind is spelled.
    pub op: String,
    /// The tensor: a state entry's name, or where in the model the op stands.
    pub tensor: String,
    /// Index of the element, leading dimensions of one left out.
    pub index: Vec<u64>,
}

/// The program of a unit; `deltas` is the number of merged deltas.
pub fn program(spec: &RunSpec, unit: Unit, deltas: usize) -> Program {
    match unit {
        Unit::Step(_) => step_program(spec),
        Unit::Delta => delta_program(spec),
        Unit::Loss => loss_program(spec),
        Unit::Merge => merge_program(spec, deltas.max(1) as u16),
    }
}

/// Names the place of a finding.
pub fn place(spec: &RunSpec, unit: Unit, deltas: usize, finding: &Finding) -> Place {
    let program = program(spec, unit, deltas);
    let row = program.rows.get(finding.row as usize);
    let index = row.map_or(Vec::new(), |row| {
        let pairs = row.index(finding.element).into_iter().zip(row.shape);
        pairs.skip_while(|(_, extent)| *extent == 1).map(|(i, _)| i).collect()
    });
    let labels = if let Unit::Step(_) = unit { step_labels(spec) } else { Vec::new() };
    let label = labels.get(finding.row as usize).cloned();
    let table = parameter_table(&spec.model);
    let tensor = match (finding.home, unit) {
        (Home::Post(entry), Unit::Step(_)) => entry_name(StateKind::Inner, spec, &table, entry),
        (Home::Post(entry), Unit::Delta) => entry_name(StateKind::Delta, spec, &table, entry),
        (Home::Post(entry), _) => entry_name(StateKind::Outer, spec, &table, entry),
        (Home::Batch, _) => "batch".into(),
        (Home::Loss, _) => "loss".into(),
        (Home::Trace(_), _) => label.unwrap_or_else(|| format!("{unit}/row {}", finding.row)),
    };
    Place { op: format!("{:?}", finding.kind), tensor, index }
}

fn entry_name(kind: StateKind, spec: &RunSpec, table: &[ParameterShape], entry: u32) -> String {
    let none = retrace_verifier::digest::Digest([0; 32]);
    kind.entry(spec, table, entry as usize, none).map_or_else(|| format!("entry {entry}"), |entry| entry.name)
}

/// binary32 bits as people read them.
pub fn bits(word: u32) -> String {
    format!("0x{word:08x}")
}

/// `round.slot.step`, with the unit's name where it is no step, and no slot for a merge.
pub fn coordinates(round: u32, slot: Option<u16>, unit: Unit) -> String {
    let unit = if let Unit::Step(step) = unit { step.to_string() } else { unit.to_string() };
    match slot {
        Some(slot) => format!("{round}.{slot}.{unit}"),
        None => format!("{round}.{unit}"),
    }
}
