//! The disputes of one accused: four at once, the others in a queue, and its clocks (L-3.4, L-5.15).

use super::clock::Defense;
use super::record::{DisputeRecord, DisputeStatus};
use crate::event::Event;
use crate::fault::Fault;
use crate::limits::STARTED_DISPUTES_MAX;
use crate::stage::Stage;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::Side;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// One dispute of a caseload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Case {
    /// The dispute.
    pub dispute: Digest,
    /// The disputed claim.
    pub claim: Digest,
    /// Who disputes it.
    pub challenger: PeerKey,
}

/// What one accused has to answer, over all its claims and runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Caseload {
    /// Disputes that are played.
    pub started: Vec<Case>,
    /// Disputes that wait for a place, in order of opening.
    pub queued: Vec<Case>,
}

impl Caseload {
    /// The next one to start: of the challenger with the fewest that are played, the first that was opened.
    fn next(&self) -> Option<usize> {
        let played = |case: &Case| self.started.iter().filter(|c| c.challenger == case.challenger).count();
        let places = self.queued.iter().enumerate();
        places.min_by_key(|(at, case)| (played(case), *at)).map(|(at, _)| at)
    }
}

/// Puts a new dispute at the end of its accused's queue, and starts what finds a place.
pub(super) fn queue(stage: &mut Stage<'_>, dispute: Digest, record: &DisputeRecord) -> Result<(), Fault> {
    let mut caseload = stage.state.caseloads.get(&record.accused).cloned().unwrap_or_default();
    let (claim, challenger) = (record.claim, record.challenger);
    caseload.queued.push(Case { dispute, claim, challenger });
    stage.state.caseloads.put(record.accused, caseload);
    start_next(stage, &record.accused)
}

/// Starts queued disputes while there are places.
pub(super) fn start_next(stage: &mut Stage<'_>, accused: &PeerKey) -> Result<(), Fault> {
    let mut caseload = stage.state.caseloads.get(accused).cloned().unwrap_or_default();
    while caseload.started.len() < STARTED_DISPUTES_MAX {
        let Some(at) = caseload.next() else { break };
        let case = caseload.queued.remove(at);
        extend_clocks(stage, &caseload.started, &case)?;
        start(stage, &case)?;
        caseload.started.push(case);
    }
    stage.state.caseloads.put(*accused, caseload);
    Ok(())
}

/// One span for the dispute; and one for every other claim that is being played, which share a machine with it.
fn extend_clocks(stage: &mut Stage<'_>, started: &[Case], case: &Case) -> Result<(), Fault> {
    let is_first = started.iter().all(|other| other.claim != case.claim);
    let mut others: Vec<Digest> =
        started.iter().filter(|other| other.claim != case.claim).map(|other| other.claim).collect();
    let shared = if is_first { others.len() } else { 0 };
    for _ in 0..=shared {
        extend(stage, &case.claim)?;
    }
    others.sort();
    others.dedup();
    others.iter().try_for_each(|claim| extend(stage, claim))
}

/// One more span of the claim's own run.
fn extend(stage: &mut Stage<'_>, claim: &Digest) -> Result<(), Fault> {
    let run = stage.state.claims.want(claim)?.run;
    let span = stage.state.runs.want(&run)?.terms.move_span;
    edit_defense(stage, claim, |defense| defense.extend(span));
    Ok(())
}

fn edit_defense(stage: &mut Stage<'_>, claim: &Digest, edit: impl FnOnce(&mut Defense)) {
    let mut defense = stage.state.defenses.get(claim).copied().unwrap_or_default();
    edit(&mut defense);
    stage.state.defenses.put(*claim, defense);
}

/// A dispute starts: its clocks run from now.
fn start(stage: &mut Stage<'_>, case: &Case) -> Result<(), Fault> {
    let now = stage.now;
    stage.state.disputes.change(&case.dispute, |record| {
        record.status = DisputeStatus::Open;
        record.started = Some(now);
    })?;
    let turn = stage.state.games.want(&case.dispute)?.turn();
    run_clock(stage, &case.dispute, turn)?;
    stage.say(Event::DisputeStarted { dispute: case.dispute, claim: case.claim });
    Ok(())
}

/// A side of a dispute is to move from now on.
pub(crate) fn run_clock(stage: &mut Stage<'_>, dispute: &Digest, side: Side) -> Result<(), Fault> {
    let now = stage.now;
    match side {
        Side::Challenger => stage.state.disputes.change(dispute, |record| record.clock.start(now)),
        Side::Accused => {
            let claim = stage.state.disputes.want(dispute)?.claim;
            edit_defense(stage, &claim, |defense| defense.owe(now));
            Ok(())
        }
    }
}

/// A side of a dispute is to move no more.
pub(crate) fn stop_clock(stage: &mut Stage<'_>, dispute: &Digest, side: Side) -> Result<(), Fault> {
    let now = stage.now;
    match side {
        Side::Challenger => stage.state.disputes.change(dispute, |record| record.clock.stop(now)),
        Side::Accused => {
            let claim = stage.state.disputes.want(dispute)?.claim;
            edit_defense(stage, &claim, |defense| defense.answer(now));
            Ok(())
        }
    }
}

/// A dispute is over, played, queued or not: its clock stops and its place is free. Whoever calls starts the next.
pub(super) fn leave(stage: &mut Stage<'_>, dispute: &Digest, status: DisputeStatus) -> Result<(), Fault> {
    let record = stage.state.disputes.want(dispute)?;
    let (accused, was_played) = (record.accused, record.status == DisputeStatus::Open);
    if was_played {
        let turn = stage.state.games.want(dispute)?.turn();
        stop_clock(stage, dispute, turn)?;
    }
    stage.state.disputes.change(dispute, |record| record.status = status)?;
    stage.state.caseloads.change(&accused, |caseload| {
        caseload.started.retain(|case| case.dispute != *dispute);
        caseload.queued.retain(|case| case.dispute != *dispute);
    })
}

#[cfg(test)]
mod tests {
    use super::{Case, Caseload};
    use crate::tests::fixture::key;
    use retrace_verifier::digest::Digest;

    /// L-5.15: whoever plays fewest comes first; among equals, whoever came first.
    #[test]
    fn nobody_fills_all_places() {
        let case = |n: u8, name: u8| Case {
            dispute: Digest([n; 32]),
            claim: Digest([0; 32]),
            challenger: key(name),
        };
        let mut caseload = Caseload::default();
        assert_eq!(caseload.next(), None);
        caseload.queued = vec![case(1, 1), case(2, 1), case(3, 2), case(4, 3), case(5, 2)];
        let mut order = Vec::new();
        while let Some(at) = caseload.next() {
            let next = caseload.queued.remove(at);
            order.push(next.dispute.0[0]);
            caseload.started.push(next);
        }
        assert_eq!(order, [1, 3, 4, 2, 5]);
        // Two of the first challenger's are played, none of the second's.
        caseload.started = vec![case(1, 1), case(2, 1)];
        caseload.queued = vec![case(6, 1), case(7, 2)];
        assert_eq!(caseload.next(), Some(1));
    }
}
