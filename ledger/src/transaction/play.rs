//! `play`: a move of a dispute, sent by anyone, signed by its side (L-5.9).

use crate::event::Event;
use crate::fault::Fault;
use crate::limits::JUDGING_BYTES_MAX;
use crate::run::{
    Answer, Answered, DisputeStatus, answer_digest, contradict, end_dispute, run_clock, stop_clock,
};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::game::{MoveKind, Question};
use retrace_verifier::{Game, Refusal, Side, SignedMove};

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
    /// The dispute waits for a place.
    #[error("the dispute has not started")]
    Queued,
    /// The dispute is over.
    #[error("the dispute is over")]
    Over,
    /// The judging transaction is over its limit.
    #[error("{found} bytes, a judging transaction has at most {JUDGING_BYTES_MAX}")]
    JudgingTooLong {
        /// Bytes.
        found: usize,
    },
    /// The game refuses the move.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// A move that the game accepts.
#[derive(Debug)]
pub(super) struct Plan {
    /// The game after the move.
    game: Box<Game>,
    /// Who was to move before it.
    turn: Side,
    /// What it answers, if another dispute over the unit may ask it too.
    question: Option<Question>,
}

impl Play {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<Plan, PlayInvalid> {
        let id = self.signed.dispute;
        let record = stage.state.disputes.get(&id).ok_or(PlayInvalid::UnknownDispute)?;
        match record.status {
            DisputeStatus::Open => {}
            DisputeStatus::Queued => return Err(PlayInvalid::Queued),
            _ => return Err(PlayInvalid::Over),
        }
        if self.signed.body.kind() == MoveKind::Judge && from.bytes > JUDGING_BYTES_MAX {
            return Err(PlayInvalid::JudgingTooLong { found: from.bytes });
        }
        let game = stage.state.games.get(&id).ok_or(PlayInvalid::UnknownDispute)?;
        let (turn, question) = (game.turn(), Question::of(game.phase()));
        let mut game = Box::new(game.clone());
        let defense = stage.state.defense_key(&game.key(self.signed.side));
        game.play_by(&self.signed, defense.as_slice())?;
        Ok(Plan { game, turn, question })
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin, plan: Plan) -> Result<(), Fault> {
        let SignedMove { dispute, number, side, body, .. } = &self.signed;
        let (dispute, number, side) = (*dispute, *number, *side);
        let Plan { game, turn, question } = plan;
        let next = game.turn();
        if game.outcome().is_some() {
            let bytes = u32::try_from(from.bytes).unwrap_or(u32::MAX);
            stage.state.disputes.change(&dispute, |record| record.judging_bytes = bytes)?;
        }
        stage.state.games.put(dispute, *game);
        if next != turn {
            stop_clock(stage, &dispute, turn)?;
            run_clock(stage, &dispute, next)?;
        }
        stage.say(Event::Moved { dispute, number, side, kind: body.kind(), bytes: self.signed.bytes() });
        match question {
            Some(question) => self.answer(stage, question),
            None => end_dispute(stage, &dispute, false),
        }
    }

    /// The first answer to a question is remembered, the same again is nothing new, and another one convicts (L-5.14).
    fn answer(&self, stage: &mut Stage<'_>, question: Question) -> Result<(), Fault> {
        let (dispute, number) = (self.signed.dispute, self.signed.number);
        let digest = answer_digest(&self.signed.body).ok_or(Fault::Rule { rule: "L-5.14" })?;
        let record = stage.state.disputes.want(&dispute)?;
        let (claim, unit) = (record.claim, record.unit);
        stage.state.disputes.change(&dispute, |record| record.answers.push(Answered { number, question }))?;
        match stage.state.answer(&claim, unit, question).copied() {
            Some(first) if first.digest != digest => contradict(stage, &dispute, first.dispute, question),
            Some(_) => Ok(()),
            None => {
                stage.state.answers.put((claim, unit, question), Answer { dispute, number, digest });
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Play, PlayInvalid};
    use crate::run::VerdictResult;
    use crate::tests::fixture::{AUDITOR, SPONSOR, TRAINERS, World, key, secret};
    use crate::transaction::{Body, Timeout, TransactionInvalid};
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
        let disputes: Vec<Digest> =
            (0..5).map(|_| world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing)).collect();
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
            (trace(disputes[4], 5), PlayInvalid::Queued),
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
        // Another root is an answer too: the last one.
        assert_eq!(world.refusal(SPONSOR, play(trace(disputes[2], 6))), None);
        world.wait(20);
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
