//! Heights, addresses and values in the engine's words: thin wrappers around the ledger's own.

use borsh::{BorshDeserialize, BorshSerialize};
use malachite_core_types as engine;
use retrace_ledger::CheckedBlock;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::fmt;

/// A height of consensus: that of the block which it decides.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Height(pub u64);

impl engine::Height for Height {
    const ZERO: Height = Height(0);
    const INITIAL: Height = Height(1);

    fn increment_by(&self, heights: u64) -> Height {
        Height(self.0.saturating_add(heights))
    }

    fn decrement_by(&self, heights: u64) -> Option<Height> {
        self.0.checked_sub(heights).map(Height)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who votes: a validator's consensus key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address(pub PeerKey);

impl engine::Address for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is voted on: a block's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct BlockId(pub Digest);

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is proposed: a block by its id and length. Its bytes travel as parts (W-1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Value {
    /// The block's id.
    pub block: BlockId,
    /// Its canonical bytes.
    pub bytes: u32,
}

impl Value {
    /// The value that stands for a block.
    pub fn of(block: &CheckedBlock, bytes: usize) -> Value {
        // A block has at most 2^20 bytes, so this never saturates.
        Value { block: BlockId(block.id()), bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }
}

impl engine::Value for Value {
    type Id = BlockId;

    fn id(&self) -> BlockId {
        self.block
    }
}
