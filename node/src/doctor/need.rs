//! Memory and disk that a role takes, from the shapes of a run alone.

use super::Question;
use retrace_ledger::{Role, RunTerms};
use retrace_model::program::{parameter_table, state_entries, step_program};
use serde::Serialize;

/// A process before it does anything: binary, threads, swarms, the ledger's state.
const IDLE_MIB: u64 = 96;
/// Database, journals and logs of a network that stands for a day, in MiB.
const LEDGER_MIB: u64 = 256;
/// Segments that a trainer keeps, with all their checkpoints, where no round is ahead.
const SEGMENTS_KEPT: u64 = 2;

/// What is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Resident memory.
    pub memory_mib: u64,
    /// Disk, to the end of the run.
    pub disk_mib: u64,
}

impl Need {
    /// What the question's roles need.
    pub fn of(question: &Question<'_>) -> Need {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let idle = IDLE_MIB + u64::from(question.storage_mib);
        let (memory, disk) =
            question.run.map_or((0, 0), |terms| (memory(question.roles, terms), disk(terms)));
        Need { memory_mib: idle + mib(memory), disk_mib: LEDGER_MIB + mib(disk) }
    }
}

fn parameter_bytes(terms: &RunTerms) -> u64 {
    parameter_table(&terms.spec.model).iter().map(|shape| shape.elements() * 4).sum()
}

/// Parameters with all that the optimizer keeps for them.
fn state_bytes(terms: &RunTerms) -> u64 {
    state_entries(&terms.spec).iter().map(|entry| entry.parameter.elements() * 4).sum()
}

/// Every output of a step: what a disputed step keeps, and the most that computing one can.
fn trace_bytes(terms: &RunTerms) -> u64 {
    step_program(&terms.spec).rows.iter().map(|row| row.elements() * 4).sum()
}

fn shard_bytes(terms: &RunTerms) -> u64 {
    terms.manifest.iter().map(|shard| shard.bytes).sum()
}

fn memory(roles: &[Role], terms: &RunTerms) -> u64 {
    let (parameters, trace, shards) = (parameter_bytes(terms), trace_bytes(terms), shard_bytes(terms));
    let state = state_bytes(terms);
    // Parameters and outer momenta, as they stand for each round that is not over and as they are merged.
    let ahead = u64::from(terms.merging.ahead());
    let segments = SEGMENTS_KEPT + ahead;
    let lineage = 2 * (2 + ahead) * parameters;
    let of = |role: &Role| match role {
        Role::Trainer => {
            shards + lineage + trace + segments * ((u64::from(terms.spec.steps) + 1) * state + 2 * parameters)
        }
        Role::Verifier => shards + lineage + 2 * trace + 2 * state,
        // What is attested is read whole, one blob after the other.
        Role::Validator => 2 * state,
        Role::Sponsor | Role::Auditor => 0,
    };
    roles.iter().map(of).sum()
}

/// Shards, and for every segment its delta, its lists and the states that drawn steps start from.
fn disk(terms: &RunTerms) -> u64 {
    let parameters = parameter_bytes(terms);
    let steps = u64::from(terms.spec.steps);
    let drawn = (steps * u64::from(terms.audit_rate_ppm)).div_ceil(1_000_000);
    let segment = parameters + drawn * state_bytes(terms) + steps * 100;
    let segments = u64::from(terms.spec.rounds) * u64::from(terms.spec.slots);
    shard_bytes(terms) + segments.saturating_mul(segment)
}
