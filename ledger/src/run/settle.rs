//! A claim becomes final, its signer and its verifiers are paid (L-5.6).

use super::record::{Audit, ClaimStatus, VerdictRecord, VerdictResult};
use crate::amount::Amount;
use crate::event::{Event, RewardReason};
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// True when every drawn unit has the verdicts that the run asks for.
pub(crate) fn verdicts_suffice(state: &State, claim: &Digest, audit: &Audit, verdicts_min: usize) -> bool {
    audit.units.iter().all(|unit| state.verdicts_of(claim, *unit).len() >= verdicts_min)
}

/// True when every drawn verifier of every drawn unit found a match, and nobody found a mismatch.
pub(crate) fn verdicts_unanimous(state: &State, claim: &Digest, audit: &Audit, verdicts_min: usize) -> bool {
    let matches = |verdict: &VerdictRecord| verdict.result == VerdictResult::Match;
    audit.units.iter().all(|unit| {
        let verdicts = state.verdicts_of(claim, *unit);
        verdicts.iter().all(matches) && verdicts.iter().filter(|v| v.drawn).count() >= verdicts_min
    })
}

/// Makes a claim final.
pub(crate) fn verify_claim(stage: &mut Stage<'_>, claim: &Digest) -> Result<(), Fault> {
    let record = stage.state.claims.want(claim)?;
    let (run, signer, lock, is_segment) = (record.run, record.signer(), record.lock, record.is_segment());
    let height = stage.now.height;
    stage.state.claims.change(claim, |record| {
        record.status = ClaimStatus::Verified;
        record.verified_at = Some(height);
    })?;
    stage.state.unlock(&signer, lock)?;
    stage.say(Event::Settled { run, claim: *claim, status: ClaimStatus::Verified });
    let terms = &stage.state.runs.want(&run)?.terms;
    // Where deltas are merged before their verdicts a trainer is paid when its round is over (L-5.19).
    if is_segment && !terms.merging.is_optimistic() {
        let amount = terms.segment_reward;
        pay(stage, &run, signer, amount, RewardReason::Segment)?;
    }
    pay_verdicts(stage, claim, None)
}

/// Pays out of a run's escrow, and says so.
pub(super) fn pay(
    stage: &mut Stage<'_>,
    run: &Digest,
    peer: PeerKey,
    amount: Amount,
    reason: RewardReason,
) -> Result<(), Fault> {
    stage.state.pay(run, &peer, amount)?;
    stage.say(Event::Rewarded { run: *run, peer, amount, reason });
    Ok(())
}

/// Pays, for each drawn unit, the first verdicts that the outcome agrees with: those of drawn verifiers first.
pub(super) fn pay_verdicts(
    stage: &mut Stage<'_>,
    claim: &Digest,
    disproved: Option<Unit>,
) -> Result<(), Fault> {
    let record = stage.state.claims.want(claim)?;
    let run = record.run;
    let Some(audit) = &record.audit else { return Ok(()) };
    let units = audit.units.clone();
    let terms = &stage.state.runs.want(&run)?.terms;
    let (amount, verdicts_min) = (terms.verdict_reward, usize::from(terms.verdicts_min));
    for unit in units {
        let right = if disproved == Some(unit) { VerdictResult::Mismatch } else { VerdictResult::Match };
        let verdicts = stage.state.verdicts_of(claim, unit).to_vec();
        let (drawn, others): (Vec<_>, Vec<_>) =
            verdicts.into_iter().filter(|v| v.result == right).partition(|v| v.drawn);
        for verdict in drawn.into_iter().chain(others).take(verdicts_min) {
            pay(stage, &run, verdict.verifier, amount, RewardReason::Verdict)?;
        }
    }
    Ok(())
}
