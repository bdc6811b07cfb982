//! Draws: which units are audited, and which verifiers must agree to settle early (L-5.4).

use super::attestation::withheld;
use super::record::{Audit, Phase};
use crate::beacon::shuffled;
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Role;
use crate::stage::Stage;
use crate::state::Account;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, message};
use retrace_verifier::{Unit, draw_steps};

/// The verifiers drawn for a unit: the first of a shuffle keyed by beacon, claim and unit.
pub fn drawn_verifiers(audit: &Audit, claim: &Digest, unit: Unit, verdicts_min: u8) -> Vec<PeerKey> {
    let seed = message("retrace v1 drawn verifiers", &(audit.beacon, claim, unit));
    let mut drawn = shuffled(&seed, &audit.verifiers);
    drawn.truncate(usize::from(verdicts_min));
    drawn
}

/// Draws every commitment of the closed round with this block's beacon: steps by rate, delta and loss always.
pub(super) fn draw_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let number = stage.state.progress.want(run)?.round;
    let round = stage.state.rounds.want(&(*run, number))?;
    let commitments: Vec<Digest> = round.commitments().collect();
    let terms = &stage.state.runs.want(run)?.terms;
    let (steps, rate) = (terms.spec.steps, terms.audit_rate_ppm);
    for commitment in commitments {
        let drawn = draw_steps(&stage.beacon, &commitment, steps, rate);
        let mut units: Vec<Unit> = drawn.into_iter().map(Unit::Step).collect();
        units.extend([Unit::Delta, Unit::Loss]);
        draw_claim(stage, &commitment, units)?;
    }
    stage.state.progress.change(run, |p| p.phase = Phase::Auditing)
}

/// Draws the verifiers of a base claim; its one unit is audited always.
pub(super) fn draw_base(stage: &mut Stage<'_>, _run: &Digest, claim: &Digest) -> Result<(), Fault> {
    draw_claim(stage, claim, vec![Unit::Merge])
}

fn draw_claim(stage: &mut Stage<'_>, claim: &Digest, units: Vec<Unit>) -> Result<(), Fault> {
    let record = stage.state.claims.want(claim)?;
    let is_void = withheld(stage.state, claim, stage.now).is_some();
    if record.status != super::ClaimStatus::Open || is_void {
        // Proved wrong before its draw, or void as soon as no dispute over it is open.
        return Ok(());
    }
    let (run, round, signer) = (record.run, record.round, record.signer());
    let terms = &stage.state.runs.want(&run)?.terms;
    let (verdicts_min, deadline) = (terms.verdicts_min, stage.now.after(terms.verdict_span));
    let stake = terms.verifier_stake;
    let published_by = stage.now.after(stage.state.params().attest_span);
    let accounts = stage.state.accounts.iter();
    let can_judge = |account: &Account| {
        let is_in_force = account.is_in_force(stage.state.params(), stage.now.height);
        account.role == Role::Verifier && account.bonded >= stake && is_in_force
    };
    let verifiers =
        accounts.filter(|(key, account)| can_judge(account) && *key != signer).map(|(key, _)| key).collect();
    let audit = Audit { beacon: stage.beacon, verifiers, units: units.clone(), published_by, deadline };
    let drawn = |unit: &Unit| drawn_verifiers(&audit, claim, *unit, verdicts_min);
    let verifiers = units.iter().map(drawn).collect();
    stage.state.claims.change(claim, |record| record.audit = Some(audit))?;
    stage.say(Event::Drawn { run, round, claim: *claim, units, verifiers });
    Ok(())
}
