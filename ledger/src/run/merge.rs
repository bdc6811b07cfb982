//! The base of a round: one standing claim, contradicted only by a dispute (L-5.7).

use super::attestation::withheld;
use super::dispute::open_dispute;
use super::record::{ClaimRecord, ClaimStatus, Precedence};
use crate::amount::Moment;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::Game;
use retrace_verifier::commitment::SignedBase;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::base_id;

/// Delta roots of what a round accepted, in slot order; none before that is fixed.
pub(crate) fn accepted_deltas(state: &State, run: &Digest, round: u32) -> Result<Vec<Digest>, Fault> {
    let mut deltas = Vec::new();
    for commitment in &state.rounds.want(&(*run, round))?.merged {
        if let Claim::Segment(signed) = &state.claims.want(commitment)?.claim {
            deltas.push(signed.commitment.delta_root);
        }
    }
    Ok(deltas)
}

/// What the current round accepts, in slot order; none while a commitment of it is still to be waited for (L-5.18).
pub(super) fn accepted(
    state: &State,
    run: &Digest,
    round: u32,
    now: Moment,
) -> Result<Option<Vec<Digest>>, Fault> {
    let is_optimistic = state.runs.want(run)?.terms.merging.is_optimistic();
    let mut accepted = Vec::new();
    for commitment in state.rounds.want(&(*run, round))?.commitments() {
        let record = state.claims.want(&commitment)?;
        let is_attested = record.audit.is_some() && state.is_published(&commitment);
        match record.status {
            ClaimStatus::Verified => accepted.push(commitment),
            ClaimStatus::Open if is_optimistic && is_attested => accepted.push(commitment),
            ClaimStatus::Open if is_optimistic && withheld(state, &commitment, now).is_some() => {}
            ClaimStatus::Open => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(accepted))
}

/// Posts a base claim: the standing one if there is none, otherwise a rival with its dispute.
pub(crate) fn post_base(
    stage: &mut Stage<'_>,
    signed: SignedBase,
    dispute: Option<Box<Game>>,
) -> Result<(), Fault> {
    let c = signed.claim;
    let id = base_id(&c);
    // The check let only rounds from 1 pass.
    let round = c.round.saturating_sub(1);
    let lock = stage.state.runs.want(&c.run)?.terms.lock;
    stage.state.lock(&c.poster, lock)?;
    let record = ClaimRecord {
        claim: Claim::Base(signed),
        run: c.run,
        round,
        lock,
        status: ClaimStatus::Rival,
        verified_at: None,
        accused_at: None,
        draw_at: None,
        audit: None,
        disputes: Vec::new(),
    };
    stage.state.claims.put(id, record);
    let standing = dispute.is_none();
    let (run, root, poster) = (c.run, c.root, c.poster);
    stage.say(Event::BasePosted { run, round: c.round, claim: id, root, poster, standing });
    match dispute {
        None => stand(stage, &id),
        Some(game) => {
            let disputed = stage.state.rounds.want(&(run, round))?.standing;
            let disputed = disputed.ok_or(Fault::Rule { rule: "L-5.7" })?;
            // Its own root says what is wrong, so a rival needs no seal (L-5.8).
            let precedence = Precedence { height: stage.now.height, sealed: true };
            open_dispute(stage, disputed, *game, Some(id), precedence)
        }
    }
}

/// Makes a base claim the standing one and sets the height of its draw.
pub(super) fn stand(stage: &mut Stage<'_>, id: &Digest) -> Result<(), Fault> {
    let record = stage.state.claims.want(id)?;
    let at = (record.run, record.round);
    let delay = stage.state.runs.want(&at.0)?.terms.draw_delay;
    let draw_at = stage.now.height.after(u64::from(delay));
    stage.state.claims.change(id, |record| {
        record.status = ClaimStatus::Open;
        record.draw_at = Some(draw_at);
    })?;
    stage.state.rounds.change(&at, |round| round.standing = Some(*id))
}

/// Takes back a rival that did not come to stand; its lock is free again.
pub(super) fn withdraw(stage: &mut Stage<'_>, id: &Digest) -> Result<(), Fault> {
    let record = stage.state.claims.want(id)?;
    let (signer, lock) = (record.signer(), record.lock);
    stage.state.unlock(&signer, lock)?;
    stage.state.claims.change(id, |record| record.status = ClaimStatus::Withdrawn)
}
