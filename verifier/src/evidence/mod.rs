//! Evidence that stands alone: a docket, the signed moves, and a judge that needs nothing else (V-6).

mod contradiction;
mod kind;
mod line;
mod size;

pub use contradiction::{
    Contradicted, Contradiction, NotContradicted, Testimony, judge_contradiction, read_contradiction,
};
pub use kind::{BUNDLE_BYTES_MAX, Kind, NAME};
pub use line::{DELEGATIONS_MAX, DelegationInvalid, needed_delegations};
pub use size::{Lists, judging_bytes};

use crate::delegation::{Delegation, SignedDelegation};
use crate::digest::Digest;
use crate::docket::{Docket, DocketError};
use crate::game::{Finding, Refusal, Side, SignedMove};
use crate::signature::PeerKey;
use crate::unit::Unit;
use borsh::{BorshDeserialize, BorshSerialize};
use line::Line;

/// First bytes of a bundle: name and kind.
pub const MAGIC: [u8; 8] = Kind::Arithmetic.magic();
/// Most moves of a bundle.
pub const MOVES_MAX: usize = 256;

/// A finished dispute, as it is written to a file (V-6.1).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bundle {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// What the dispute is about and relative to.
    pub docket: Docket,
    /// Delegations that the moves' signatures need: strictly ascending by account and serial.
    pub delegations: Vec<SignedDelegation>,
    /// All moves, in order, each signed by its side.
    pub moves: Vec<SignedMove>,
}

impl Bundle {
    /// A dispute whose moves are each signed by their side's own key.
    pub fn new(docket: Docket, moves: Vec<SignedMove>) -> Bundle {
        Bundle { magic: MAGIC, docket, delegations: Vec::new(), moves }
    }

    /// A dispute with those of the known delegations that its moves need.
    pub fn defended(docket: Docket, moves: Vec<SignedMove>, known: &[SignedDelegation]) -> Bundle {
        let delegations = needed_delegations(&docket, &moves, known);
        Bundle { magic: MAGIC, docket, delegations, moves }
    }
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
    /// Another kind of file, or a newer version.
    #[error("the file does not begin like evidence of this version")]
    Magic,
    /// A bundle of before there were delegations.
    #[error("the file is a bundle of an old format, version 1")]
    Old,
    /// Evidence, and of another kind than was asked for.
    #[error("the file is evidence of another kind: {found}")]
    Kind {
        /// Its kind.
        found: Kind,
    },
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
    /// Defense keys that signed moves: relative to the ledger's word that they were in force then.
    pub delegations: Vec<Delegation>,
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
    /// A delegation does not belong here.
    #[error("delegation {position}: {reason}")]
    Delegation {
        /// Its position.
        position: usize,
        /// Why.
        reason: DelegationInvalid,
    },
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
    Kind::Arithmetic.expect(bytes)?;
    let bundle: Bundle = borsh::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
    let is_short = bundle.moves.len() <= MOVES_MAX && bundle.delegations.len() <= DELEGATIONS_MAX;
    if is_short { Ok(bundle) } else { Err(Unreadable::Malformed) }
}

/// Judges a bundle by playing it again: signatures, openings, paths and the referee (V-6.2).
pub fn judge(bundle: &Bundle) -> Result<Proven, Disproven> {
    let docket = &bundle.docket;
    let mut line = Line::open(docket, &bundle.delegations)?;
    for signed in &bundle.moves {
        line.play(signed)?;
    }
    let delegations = line.close()?;
    let outcome = line.game().outcome().ok_or(Disproven::Unfinished)?;
    let finding = outcome.finding.filter(|_| outcome.winner == Side::Challenger);
    Ok(Proven {
        accused: docket.claim.signer(),
        network: docket.facts.network,
        dispute: line.game().id(),
        unit: docket.unit,
        finding: finding.ok_or(Disproven::ClaimStood)?,
        moves: bundle.moves.len(),
        delegations,
    })
}
