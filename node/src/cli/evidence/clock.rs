//! A bundle of what the ledger's clock decided: the word of its validators, to whoever trusts them (L-7.7).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::EvidenceError;
use crate::home::read_bounded;
use crate::names;
use retrace_ledger::evidence::{ClockBundle, Decided, Trust};
use retrace_ledger::limits::GENESIS_BYTES_MAX;
use retrace_ledger::{Genesis, decode};
use retrace_verifier::docket::Claim;
use serde_json::json;
use std::path::Path;

/// Judges it by the validators of a genesis, and says so. Without one nobody is trusted and nothing is judged.
pub fn show(bundle: &ClockBundle, genesis: Option<&Path>, json: bool) -> Result<Exit, Failure> {
    let Some(path) = genesis else {
        if json {
            say!("{}", json!({ "verdict": "not judged", "kind": "decided by the ledger's clock" }));
        } else {
            say!("NOT JUDGED: this file is the word of a ledger's validators that a clock ran out");
            say!("say whom you trust: retrace evidence verify FILE --genesis GENESIS");
        }
        return Ok(Exit::NotJudged);
    };
    let trust = trusted(path)?;
    let verdict = bundle.clone().for_reader(&trust).judge(&trust);
    if json {
        let object = match &verdict {
            Ok(decided) => json!({
                "verdict": "decided",
                "kind": "decided by the ledger's clock",
                "accused": decided.record.accused.to_string(),
                "network": trust.network().to_string(),
                "dispute": decided.dispute.to_string(),
                "at": coordinates(decided),
                "height": decided.header.height.0,
                "block": decided.block.to_string(),
                "relative_to": [{ "fact": "validators", "value": said(&trust) }],
            }),
            Err(reason) => json!({ "verdict": "disproven", "reason": reason.to_string() }),
        };
        say!("{object}");
    } else {
        match &verdict {
            Ok(decided) => {
                say!("DECIDED by the ledger's clock: the accused did not answer in time");
                say!("accused   {}", decided.record.accused);
                say!("network   {}", trust.network());
                say!("dispute   {}", decided.dispute);
                say!("at        {}", coordinates(decided));
                say!("block     {} at height {}", decided.block, decided.header.height.0);
                say!("nothing is shown about the claim's arithmetic");
            }
            Err(reason) => say!("DISPROVEN: {reason}"),
        }
        say!("\nrelative to the word of {}", said(&trust));
    }
    Ok(if verdict.is_ok() { Exit::Yes } else { Exit::No })
}

fn said(trust: &Trust) -> String {
    format!("the {} validators of genesis, for as long as they are the network's", trust.validators().len())
}

fn coordinates(decided: &Decided) -> String {
    let (round, slot) = match &decided.claim.claim {
        Claim::Segment(signed) => (signed.commitment.round, Some(signed.commitment.slot)),
        Claim::Base(signed) => (signed.claim.round, None),
    };
    names::coordinates(round, slot, decided.record.unit)
}

/// Genesis from its file, or from a home.
fn trusted(path: &Path) -> Result<Trust, Failure> {
    let file = if path.is_dir() { path.join("genesis.bin") } else { path.to_path_buf() };
    let bytes = read_bounded(&file, GENESIS_BYTES_MAX as u64).map_err(Failure::input)?;
    let none = |reason: String| Failure::input(EvidenceError::Genesis { path: file.clone(), reason });
    let genesis: Genesis = decode(&bytes, GENESIS_BYTES_MAX).map_err(|error| none(error.to_string()))?;
    Trust::genesis(&genesis).map_err(|error| none(error.to_string()))
}
