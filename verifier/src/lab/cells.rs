//! Where a lie can be told: every op at every place of a run's work (V-4.8).

use super::runs::Run;
use crate::unit::Unit;
use retrace_model::RunSpec;
use retrace_model::op::Kind;
use retrace_model::program::{
    Program, delta_program, loss_program, merge_program, step_labels, step_program,
};
use std::collections::BTreeMap;
use std::fmt;

/// A part of a run's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A step's forward pass.
    Forward,
    /// A step's backward pass.
    Backward,
    /// A step's clipping and optimizer.
    Optimizer,
    /// A segment's delta.
    Delta,
    /// A segment's mean loss.
    Loss,
    /// A merge.
    Merge,
}

/// All places.
pub const PLACES: [Place; 6] =
    [Place::Forward, Place::Backward, Place::Optimizer, Place::Delta, Place::Loss, Place::Merge];

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Forward => "forward",
            Place::Backward => "backward",
            Place::Optimizer => "optimizer",
            Place::Delta => "delta",
            Place::Loss => "loss",
            Place::Merge => "merge",
        })
    }
}

impl Place {
    /// Where a row of a step stands, by its label.
    pub(super) fn of_label(label: &str) -> Place {
        if label.contains("forward/") {
            Place::Forward
        } else if label.contains("backward/") {
            Place::Backward
        } else {
            Place::Optimizer
        }
    }
}

/// Units of every kind; of the steps the first, which starts from the base, one between, and the last.
pub(super) const UNITS: [Unit; 6] =
    [Unit::Step(0), Unit::Step(1), Unit::Step(3), Unit::Delta, Unit::Loss, Unit::Merge];

/// One row of one unit of one run, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub run: usize,
    pub unit: Unit,
    pub row: usize,
}

/// All rows of one op at one place.
pub(super) struct Cell {
    pub kind: Kind,
    pub place: Place,
    pub sites: Vec<Site>,
}

/// The program of a unit of the lab; its merges are of two deltas.
fn program(spec: &RunSpec, unit: Unit) -> Program {
    match unit {
        Unit::Step(_) => step_program(spec),
        Unit::Delta => delta_program(spec),
        Unit::Loss => loss_program(spec),
        Unit::Merge => merge_program(spec, 2),
    }
}

/// Every op at every place where it occurs, in the order of their numbers.
pub(super) fn cells(runs: &[Run]) -> Vec<Cell> {
    let mut found: BTreeMap<(Kind, Place), Vec<Site>> = BTreeMap::new();
    for (run, at) in runs.iter().enumerate() {
        let labels = step_labels(at.bench.spec());
        for unit in UNITS {
            let program = program(at.bench.spec(), unit);
            for (row, shape) in program.rows.iter().enumerate() {
                let place = match unit {
                    Unit::Step(_) => Place::of_label(&labels[row]),
                    Unit::Delta => Place::Delta,
                    Unit::Loss => Place::Loss,
                    Unit::Merge => Place::Merge,
                };
                found.entry((shape.kind, place)).or_default().push(Site { run, unit, row });
            }
        }
    }
    found.into_iter().map(|((kind, place), sites)| Cell { kind, place, sites }).collect()
}
