//! Rounds end in their order, when all that was committed in them is decided; then an optimistic run pays (L-5.2, L-5.19).

use super::record::{ClaimStatus, Phase, Progress};
use super::settle::pay;
use super::void::void_withheld;
use crate::amount::Amount;
use crate::event::{Event, RewardReason};
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::digest::Digest;

impl State {
    /// What a commitment of an optimistic run gets when its round is over, and why; nothing if it is not verified, or was
    /// not before its round was accused (L-5.19).
    pub fn pay_when_over(&self, claim: &Digest) -> Option<(Amount, RewardReason)> {
        let record = self.claims.get(claim).filter(|record| record.status == ClaimStatus::Verified)?;
        let terms = &self.runs.get(&record.run)?.terms;
        let Some(taint) = self.rounds.get(&(record.run, record.round))?.taint else {
            return Some((terms.segment_reward, RewardReason::Segment));
        };
        let is_insured = record.verified_at.is_some_and(|at| at < taint.accused_at);
        let amount = terms.segment_reward.share(terms.merging.insured_ppm());
        is_insured.then_some((amount, RewardReason::Insured))
    }
}

/// Ends the rounds of a run that are over, and the run after its last one.
pub(super) fn end_rounds(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let Progress { oldest, round, phase, .. } = *stage.state.progress.want(run)?;
    let is_closing = phase == Phase::Closing;
    // The current round goes on, and is voided where it is driven, unless it was the last one.
    let behind = oldest..round.saturating_add(u32::from(is_closing));
    for number in behind.clone() {
        void_withheld(stage, run, number)?;
    }
    for number in behind {
        if !is_decided(stage, run, number)? {
            return Ok(());
        }
        end_round(stage, run, number)?;
    }
    if is_closing { finish(stage, run) } else { Ok(()) }
}

fn is_decided(stage: &Stage<'_>, run: &Digest, round: u32) -> Result<bool, Fault> {
    for claim in stage.state.rounds.want(&(*run, round))?.commitments() {
        if stage.state.claims.want(&claim)?.status == ClaimStatus::Open {
            return Ok(false);
        }
    }
    Ok(true)
}

fn end_round(stage: &mut Stage<'_>, run: &Digest, number: u32) -> Result<(), Fault> {
    if stage.state.runs.want(run)?.terms.merging.is_optimistic() {
        let round = stage.state.rounds.want(&(*run, number))?;
        let is_tainted = round.taint.is_some();
        for claim in round.commitments().collect::<Vec<_>>() {
            let record = stage.state.claims.want(&claim)?;
            if record.status != ClaimStatus::Verified {
                continue;
            }
            let (trainer, due) = (record.signer(), stage.state.pay_when_over(&claim));
            let paid = due.map_or(Amount::ZERO, |(amount, _)| amount);
            if paid == Amount::ZERO && !is_tainted {
                continue;
            }
            stage.say(Event::Decided { run: *run, claim, trainer, paid });
            if let Some((amount, reason)) = due.filter(|_| paid > Amount::ZERO) {
                pay(stage, run, trainer, amount, reason)?;
            }
        }
    }
    stage.state.progress.change(run, |progress| progress.oldest = number.saturating_add(1))
}

/// The run is finished: the rest goes back.
fn finish(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let sponsor = stage.state.runs.want(run)?.sponsor;
    let progress = *stage.state.progress.want(run)?;
    stage.state.progress.change(run, |p| p.phase = Phase::Finished)?;
    pay(stage, run, sponsor, progress.escrow, RewardReason::Refund)?;
    stage.say(Event::RunFinished { run: *run, head: progress.base });
    Ok(())
}
