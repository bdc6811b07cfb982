//! What happens to runs at the end of every block, in order of run id (L-5.2).

use super::breaker::end_breaker;
use super::draw::{draw_base, draw_round};
use super::merge::accepted;
use super::over::end_rounds;
use super::record::{ClaimStatus, Phase};
use super::round::{close_round, open_round};
use super::void::void_withheld;
use crate::amount::Height;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::Stage;
use retrace_verifier::digest::Digest;

/// Drives every run one phase further, if its time has come. A run takes at most one step a block; rounds that are over
/// end behind it.
pub(crate) fn drive(stage: &mut Stage<'_>) -> Result<(), Fault> {
    for run in stage.state.progress.keys() {
        end_breaker(stage, &run)?;
        let is_held = stage.state.is_breaker_on(&run);
        let progress = *stage.state.progress.want(&run)?;
        match progress.phase {
            // Nothing is merged while slashes are deferred (L-5.17).
            Phase::Auditing if is_held => {}
            Phase::Opening(at) if stage.now.height >= at && has_room(stage, &run)? => {
                open_round(stage, &run)?
            }
            Phase::Training => close_round(stage, &run)?,
            Phase::Drawing(at) if stage.now.height >= at => draw_round(stage, &run)?,
            Phase::Auditing => decide_round(stage, &run)?,
            Phase::Merging => merge_round(stage, &run)?,
            Phase::Opening(_) | Phase::Drawing(_) | Phase::Closing | Phase::Finished => {}
        }
        end_rounds(stage, &run)?;
    }
    Ok(())
}

/// True if not too many rounds wait for their verdicts (L-5.18).
fn has_room(stage: &Stage<'_>, run: &Digest) -> Result<bool, Fault> {
    let progress = stage.state.progress.want(run)?;
    let ahead = stage.state.runs.want(run)?.terms.merging.ahead();
    Ok(progress.round.saturating_sub(progress.oldest) <= ahead)
}

/// When what is accepted can be fixed: to the merge, or on with the same base if there is none.
fn decide_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let round = stage.state.progress.want(run)?.round;
    void_withheld(stage, run, round)?;
    let Some(accepted) = accepted(stage.state, run, round, stage.now)? else { return Ok(()) };
    if accepted.is_empty() || stage.state.is_dead(run, round) {
        return next_round(stage, run);
    }
    stage.state.rounds.change(&(*run, round), |round| round.merged = accepted)?;
    stage.state.progress.change(run, |p| p.phase = Phase::Merging)
}

/// Draws the standing base when its height has come; goes on when it is verified.
fn merge_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let number = stage.state.progress.want(run)?.round;
    let is_dead = stage.state.is_dead(run, number);
    let is_held = stage.state.is_breaker_on(run);
    let Some(standing) = stage.state.rounds.want(&(*run, number))?.standing else {
        // Nobody has put stake on a merge that leads nowhere, and nobody needs to (L-5.19).
        return if is_dead && !is_held { next_round(stage, run) } else { Ok(()) };
    };
    let record = stage.state.claims.want(&standing)?;
    if record.status == ClaimStatus::Verified {
        // Nothing is settled meanwhile either; whatever verified it, it is not merged.
        if is_held {
            return Ok(());
        }
        if !is_dead {
            let root = stage.state.base_root(&standing).ok_or(Fault::Rule { rule: "L-5.7" })?;
            stage.say(Event::BaseAccepted { run: *run, round: number.saturating_add(1), root });
            stage.state.progress.change(run, |p| (p.base, p.parent) = (root, Some(number)))?;
        }
        return next_round(stage, run);
    }
    let is_due = record.draw_at.is_some_and(|at| stage.now.height >= at);
    if record.audit.is_none() && is_due { draw_base(stage, run, &standing) } else { Ok(()) }
}

/// The next round opens in the next block; after the last one the run waits for those that are not over.
fn next_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let rounds = stage.state.runs.want(run)?.terms.spec.rounds;
    let opens_at: Height = stage.now.height.after(1);
    stage.state.progress.change(run, |progress| {
        let next = progress.round.saturating_add(1);
        if next >= rounds {
            progress.phase = Phase::Closing;
        } else {
            (progress.round, progress.phase) = (next, Phase::Opening(opens_at));
        }
    })
}
