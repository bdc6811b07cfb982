//! The attack lab: lies and named attacks, each played to its end against the rules (V-4.8, V-4.9).
//!
//! Nothing here runs in a network. The lab builds small runs whose trainers, posters or players are dishonest, plays
//! the automatic players (V-4.7) or a schemer against each other, and reports what the referee found:
//!
//! ```text
//! Bench     a run, its data and its keys     Case   one unit: the frame, the accused's run, the true run
//! Table     moves signed and posted          Trial  how it ended, with the evidence
//! disputes  random lies in every op          forge  attacks by name          study  the paper's case study
//! ```

mod bench;
mod cells;
mod change;
mod departure;
mod disputes;
mod draws;
mod forge;
mod lie;
mod report;
mod runs;
mod study;
mod table;

pub use bench::{Bench, Case};
pub use cells::{PLACES, Place};
pub use change::{CHANGES, Change};
pub(crate) use disputes::judge_ns;
pub use disputes::{Clock, Options, disputes};
pub(crate) use draws::Draws;
pub use forge::{Answer, Forged, Forgeries, Schemer, forge};
pub use lie::Lie;
pub use report::{Disputes, End, Told};
pub(crate) use report::{
    EVIDENCE_BYTES_MAX, JUDGE_NANOSECONDS_MAX, MOVES_MAX, POSTED_BYTES_MAX, percentile_99,
};
pub use study::{Stage, Studied, Study, case_study};
pub use table::play;

use crate::docket::DocketError;
use crate::evidence::Bundle;
use crate::game::{Outcome, Refusal, Side};

/// How a lie ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The claimed post-state is the true one: the lie rounded away and changed nothing that counts.
    Absorbed,
    /// The dispute was played to its end.
    Judged(Box<Trial>),
}

/// A dispute played to its end.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub outcome: Outcome,
    /// Its evidence.
    pub bundle: Bundle,
    /// Bytes of the last move, which the referee judged.
    pub judging_bytes: u64,
    /// Bytes of all moves.
    pub posted_bytes: u64,
    /// Moves of the side that made more.
    pub moves_a_side: u16,
}

/// Why a trial could not be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabError {
    /// The docket does not hold together.
    #[error("{0}")]
    Docket(#[from] DocketError),
    /// A player's move was refused.
    #[error("move of {side:?} refused: {refusal}")]
    Refused {
        /// Whose move.
        side: Side,
        /// Why.
        refusal: Refusal,
    },
    /// A player had no answer.
    #[error("{side:?} had no answer")]
    Silent {
        /// Which player.
        side: Side,
    },
    /// The data has no room for a sequence, or the unit or row does not exist.
    #[error("the bench has no such unit")]
    Unit,
    /// The dispute was left before it was over.
    #[error("the dispute is not over")]
    Unfinished,
}

/// Bytes of the transaction around a move: network, signer, nonce, tag, signature (V-3.6).
pub const ENVELOPE_BYTES: u64 = 32 + 32 + 8 + 1 + 64;

/// All that a dispute puts on the ledger: what opens it, and every move in its transaction.
pub(crate) fn posted_bytes(bundle: &Bundle, moves_bytes: u64) -> u64 {
    let opening = borsh::object_length(&bundle.docket.opening).unwrap_or(usize::MAX) as u64;
    let envelopes = ENVELOPE_BYTES * (bundle.moves.len() as u64 + 1);
    moves_bytes.saturating_add(opening).saturating_add(envelopes)
}
