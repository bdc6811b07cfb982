//! What happens to runs at the end of every block, in order of run id (L-5.2).

use super::breaker::end_breaker;
use super::draw::{draw_base, draw_round};
use super::merge::accepted_deltas;
use super::record::{ClaimStatus, Phase};
use super::round::{close_round, open_round};
use super::void::void_withheld;
use crate::amount::Height;
use crate::event::{Event, RewardReason};
use crate::fault::Fault;
use crate::stage::Stage;
use retrace_verifier::digest::Digest;

/// Drives every run one phase further, if its time has come. A run takes at most one step a block.
pub(crate) fn drive(stage: &mut Stage<'_>) -> Result<(), Fault> {
    for run in stage.state.progress.keys() {
        end_breaker(stage, &run)?;
        let is_held = stage.state.is_breaker_on(&run);
        let phase = stage.state.progress.want(&run)?.phase;
        match phase {
            // Nothing is merged while slashes are deferred (L-5.17).
            Phase::Auditing if is_held => {}
            Phase::Opening(at) if stage.now.height >= at => open_round(stage, &run)?,
            Phase::Training => close_round(stage, &run)?,
            Phase::Drawing(at) if stage.now.height >= at => draw_round(stage, &run)?,
            Phase::Auditing => decide_round(stage, &run)?,
            Phase::Merging => merge_round(stage, &run)?,
            Phase::Opening(_) | Phase::Drawing(_) | Phase::Finished => {}
        }
    }
    Ok(())
}

/// When every commitment is verified, convicted or void: to the merge, or on with the same base if none is left.
fn decide_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let progress = *stage.state.progress.want(run)?;
    void_withheld(stage, run, progress.round)?;
    let round = stage.state.rounds.want(&(*run, progress.round))?;
    for commitment in round.slots.iter().filter_map(|slot| slot.commitment) {
        if stage.state.claims.want(&commitment)?.status == ClaimStatus::Open {
            return Ok(());
        }
    }
    if accepted_deltas(stage.state, run, progress.round)?.is_empty() {
        return next_round(stage, run, progress.base);
    }
    stage.state.progress.change(run, |p| p.phase = Phase::Merging)
}

/// Draws the standing base when its height has come; goes on when it is verified.
fn merge_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let progress = *stage.state.progress.want(run)?;
    let round = stage.state.rounds.want(&(*run, progress.round))?;
    let Some(standing) = round.standing else { return Ok(()) };
    let record = stage.state.claims.want(&standing)?;
    if record.status == ClaimStatus::Verified {
        // Nothing is settled meanwhile either; whatever verified it, it is not merged.
        if stage.state.is_breaker_on(run) {
            return Ok(());
        }
        let root = stage.state.base_root(&standing).ok_or(Fault::Rule { rule: "L-5.7" })?;
        stage.say(Event::BaseAccepted { run: *run, round: progress.round.saturating_add(1), root });
        return next_round(stage, run, root);
    }
    let is_due = record.draw_at.is_some_and(|at| stage.now.height >= at);
    if record.audit.is_none() && is_due { draw_base(stage, run, &standing) } else { Ok(()) }
}

/// The next round opens in the next block; after the last one the run is finished and the rest is paid back.
fn next_round(stage: &mut Stage<'_>, run: &Digest, base: Digest) -> Result<(), Fault> {
    let record = stage.state.runs.want(run)?;
    let (sponsor, rounds) = (record.sponsor, record.terms.spec.rounds);
    let opens_at: Height = stage.now.height.after(1);
    let mut progress = *stage.state.progress.want(run)?;
    progress.base = base;
    let is_last = progress.round.saturating_add(1) >= rounds;
    if is_last {
        progress.phase = Phase::Finished;
    } else {
        progress.round = progress.round.saturating_add(1);
        progress.phase = Phase::Opening(opens_at);
    }
    stage.state.progress.put(*run, progress);
    if is_last {
        let (peer, amount) = (sponsor, progress.escrow);
        stage.state.pay(run, &peer, amount)?;
        stage.say(Event::Rewarded { run: *run, peer, amount, reason: RewardReason::Refund });
        stage.say(Event::RunFinished { run: *run, head: base });
    }
    Ok(())
}
