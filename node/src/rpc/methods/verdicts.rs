//! `GET /v1/verdicts/{claim}`: who was drawn for each unit of a claim, and what each verifier found.

use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{State, VerdictRecord, VerdictResult, drawn_verifiers};
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The verdicts on a claim.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verdicts {
    /// The claim.
    pub claim: String,
    /// Its drawn units; none before the draw.
    pub units: Vec<JudgedUnit>,
}

/// A drawn unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JudgedUnit {
    /// The unit.
    pub unit: String,
    /// Who was drawn for it.
    pub drawn: Vec<String>,
    /// What was found, in the order in which it was said.
    pub verdicts: Vec<Verdict>,
}

/// One verdict.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Whose.
    pub verifier: String,
    /// match or mismatch.
    pub result: String,
    /// Plain trace root of its replay.
    pub trace_root: String,
    /// True when the verifier was drawn for the unit.
    pub drawn: bool,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/verdicts/{claim}", "Who was drawn for a claim's units and what was found", &[], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Verdicts, Refused> {
    let claim = asked.digest("claim")?;
    let found = door.board.read(|state| words(state, &claim));
    found.ok_or_else(|| Refused::unknown("commitment", claim))
}

fn words(state: &State, claim: &Digest) -> Option<Verdicts> {
    let record = state.claim(claim)?;
    let verdicts_min = state.run(&record.run)?.terms.verdicts_min;
    let units = record.audit.iter().flat_map(|audit| audit.units.iter().map(move |unit| (audit, *unit)));
    let judged = units.map(|(audit, unit)| {
        let drawn = drawn_verifiers(audit, claim, unit, verdicts_min);
        JudgedUnit {
            unit: unit.to_string(),
            drawn: drawn.iter().map(ToString::to_string).collect(),
            verdicts: state.verdicts_of(claim, unit).iter().map(verdict_words).collect(),
        }
    });
    Some(Verdicts { claim: claim.to_string(), units: judged.collect() })
}

fn verdict_words(verdict: &VerdictRecord) -> Verdict {
    let result = match verdict.result {
        VerdictResult::Match => "match",
        VerdictResult::Mismatch => "mismatch",
    };
    Verdict {
        verifier: verdict.verifier.to_string(),
        result: result.into(),
        trace_root: verdict.trace_root.to_string(),
        drawn: verdict.drawn,
    }
}
