//! `timeout`: the side to move has used up its clock, and anyone may say so (L-5.10).

use crate::amount::Moment;
use crate::fault::Fault;
use crate::run::{DisputeStatus, end_dispute};
use crate::stage::Stage;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::{Game, Side};

/// Ends a dispute against the side to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Timeout {
    /// The dispute.
    pub dispute: Digest,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutInvalid {
    /// No such dispute.
    #[error("there is no such dispute")]
    UnknownDispute,
    /// The dispute waits for a place.
    #[error("the dispute has not started")]
    Queued,
    /// The dispute is over.
    #[error("the dispute is over")]
    Over,
    /// The clock still has heights or credited time.
    #[error("the clock of the side to move has not run out")]
    Running,
}

impl State {
    /// The game of a dispute whose side to move has used up its clock, or why a dispute does not time out.
    pub fn timed_out(&self, dispute: &Digest, now: Moment) -> Result<&Game, TimeoutInvalid> {
        let record = self.disputes.get(dispute).ok_or(TimeoutInvalid::UnknownDispute)?;
        match record.status {
            DisputeStatus::Open => {}
            DisputeStatus::Queued => return Err(TimeoutInvalid::Queued),
            _ => return Err(TimeoutInvalid::Over),
        }
        let game = self.games.get(dispute).ok_or(TimeoutInvalid::UnknownDispute)?;
        let has_expired = match game.turn() {
            Side::Challenger => record.clock.has_expired(now),
            Side::Accused => self.defenses.get(&record.claim).is_some_and(|d| d.clock.has_expired(now)),
        };
        if has_expired { Ok(game) } else { Err(TimeoutInvalid::Running) }
    }
}

impl Timeout {
    /// Gives the expired game.
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<Box<Game>, TimeoutInvalid> {
        let mut game = Box::new(stage.state.timed_out(&self.dispute, stage.now)?.clone());
        game.expire();
        Ok(game)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, game: Box<Game>) -> Result<(), Fault> {
        stage.state.games.put(self.dispute, *game);
        end_dispute(stage, &self.dispute, true)
    }
}

#[cfg(test)]
mod tests {
    use super::{Timeout, TimeoutInvalid};
    use crate::tests::fixture::{AUDITOR, SPONSOR, World};
    use crate::transaction::{Body, TransactionInvalid};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::Opening;

    /// L-5.10, L-3.4: each reason, in the order of the checks; four heights and four seconds are the budget.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let dispute = world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
        let timeout = |dispute| Body::Timeout(Timeout { dispute });
        let is = |world: &mut World, dispute, expected| {
            let found = world.refusal(SPONSOR, timeout(dispute));
            assert_eq!(found, Some(TransactionInvalid::Timeout(expected)));
        };
        is(&mut world, Digest([9; 32]), TimeoutInvalid::UnknownDispute);
        for _ in 0..4 {
            is(&mut world, dispute, TimeoutInvalid::Running);
            world.wait(1);
        }
        world.play(SPONSOR, timeout(dispute));
        is(&mut world, dispute, TimeoutInvalid::Over);
        let more: Vec<Digest> =
            (0..5).map(|_| world.challenge(AUDITOR, ids[1], Unit::Loss, Opening::Nothing)).collect();
        world.wait(40);
        is(&mut world, more[4], TimeoutInvalid::Queued);
    }
}
