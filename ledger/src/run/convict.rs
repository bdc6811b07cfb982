//! A claim is proved wrong: who loses, who is paid, and what becomes of everything that hung on it (L-5.11).

use super::breaker::{defer_verdict, slash_lock};
use super::caseload::{leave, start_next};
use super::dispute::say_ended;
use super::merge::{stand, withdraw};
use super::record::{ClaimStatus, DisputeRecord, DisputeStatus, Precedence, VerdictResult};
use super::settle::pay_verdicts;
use super::taint::taint;
use crate::amount::Amount;
use crate::event::{Ending, Event, RewardReason, SlashReason};
use crate::fault::Fault;
use crate::stage::Stage;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// Convicts the accused of a claim: of a dispute that was won, or in which it contradicted itself.
pub(super) fn convict(stage: &mut Stage<'_>, dispute: &Digest, reason: SlashReason) -> Result<(), Fault> {
    let won = stage.state.disputes.want(dispute)?.clone();
    let claim = stage.state.claims.want(&won.claim)?.clone();
    let status = ClaimStatus::Convicted { dispute: *dispute };
    stage.state.claims.change(&won.claim, |claim| {
        claim.status = status;
        claim.disputes.clear();
    })?;
    let to = first_accusation(stage, &won, &claim.disputes)?;
    slash_lock(stage, dispute, claim.lock, to, reason)?;
    // A contradiction may be shown when its dispute has ended already.
    let is_pending = claim.disputes.contains(dispute);
    if is_pending {
        stage.state.unlock(&won.challenger, won.bond)?;
    }
    for other in claim.disputes.iter().filter(|other| *other != dispute) {
        overtake(stage, other, dispute)?;
    }
    if reason == SlashReason::Lie {
        slash_false_verdicts(stage, dispute, &won)?;
    }
    stage.say(Event::Settled { run: won.run, claim: won.claim, status });
    if claim.is_segment() {
        pay_verdicts(stage, &won.claim, Some(won.unit))?;
        taint(stage, &won.claim)?;
    } else {
        // The escrow holds the verdicts of one base a round: those on the one that is accepted.
        stage.state.rounds.change(&(claim.run, claim.round), |round| round.standing = None)?;
        if let Some(rival) = won.rival.filter(|_| is_pending) {
            stand(stage, &rival)?;
        }
    }
    start_next(stage, &won.accused)
}

/// Whose bounty it is: of the accusations of this unit that are pending, the one that stands for longest. So nobody
/// gains by copying one that it has seen.
fn first_accusation(
    stage: &Stage<'_>,
    won: &DisputeRecord,
    pending: &[Digest],
) -> Result<Option<PeerKey>, Fault> {
    let mut first: Option<(Precedence, PeerKey)> = None;
    for dispute in pending {
        let record = stage.state.disputes.want(dispute)?;
        let is_earlier = first.is_none_or(|(precedence, _)| record.precedence < precedence);
        if record.unit == won.unit && is_earlier {
            first = Some((record.precedence, record.challenger));
        }
    }
    Ok(first.map(|(_, challenger)| challenger))
}

/// Burns the lock, but for the bounty; all of it where nobody accuses.
pub(super) fn slash_liar(
    stage: &mut Stage<'_>,
    won: &DisputeRecord,
    amount: Amount,
    to: Option<PeerKey>,
    reason: SlashReason,
) -> Result<(), Fault> {
    let terms = &stage.state.runs.want(&won.run)?.terms;
    let bounty = if to.is_some() { terms.bounty() } else { Amount::ZERO };
    stage.state.slash_locked(&won.accused, amount, &to.unwrap_or(won.accused), bounty)?;
    let (peer, claim, unit, run) = (won.accused, won.claim, won.unit, won.run);
    stage.say(Event::Slashed { peer, claim, unit, amount, reason, bounty });
    if let Some(peer) = to {
        let reason = RewardReason::Bounty;
        stage.say(Event::Rewarded { run, peer, amount: bounty, reason });
    }
    Ok(())
}

/// Another dispute over the same claim ends in its challenger's favor: the bond is back, there is one bounty.
fn overtake(stage: &mut Stage<'_>, dispute: &Digest, by: &Digest) -> Result<(), Fault> {
    let other = stage.state.disputes.want(dispute)?.clone();
    stage.state.unlock(&other.challenger, other.bond)?;
    leave(stage, dispute, DisputeStatus::Overtaken { by: *by })?;
    say_ended(stage, dispute, Ending::Overtaken { by: *by })?;
    match other.rival {
        Some(rival) => withdraw(stage, &rival),
        None => Ok(()),
    }
}

/// A match verdict on a disproved unit costs a fixed part of the verifier's stake; nobody gets it.
fn slash_false_verdicts(stage: &mut Stage<'_>, dispute: &Digest, won: &DisputeRecord) -> Result<(), Fault> {
    let rate = stage.state.params().false_verdict_ppm;
    let verdicts = stage.state.verdicts_of(&won.claim, won.unit).to_vec();
    for verdict in verdicts.iter().filter(|v| v.result == VerdictResult::Match) {
        let peer = verdict.verifier;
        let part = stage.state.accounts.want(&peer)?.stake().share(rate);
        if defer_verdict(stage, dispute, peer, part)? {
            continue;
        }
        let amount = stage.state.slash_any(&peer, part)?;
        let (claim, unit, reason) = (won.claim, won.unit, SlashReason::FalseVerdict);
        stage.say(Event::Slashed { peer, claim, unit, amount, reason, bounty: Amount::ZERO });
    }
    Ok(())
}
