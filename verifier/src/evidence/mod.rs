//! Evidence that stands alone: a docket, the signed moves, and a judge that needs nothing else (V-6).

mod size;

pub use size::{Lists, judging_bytes};

use crate::digest::Digest;
use crate::docket::{Docket, DocketError};
use crate::game::{Finding, Game, Refusal, Side, SignedMove};
use crate::pins::unit_pin;
use crate::signature::PeerKey;
use crate::unit::Unit;
use borsh::{BorshDeserialize, BorshSerialize};

/// First bytes of a bundle: name and format version.
pub const MAGIC: [u8; 8] = *b"RETRACE\x01";
/// Longest bundle.
pub const BUNDLE_BYTES_MAX: usize = 1 << 20;
/// Most moves of a bundle.
pub const MOVES_MAX: usize = 256;

/// A finished dispute, as it is written to a file (V-6.1).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bundle {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// What the dispute is about and relative to.
    pub docket: Docket,
    /// All moves, in order, each signed by its side.
    pub moves: Vec<SignedMove>,
}

/// A file that is no bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Longer than any bundle.
    #[error("the file has {bytes} bytes, a bundle has at most {BUNDLE_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Another kind of file, or another version.
    #[error("the file does not begin like a bundle of this version")]
    Magic,
    /// Cut, damaged, or with bytes left over.
    #[error("the file is cut or damaged: it is not the canonical form of a bundle")]
    Malformed,
}

/// What a proven bundle shows (V-6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Who signed the wrong claim.
    pub accused: PeerKey,
    /// The network it was signed for.
    pub network: Digest,
    /// The dispute.
    pub dispute: Digest,
    /// The unit.
    pub unit: Unit,
    /// The wrong value.
    pub finding: Finding,
    /// Moves of both sides.
    pub moves: usize,
}

/// Why a readable bundle proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disproven {
    /// The docket does not hold together.
    #[error("the docket does not hold together: {0}")]
    Docket(#[from] DocketError),
    /// The program is not the one that the run specification gives.
    #[error("the program is not the one that the run specification gives")]
    Program,
    /// A move is refused.
    #[error("move {number} is refused: {refusal}")]
    Move {
        /// The move's position.
        number: usize,
        /// Why.
        refusal: Refusal,
    },
    /// The moves do not reach a judgment.
    #[error("the moves do not reach a judgment")]
    Unfinished,
    /// The claim stood.
    #[error("the accused won: the claim stood")]
    ClaimStood,
}

/// Reads a bundle: bounded, then parsed, then nothing left over.
pub fn read(bytes: &[u8]) -> Result<Bundle, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(Unreadable::TooLong { bytes: bytes.len() });
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(Unreadable::Magic);
    }
    let bundle: Bundle = borsh::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
    if bundle.moves.len() > MOVES_MAX { Err(Unreadable::Malformed) } else { Ok(bundle) }
}

/// Judges a bundle by playing it again: signatures, openings, paths and the referee (V-6.2).
pub fn judge(bundle: &Bundle) -> Result<Proven, Disproven> {
    let docket = &bundle.docket;
    let mut game = Game::open(docket.clone())?;
    // Only this unit's program: all merges of a run at its limits would be a hundred million rows.
    let pin = unit_pin(&docket.facts.spec, docket.unit, docket.facts.deltas.len());
    if pin != Some(docket.facts.program) {
        return Err(Disproven::Program);
    }
    for (number, signed) in bundle.moves.iter().enumerate() {
        game.play(signed).map_err(|refusal| Disproven::Move { number, refusal })?;
    }
    let outcome = game.outcome().ok_or(Disproven::Unfinished)?;
    let finding = outcome.finding.filter(|_| outcome.winner == Side::Challenger);
    Ok(Proven {
        accused: docket.claim.signer(),
        network: docket.facts.network,
        dispute: game.id(),
        unit: docket.unit,
        finding: finding.ok_or(Disproven::ClaimStood)?,
        moves: bundle.moves.len(),
    })
}
