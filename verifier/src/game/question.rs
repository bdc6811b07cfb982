//! What a dispute asks the accused and no hash decides: to each there is one right answer, whoever asks (V-6.3).

use super::{Move, Phase};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// A question, by its place in the unit. Children of a list, a digest at its leaf and a tile are none: they are checked
/// against a root that is bound already. Nor are the bits that a place starts and ends with part of it: they follow from
/// the trace root and from the answers before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Question {
    /// The root over the op list.
    Trace,
    /// The lane totals of an element.
    Totals {
        /// Position of the row in the program.
        row: u32,
        /// Row-major position of the element.
        element: u64,
    },
    /// The accumulators inside a stretch of a chain.
    Partials {
        /// Position of the row in the program.
        row: u32,
        /// Row-major position of the element.
        element: u64,
        /// The lane; 0 for a plain chain.
        lane: u8,
        /// First link.
        first: u64,
        /// One past the last link.
        end: u64,
    },
}

impl Question {
    /// What is asked when this is due; none where hashes fix the answer, or it is not the accused's turn.
    pub fn of(phase: &Phase) -> Option<Question> {
        match phase {
            Phase::Trace => Some(Question::Trace),
            Phase::Totals(spot) => Some(Question::Totals { row: spot.index, element: spot.element }),
            Phase::Partials(span) => Some(Question::Partials {
                row: span.spot.index,
                element: span.spot.element,
                lane: span.lane,
                first: span.first,
                end: span.end,
            }),
            _ => None,
        }
    }

    /// True of a move that is an answer of this kind.
    pub fn takes(&self, body: &Move) -> bool {
        match self {
            Question::Trace => matches!(body, Move::Trace(_)),
            Question::Totals { .. } => matches!(body, Move::Totals(_)),
            Question::Partials { .. } => matches!(body, Move::Partials(_)),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Trace => f.write_str("trace root"),
            Question::Totals { row, element } => write!(f, "totals of row {row}, element {element}"),
            Question::Partials { row, element, lane, first, end } => {
                write!(f, "accumulators of row {row}, element {element}, lane {lane}, links {first} to {end}")
            }
        }
    }
}
