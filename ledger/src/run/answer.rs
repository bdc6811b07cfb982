//! What the accused has answered to what a dispute can ask twice: two answers to one question convict (L-5.14).

use crate::run::DisputeRecord;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::game::{Phase, Span, Spot};
use retrace_verifier::signature::message;
use retrace_verifier::{Game, Move, SignedMove, Unit};

/// What any dispute over a unit may ask the accused and no hash decides. Children of a list, a digest at its leaf
/// and a tile are checked against a root that is bound already, so they cannot differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Question {
    /// The root over the op list.
    Trace,
    /// The lane totals of an element.
    Totals {
        /// Position of the row in the program.
        row: u32,
        /// The element.
        element: u64,
        /// Its claimed bits.
        claimed: u32,
    },
    /// Accumulators inside a stretch of a chain.
    Partials {
        /// Position of the row in the program.
        row: u32,
        /// The element.
        element: u64,
        /// The lane.
        lane: u8,
        /// First link.
        first: u64,
        /// One past the last link.
        end: u64,
        /// Accumulator before the stretch.
        before: u32,
        /// Claimed accumulator after it.
        after: u32,
    },
}

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

/// What a game asks now, if another dispute over the unit may ask it too.
pub(crate) fn question(game: &Game) -> Option<Question> {
    match game.phase() {
        Phase::Trace => Some(Question::Trace),
        Phase::Totals(Spot { index, element, claimed, .. }) => {
            Some(Question::Totals { row: *index, element: *element, claimed: *claimed })
        }
        Phase::Partials(Span { spot, lane, first, end, before, after }) => Some(Question::Partials {
            row: spot.index,
            element: spot.element,
            lane: *lane,
            first: *first,
            end: *end,
            before: *before,
            after: *after,
        }),
        _ => None,
    }
}

/// What a signed move of the accused answers: a question that its dispute puts now, or has put at that number.
/// A trace root answers for the unit, whenever it is signed.
pub(crate) fn answered(game: &Game, record: &DisputeRecord, signed: &SignedMove) -> Option<Question> {
    let question = match &signed.body {
        Move::Trace(_) => return Some(Question::Trace),
        _ if signed.number == game.number() => question(game),
        _ => record.answers.iter().find(|a| a.number == signed.number).map(|a| a.question),
    };
    let fits = |question: &Question| match question {
        Question::Trace => false,
        Question::Totals { .. } => matches!(signed.body, Move::Totals(_)),
        Question::Partials { .. } => matches!(signed.body, Move::Partials(_)),
    };
    question.filter(fits)
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
