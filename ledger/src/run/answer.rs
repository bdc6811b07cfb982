//! What the accused has answered to what a dispute can ask twice: two answers to one question convict (L-5.14).

use crate::run::DisputeRecord;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::game::Question;
use retrace_verifier::signature::message;
use retrace_verifier::{Game, Move, SignedMove, Unit};

/// The accused's first answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// The dispute in which it was given.
    pub dispute: Digest,
    /// Number of the move.
    pub number: u16,
    /// The trace root, or `H("retrace v1 answer", words)` of totals and accumulators.
    pub digest: Digest,
}

/// A question that was answered in a dispute, and by which of its moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answered {
    /// Number of the move.
    pub number: u16,
    /// What it answered.
    pub question: Question,
}

/// What a signed move of the accused answers: a question that its dispute puts now, or has put at that number.
/// A trace root answers for the unit, whenever it is signed.
pub(crate) fn answered(game: &Game, record: &DisputeRecord, signed: &SignedMove) -> Option<Question> {
    let question = match &signed.body {
        Move::Trace(_) => return Some(Question::Trace),
        _ if signed.number == game.number() => Question::of(game.phase()),
        _ => record.answers.iter().find(|a| a.number == signed.number).map(|a| a.question),
    };
    question.filter(|question| question.takes(&signed.body))
}

/// What is remembered of an answer; none of a move that is none.
pub(crate) fn answer_digest(body: &Move) -> Option<Digest> {
    let of = |words: &[u32]| Digest(message("retrace v1 answer", &words));
    match body {
        Move::Trace(root) => Some(*root),
        Move::Totals(totals) => Some(of(totals)),
        Move::Partials(words) => Some(of(words)),
        _ => None,
    }
}

impl State {
    /// The accused's first answer to a question about a unit, in whichever dispute it was given.
    pub fn answer(&self, claim: &Digest, unit: Unit, question: Question) -> Option<&Answer> {
        self.answers.get(&(*claim, unit, question))
    }

    /// The accused's one trace root for a unit, once posted in any dispute.
    pub fn trace(&self, claim: &Digest, unit: Unit) -> Option<Digest> {
        self.answer(claim, unit, Question::Trace).map(|answer| answer.digest)
    }
}
