//! The forecast: how many bytes are alive at once (M-8.1, M-8.4).

use super::leaves::outputs;
use super::{Stage, trace_leaf};
use crate::program::{Home, Leaf, Program};
use std::collections::BTreeMap;

/// Bytes of a run's buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// What the program reads from outside: the state before, a base, deltas.
    pub outside: u64,
    /// Values of the op list.
    pub slots: u64,
    /// The state after and the batch.
    pub written: u64,
    /// Of these, what may take the place of the state before.
    pub in_place: u64,
}

/// Bytes of all buffers.
pub(super) fn bytes(program: &Program, stages: &[Stage], slots: &[u64]) -> Bytes {
    let mut outside: BTreeMap<Leaf, u64> = BTreeMap::new();
    for operand in program.rows.iter().flat_map(|row| row.operands.iter().chain(&row.start)) {
        if !matches!(operand.leaf, Leaf::Trace(_) | Leaf::Post(_) | Leaf::Batch) {
            outside.insert(operand.leaf, operand.length);
        }
    }
    let mut bytes = Bytes {
        outside: 4 * outside.values().sum::<u64>(),
        slots: 4 * slots.iter().sum::<u64>(),
        ..Bytes::default()
    };
    for stage in stages {
        for row in outputs(stage.work).into_iter().map(|at| &program.rows[at]) {
            if trace_leaf(row.home).is_none() && row.home != Home::Loss {
                bytes.written += 4 * row.elements();
                bytes.in_place += if stage.in_place.is_some() { 4 * row.elements() } else { 0 };
            }
        }
    }
    bytes
}
