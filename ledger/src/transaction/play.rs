//! `play`: a move of a dispute, sent by anyone, signed by its side (L-5.9).

use crate::event::Event;
use crate::fault::Fault;
use crate::limits::JUDGING_BYTES_MAX;
use crate::run::{DisputeStatus, end_dispute};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::game::MoveKind;
use retrace_verifier::{Game, Move, Refusal, SignedMove};

/// The next move of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Play {
    /// The move.
    pub signed: SignedMove,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayInvalid {
    /// No such dispute.
    #[error("there is no such dispute")]
    UnknownDispute,
    /// The dispute is over.
    #[error("the dispute is over")]
    Over,
    /// The judging transaction is over its limit.
    #[error("{found} bytes, a judging transaction has at most {JUDGING_BYTES_MAX}")]
    JudgingTooLong {
        /// Bytes.
        found: usize,
    },
    /// Another trace root than the one posted for this unit in an earlier dispute.
    #[error("the unit's trace root was posted, and is another")]
    SecondTrace,
    /// The game refuses the move.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

impl Play {
    /// Gives the game after the move.
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<Box<Game>, PlayInvalid> {
        let id = self.signed.dispute;
        let record = stage.state.disputes.get(&id).ok_or(PlayInvalid::UnknownDispute)?;
        if record.status != DisputeStatus::Open {
            return Err(PlayInvalid::Over);
        }
        if self.signed.body.kind() == MoveKind::Judge && from.bytes > JUDGING_BYTES_MAX {
            return Err(PlayInvalid::JudgingTooLong { found: from.bytes });
        }
        if let Move::Trace(root) = &self.signed.body {
            let bound = stage.state.traces.get(&(record.claim, record.unit));
            if bound.is_some_and(|bound| bound != root) {
                return Err(PlayInvalid::SecondTrace);
            }
        }
        let game = stage.state.games.get(&id).ok_or(PlayInvalid::UnknownDispute)?;
        let mut game = Box::new(game.clone());
        let defense = stage.state.defense_key(&game.key(self.signed.side));
        game.play_by(&self.signed, defense.as_slice())?;
        Ok(game)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin, game: Box<Game>) -> Result<(), Fault> {
        let SignedMove { dispute, number, side, body, .. } = &self.signed;
        let (dispute, number, side) = (*dispute, *number, *side);
        let now = stage.now;
        let record = stage.state.disputes.want(&dispute)?;
        if let Move::Trace(root) = body {
            let at = (record.claim, record.unit);
            stage.state.traces.put(at, *root);
        }
        let judged = game.outcome().is_some();
        stage.state.disputes.change(&dispute, |record| {
            record.clocks.press(side, now);
            if judged {
                record.judging_bytes = u32::try_from(from.bytes).unwrap_or(u32::MAX);
            }
        })?;
        stage.state.games.put(dispute, *game);
        stage.say(Event::Moved { dispute, number, side, kind: body.kind(), bytes: self.signed.bytes() });
        end_dispute(stage, &dispute, false)
    }
}

#[cfg(test)]
mod tests {
    use super::{Play, PlayInvalid};
    use crate::run::VerdictResult;
    use crate::tests::fixture::{AUDITOR, SPONSOR, TRAINERS, World, key, secret};
    use crate::transaction::{Body, Dispute, Timeout, TransactionInvalid};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::Opening;
    use retrace_verifier::game::{MoveKind, OperandProof};
    use retrace_verifier::{Move, Refusal, Side, SignedMove, Unit};

    fn play(signed: SignedMove) -> Body {
        Body::Play(Box::new(Play { signed }))
    }

    /// L-5.9, L-1.2: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        world.judge(&ids[0], VerdictResult::Mismatch);
        let mut disputes = Vec::new();
        for _ in 0..3 {
            let body = Dispute { claim: ids[0], unit: Unit::Loss, opening: Opening::Nothing };
            world.play(AUDITOR, Body::Dispute(Box::new(body)));
            disputes.push(*world.chain.state().claim(&ids[0]).unwrap().disputes.last().unwrap());
        }
        let signer = world.chain.state().claim(&ids[0]).unwrap().signer();
        let accused = TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap();
        let sign = |dispute, side, body| {
            let name = if side == Side::Accused { accused } else { AUDITOR };
            SignedMove::new(&secret(name), dispute, 0, side, body)
        };
        let trace = |dispute, root| sign(dispute, Side::Accused, Move::Trace(Digest([root; 32])));
        // Anyone may carry a move.
        world.play(SPONSOR, play(trace(disputes[0], 5)));
        assert_eq!(world.chain.state().trace(&ids[0], Unit::Loss), Some(Digest([5; 32])));
        // One operand of more bytes than a judging transaction may have.
        let mut long: OperandProof = borsh::from_slice(&[0; 4096][..operand_bytes()]).unwrap();
        long.chunk = vec![0; 9_000];
        let rows = [
            (trace(Digest([9; 32]), 5), PlayInvalid::UnknownDispute),
            (trace(disputes[1], 6), PlayInvalid::SecondTrace),
            (
                sign(disputes[1], Side::Challenger, Move::Choose(0)),
                PlayInvalid::Refused(Refusal::NotDue { found: MoveKind::Choose }),
            ),
            (trace(disputes[0], 5), PlayInvalid::Refused(Refusal::Number { expected: 1, found: 0 })),
        ];
        for (signed, expected) in rows {
            assert_eq!(world.refusal(SPONSOR, play(signed)), Some(TransactionInvalid::Play(expected)));
        }
        let judging = play(sign(disputes[1], Side::Challenger, Move::Judge(vec![long])));
        let found = world.refusal(SPONSOR, judging);
        let is_long = |r: &TransactionInvalid| {
            matches!(r, TransactionInvalid::Play(PlayInvalid::JudgingTooLong { .. }))
        };
        assert!(found.as_ref().is_some_and(is_long), "{found:?}");
        // The same root in a second dispute is what an honest accused posts.
        world.play(SPONSOR, play(trace(disputes[1], 5)));
        world.wait(5);
        world.play(SPONSOR, Body::Timeout(Timeout { dispute: disputes[2] }));
        for dispute in disputes {
            let found = world.refusal(SPONSOR, play(trace(dispute, 5)));
            assert_eq!(found, Some(TransactionInvalid::Play(PlayInvalid::Over)));
        }
    }

    /// Bytes of an operand's proof that is empty everywhere.
    fn operand_bytes() -> usize {
        (0..4096).find(|n| borsh::from_slice::<OperandProof>(&vec![0; *n]).is_ok()).unwrap()
    }
}
