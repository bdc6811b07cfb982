//! `contradiction`: an accused signed two answers to one question (L-5.14).

use crate::fault::Fault;
use crate::run::{ClaimStatus, DisputeRecord, answer_digest, answered, contradict};
use crate::stage::Stage;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::game::Question;
use retrace_verifier::signature::SignatureError;
use retrace_verifier::{Game, Side, SignedMove};

/// Anyone shows both moves, whether a block holds them or not.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contradiction {
    /// One move, which names its dispute.
    pub first: SignedMove,
    /// The other, of the same dispute or of another one.
    pub second: SignedMove,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContradictionInvalid {
    /// A move of no dispute.
    #[error("there is no such dispute")]
    UnknownDispute,
    /// Disputes over two things.
    #[error("the moves are not of disputes over one claim and unit")]
    Elsewhere,
    /// The claim is decided.
    #[error("the claim is not open")]
    NotOpen,
    /// A challenger's move.
    #[error("a move is not the accused's")]
    Challenger,
    /// The dispute never asked for it.
    #[error("a move answers nothing that its dispute has asked and another one may ask")]
    NoQuestion,
    /// They do not answer the same.
    #[error("the moves answer two questions")]
    TwoQuestions,
    /// They agree.
    #[error("the moves give the same answer")]
    SameAnswer,
    /// The accused did not sign one of them.
    #[error("a move is not signed by the accused: {0}")]
    Signature(#[from] SignatureError),
}

/// A move's dispute, and its game.
fn place<'a>(
    state: &'a State,
    signed: &SignedMove,
) -> Result<(&'a DisputeRecord, &'a Game), ContradictionInvalid> {
    let record = state.disputes.get(&signed.dispute).zip(state.games.get(&signed.dispute));
    record.ok_or(ContradictionInvalid::UnknownDispute)
}

impl Contradiction {
    /// Gives the question that both moves answer.
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<Question, ContradictionInvalid> {
        let (first, second) = (&self.first, &self.second);
        let (one, game) = place(stage.state, first)?;
        let (other, other_game) = place(stage.state, second)?;
        if (one.claim, one.unit) != (other.claim, other.unit) {
            return Err(ContradictionInvalid::Elsewhere);
        }
        let claim = stage.state.claims.get(&one.claim);
        if claim.is_none_or(|claim| claim.status != ClaimStatus::Open) {
            return Err(ContradictionInvalid::NotOpen);
        }
        if first.side != Side::Accused || second.side != Side::Accused {
            return Err(ContradictionInvalid::Challenger);
        }
        let question = answered(game, one, first).ok_or(ContradictionInvalid::NoQuestion)?;
        let other_question = answered(other_game, other, second).ok_or(ContradictionInvalid::NoQuestion)?;
        if question != other_question {
            return Err(ContradictionInvalid::TwoQuestions);
        }
        if answer_digest(&first.body) == answer_digest(&second.body) {
            return Err(ContradictionInvalid::SameAnswer);
        }
        // Both are of one claim, so of one accused: by its own key, or the defense key that it has now (L-2.9).
        let accused = game.key(Side::Accused);
        let defense = stage.state.defense_key(&accused);
        first.signer(&accused, defense.as_slice())?;
        second.signer(&accused, defense.as_slice())?;
        Ok(question)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, question: Question) -> Result<(), Fault> {
        contradict(stage, &self.second.dispute, self.first.dispute, question)
    }
}
