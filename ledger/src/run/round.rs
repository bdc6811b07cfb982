//! A round opens with an assignment by the beacon, and closes when all commitments are attested or time is over (L-5.2).

use super::attestation::AttestedPart;
use super::record::{ClaimStatus, Phase, Round, Slot};
use super::void::void_withheld;
use crate::beacon::{derived_beacon, shuffled};
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Role;
use crate::stage::Stage;
use crate::state::{Account, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// Opens the run's current round, if there is anybody to train it; otherwise the next block tries again.
pub(super) fn open_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let terms = &stage.state.runs.want(run)?.terms;
    let (lock, count, span) = (terms.lock, usize::from(terms.spec.slots), terms.commit_span);
    let can_train = |account: &Account| {
        let is_in_force = account.is_in_force(stage.state.params(), stage.now.height);
        account.role == Role::Trainer && account.free_stake() >= lock && is_in_force
    };
    let accounts = stage.state.accounts.iter();
    let eligible: Vec<PeerKey> =
        accounts.filter(|(_, account)| can_train(account)).map(|(key, _)| key).collect();
    if eligible.is_empty() {
        return Ok(());
    }
    let progress = *stage.state.progress.want(run)?;
    let beacon = derived_beacon(&stage.beacon, run, progress.round);
    let mut slots: Vec<Slot> = shuffled(&beacon, &eligible)
        .into_iter()
        .map(|trainer| Slot { trainer: Some(trainer), commitment: None })
        .collect();
    slots.resize(count, Slot::default());
    let assignments = slots.iter().map(|slot| slot.trainer).collect();
    let round = Round {
        base: progress.base,
        parent: progress.parent,
        beacon,
        opened: stage.now,
        deadline: stage.now.after(span),
        slots,
        closed_at: None,
        merged: Vec::new(),
        standing: None,
        taint: None,
    };
    stage.state.rounds.put((*run, progress.round), round);
    stage.state.progress.change(run, |p| p.phase = Phase::Training)?;
    let (round, base) = (progress.round, progress.base);
    stage.say(Event::RoundOpened { run: *run, round, base, beacon, assignments });
    Ok(())
}

/// Closes the current round when no assigned slot waits any more: for its commitment, to the deadline; for validators
/// to attest to that, a span longer. What is not attested then is void. A tainted round waits for no commitment (L-5.19).
pub(super) fn close_round(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let number = stage.state.progress.want(run)?.round;
    let round = stage.state.rounds.want(&(*run, number))?;
    let attested_by = round.deadline.after(stage.state.params().attest_span);
    let is_missing = |slot: &&Slot| slot.trainer.is_some() && slot.commitment.is_none();
    let is_unheld = |slot: &Slot| slot.commitment.is_some_and(|claim| !is_decided(stage.state, &claim));
    let is_tainted = round.taint.is_some();
    let takes_more = !is_tainted && !round.deadline.is_past(stage.now);
    let awaits_commitment = takes_more && round.slots.iter().any(|s| is_missing(&s));
    let awaits_attestation = !attested_by.is_past(stage.now) && round.slots.iter().any(is_unheld);
    if awaits_commitment || awaits_attestation {
        return Ok(());
    }
    let missed: Vec<(u16, PeerKey)> = (0..)
        .zip(&round.slots)
        .filter(|(_, slot)| !is_tainted && is_missing(slot))
        .filter_map(|(at, slot)| Some((at, slot.trainer?)))
        .collect();
    let commitments = round.slots.iter().filter(|slot| slot.commitment.is_some()).count() as u16;
    let delay = stage.state.runs.want(run)?.terms.draw_delay;
    let closed_at = stage.now.height;
    stage.state.rounds.change(&(*run, number), |round| round.closed_at = Some(closed_at))?;
    let phase = Phase::Drawing(closed_at.after(u64::from(delay)));
    stage.state.progress.change(run, |p| p.phase = phase)?;
    for (slot, trainer) in missed {
        stage.say(Event::SlotMissed { run: *run, round: number, slot, trainer });
    }
    stage.say(Event::RoundClosed { run: *run, round: number, commitments });
    void_withheld(stage, run, number)
}

/// True for a commitment that counts, or that was proved wrong before it could.
fn is_decided(state: &State, claim: &Digest) -> bool {
    let is_open = state.claims.get(claim).is_some_and(|record| record.status == ClaimStatus::Open);
    !is_open || state.is_attested(claim, AttestedPart::Segment)
}
