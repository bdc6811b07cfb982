//! `timeout`: the side to move has used up its clock, and anyone may say so (L-5.10).

use crate::fault::Fault;
use crate::run::{DisputeStatus, end_dispute};
use crate::stage::Stage;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::Game;
use retrace_verifier::digest::Digest;

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
    /// The dispute is over.
    #[error("the dispute is over")]
    Over,
    /// The clock still has heights or credited time.
    #[error("the clock of the side to move has not run out")]
    Running,
}

impl Timeout {
    /// Gives the expired game.
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<Box<Game>, TimeoutInvalid> {
        let record = stage.state.disputes.get(&self.dispute).ok_or(TimeoutInvalid::UnknownDispute)?;
        if record.status != DisputeStatus::Open {
            return Err(TimeoutInvalid::Over);
        }
        let game = stage.state.games.get(&self.dispute).ok_or(TimeoutInvalid::UnknownDispute)?;
        if !record.clocks.has_expired(game.turn(), stage.now) {
            return Err(TimeoutInvalid::Running);
        }
        let mut game = Box::new(game.clone());
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
    use crate::run::Clocks;
    use crate::tests::fixture::{AUDITOR, SPONSOR, World};
    use crate::transaction::{Body, Dispute, TransactionInvalid};
    use crate::{Height, Moment, Span};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::Opening;
    use retrace_verifier::{Side, Unit};

    /// L-5.10, L-3.4: each reason, in the order of the checks; four heights and four seconds are the budget.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let body = Dispute { claim: ids[0], unit: Unit::Loss, opening: Opening::Nothing };
        world.play(AUDITOR, Body::Dispute(Box::new(body)));
        let dispute = world.chain.state().claim(&ids[0]).unwrap().disputes[0];
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
    }

    /// L-3.4: a side has one budget for all its moves, and the other side's turn costs it nothing.
    #[test]
    fn clocks_are_budgets() {
        let at = |height, credited_ms| Moment { height: Height(height), credited_ms };
        let mut clocks = Clocks::start(Span { heights: 10, ms: 1_000 }, at(100, 5_000));
        clocks.press(Side::Accused, at(106, 5_600));
        clocks.press(Side::Challenger, at(200, 5_700));
        assert_eq!(clocks.used(Side::Accused, at(204, 5_900)), Span { heights: 10, ms: 800 });
        assert!(!clocks.has_expired(Side::Accused, at(300, 6_100)), "no more than a thousand credited");
        assert!(!clocks.has_expired(Side::Accused, at(204, 9_000)), "no more than ten heights");
        assert!(clocks.has_expired(Side::Accused, at(205, 6_101)));
        assert!(!clocks.has_expired(Side::Challenger, at(209, 6_600)), "103 heights, but a thousand");
    }
}
