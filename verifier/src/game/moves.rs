//! The moves and their signatures (V-4.2).

use super::judge::OperandProof;
use crate::digest::{Digest, ListPath, NodeValue};
use crate::signature::{PeerKey, Signature, SignatureError, sign, verify};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use retrace_model::op::LANES;
use retrace_model::program::Row;

const CONTEXT: &str = "retrace v1 move";

/// A side of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Side {
    /// Who signed the claim.
    Accused,
    /// Who disputes it.
    Challenger,
}

impl Side {
    /// The opponent.
    pub fn other(self) -> Side {
        match self {
            Side::Accused => Side::Challenger,
            Side::Challenger => Side::Accused,
        }
    }
}

/// Which claimed list or value a dispute goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Target {
    /// The op list.
    Ops,
    /// The entries of the claimed post-state, delta or base.
    Post,
    /// The step's batch.
    Batch,
    /// The claimed loss.
    Loss,
}

/// A move; who may make it and when is in the module's table.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Move {
    /// Root over the op list.
    Trace(Digest),
    /// Which list goes down.
    Target(Target),
    /// Children of the node in dispute.
    Open(Vec<NodeValue>),
    /// One of the posted children or intervals.
    Choose(u32),
    /// Digest of the output at the leaf.
    Reveal(Digest),
    /// The program's row that wrote it.
    Name {
        /// Position in the program.
        index: u32,
        /// The row.
        row: Row,
        /// Its path under the program's root.
        path: ListPath,
    },
    /// The chunk of elements in dispute.
    Tile(Vec<u8>),
    /// One element of the tile.
    Element(u32),
    /// Totals of the 16 lanes.
    Totals([u32; LANES]),
    /// One lane.
    Lane(u8),
    /// Accumulators at the ends of the sub-intervals.
    Partials(Vec<u32>),
    /// All operands of the last element or link.
    Judge(Vec<OperandProof>),
}

/// The name of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum MoveKind {
    /// [`Move::Trace`].
    Trace,
    /// [`Move::Target`].
    Target,
    /// [`Move::Open`].
    Open,
    /// [`Move::Choose`].
    Choose,
    /// [`Move::Reveal`].
    Reveal,
    /// [`Move::Name`].
    Name,
    /// [`Move::Tile`].
    Tile,
    /// [`Move::Element`].
    Element,
    /// [`Move::Totals`].
    Totals,
    /// [`Move::Lane`].
    Lane,
    /// [`Move::Partials`].
    Partials,
    /// [`Move::Judge`].
    Judge,
}

impl Move {
    /// The move's name.
    pub fn kind(&self) -> MoveKind {
        match self {
            Move::Trace(_) => MoveKind::Trace,
            Move::Target(_) => MoveKind::Target,
            Move::Open(_) => MoveKind::Open,
            Move::Choose(_) => MoveKind::Choose,
            Move::Reveal(_) => MoveKind::Reveal,
            Move::Name { .. } => MoveKind::Name,
            Move::Tile(_) => MoveKind::Tile,
            Move::Element(_) => MoveKind::Element,
            Move::Totals(_) => MoveKind::Totals,
            Move::Lane(_) => MoveKind::Lane,
            Move::Partials(_) => MoveKind::Partials,
            Move::Judge(_) => MoveKind::Judge,
        }
    }
}

/// A move as it is posted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedMove {
    /// The dispute.
    pub dispute: Digest,
    /// Number of the move, from 0, both sides counted.
    pub number: u16,
    /// Who moves.
    pub side: Side,
    /// The move.
    pub body: Move,
    /// Signature over all of the above, by the side's key or its defense key.
    pub signature: Signature,
}

impl SignedMove {
    /// Signs a move.
    pub fn new(key: &SigningKey, dispute: Digest, number: u16, side: Side, body: Move) -> SignedMove {
        let signature = sign(key, CONTEXT, &(dispute, number, side, &body));
        SignedMove { dispute, number, side, body, signature }
    }

    /// Checks the signature against the side's key.
    pub fn check(&self, key: &PeerKey) -> Result<(), SignatureError> {
        verify(key, CONTEXT, &(self.dispute, self.number, self.side, &self.body), &self.signature)
    }

    /// The key that signed it: the side's own, or else the first of the side's defense keys; an error names the
    /// side's own.
    pub fn signer(&self, own: &PeerKey, defense: &[PeerKey]) -> Result<PeerKey, SignatureError> {
        match self.check(own) {
            Ok(()) => Ok(*own),
            Err(error) => defense.iter().find(|key| self.check(key).is_ok()).copied().ok_or(error),
        }
    }

    /// Canonical bytes of the move.
    pub fn bytes(&self) -> u64 {
        borsh::object_length(self).unwrap_or(usize::MAX) as u64
    }
}
