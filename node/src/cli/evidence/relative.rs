//! What a proof is relative to: facts that the ledger vouches for and no arithmetic can show (V-6.2).

use super::super::print::say;
use retrace_verifier::delegation::Delegation;
use retrace_verifier::docket::Docket;

/// Prints all of it.
pub fn print(docket: &Docket, delegations: &[Delegation]) {
    say!("\nrelative to what the ledger of that network vouches for:");
    for (name, value) in relative_to(docket).into_iter().chain(delegated(delegations)) {
        say!("  {name:<9} {value}");
    }
}

/// The facts that no arithmetic can show: where they come from is the ledger's word.
pub fn relative_to(docket: &Docket) -> Vec<(&'static str, String)> {
    let f = &docket.facts;
    let beacon = retrace_verifier::digest::Digest(f.beacon);
    let mut facts = vec![
        ("run", f.run.to_string()),
        ("base", f.base.to_string()),
        ("beacon", beacon.to_string()),
        (
            "program",
            format!("{} ({} rows, derived from the run's specification)", f.program.root, f.program.rows),
        ),
    ];
    facts.extend(f.manifest.iter().map(|s| ("shard", format!("{} ({} bytes)", s.digest, s.bytes))));
    facts.extend(f.deltas.iter().map(|d| ("delta", d.to_string())));
    facts
}

/// That the defense keys which signed moves were in force then.
pub fn delegated(delegations: &[Delegation]) -> Vec<(&'static str, String)> {
    let said = |d: &Delegation| format!("{} defends for {} (serial {})", d.key, d.account, d.serial);
    delegations.iter().map(|delegation| ("delegate", said(delegation))).collect()
}
