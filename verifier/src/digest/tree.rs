//! The shape of a tree and its hash rules, which follow from what the caller knows and never from a proof.

use blake3::Hasher;
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use borsh::{BorshDeserialize, BorshSerialize};

use super::{ListKind, NodeValue};

/// Bytes of a tensor's chunk, the leaf of its tree; only the last one may be shorter (V-1.1).
pub const CHUNK_BYTES: u64 = 1024;

/// A tree as the program, the ledger or the run describes it: what it is of, and how large.
///
/// The units of a tensor are its chunks, the units of a list are its leaves. The tree is left-balanced: the
/// left side of a node is the largest power of two smaller than the node's count. Joining neighbors level by
/// level, a last one without a neighbor moving up as it is, builds the same tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub enum Tree {
    /// BLAKE3's own tree over a tensor's bytes (V-1.1).
    Tensor {
        /// Length of the tensor in bytes.
        len_bytes: u64,
    },
    /// The tree over a list (V-1.2).
    List {
        /// What the list holds.
        kind: ListKind,
        /// How many leaves it has.
        count: u64,
    },
}

impl Tree {
    /// How many units the tree has. A tensor has at least one, a list may have none.
    pub fn units(&self) -> u64 {
        match *self {
            Self::Tensor { len_bytes } => len_bytes.div_ceil(CHUNK_BYTES).max(1),
            Self::List { count, .. } => count,
        }
    }

    /// How many bytes a tensor's chunk has; `None` for a list or a chunk that the tensor does not have.
    pub fn chunk_len(&self, chunk: u64) -> Option<usize> {
        let Self::Tensor { len_bytes } = *self else {
            return None;
        };
        if chunk >= self.units() {
            return None;
        }
        let len = len_bytes.checked_sub(chunk.checked_mul(CHUNK_BYTES)?)?.min(CHUNK_BYTES);
        usize::try_from(len).ok()
    }

    /// The value of unit `index`, which the caller has checked to be in range and of the right length.
    ///
    /// A tensor of one chunk is its own root, and is hashed here with the root flag and all.
    pub(super) fn unit_value(&self, index: u64, bytes: &[u8]) -> NodeValue {
        match *self {
            Self::Tensor { .. } if self.units() == 1 => *blake3::hash(bytes).as_bytes(),
            Self::Tensor { .. } => {
                let mut hasher = Hasher::new();
                hasher.set_input_offset(index * CHUNK_BYTES).update(bytes);
                hasher.finalize_non_root()
            }
            Self::List { kind, .. } => kind.leaf(bytes),
        }
    }

    /// The value of a parent; `at_top` says that it covers the whole tree.
    pub(super) fn merge(&self, left: &NodeValue, right: &NodeValue, at_top: bool) -> NodeValue {
        match *self {
            Self::Tensor { .. } if at_top => *merge_subtrees_root(left, right, Mode::Hash).as_bytes(),
            Self::Tensor { .. } => merge_subtrees_non_root(left, right, Mode::Hash),
            Self::List { kind, .. } => kind.parent(left, right),
        }
    }

    /// The root from the top node, which only an empty list lacks: a list's root binds its count.
    pub(super) fn seal(&self, top: Option<&NodeValue>) -> NodeValue {
        match *self {
            Self::Tensor { .. } => top.copied().unwrap_or_else(|| *blake3::hash(&[]).as_bytes()),
            Self::List { kind, count } => kind.root(count, top),
        }
    }

    /// Joins neighbors level by level until one value is left; `None` for no values.
    pub(super) fn join(&self, values: &[NodeValue], at_top: bool) -> Option<NodeValue> {
        let mut level = values.to_vec();
        while level.len() > 1 {
            level = self.join_once(&level, at_top && level.len() == 2);
        }
        level.first().copied()
    }

    /// One level up: neighbors become parents, a last one without a neighbor stays what it is.
    pub(super) fn join_once(&self, level: &[NodeValue], at_top: bool) -> Vec<NodeValue> {
        level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => self.merge(left, right, at_top),
                rest => rest[0],
            })
            .collect()
    }
}
