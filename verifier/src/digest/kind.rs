//! The kinds of list, and the three hash contexts that belong to each (V-1.2).

use std::sync::LazyLock;

use blake3::Hasher;
use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use borsh::{BorshDeserialize, BorshSerialize};

use super::NodeValue;

/// What a list holds. Two lists of different kinds never share a hash, whatever their leaves are (V-1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ListKind {
    /// The digests of a unit's op outputs, in program order.
    Ops = 0,
    /// The state root after each step of a segment.
    StepRoots = 1,
    /// The loss bits of each step of a segment.
    Losses = 2,
    /// The batch digests of a segment.
    Batches = 3,
    /// The entries of a state.
    State = 4,
    /// The entries of a delta.
    Delta = 5,
    /// The rows of a program.
    Program = 6,
    /// The token shards of a manifest.
    Shards = 7,
}

/// The derived keys of one kind of list.
struct Keys {
    leaf: ContextKey,
    parent: ContextKey,
    root: ContextKey,
}

/// The keys of every kind, in the order of [`ListKind::ALL`].
static KEYS: LazyLock<[Keys; 8]> = LazyLock::new(|| ListKind::ALL.map(Keys::of));

impl Keys {
    fn of(kind: ListKind) -> Self {
        let key = |role: &str| hash_derive_key_context(&format!("retrace v1 list {role} {}", kind.word()));
        Self { leaf: key("leaf"), parent: key("parent"), root: key("root") }
    }
}

impl ListKind {
    /// Every kind, in the order of the wire numbers.
    pub const ALL: [Self; 8] = [
        Self::Ops,
        Self::StepRoots,
        Self::Losses,
        Self::Batches,
        Self::State,
        Self::Delta,
        Self::Program,
        Self::Shards,
    ];

    /// The word that ends this kind's context strings (V-1.2).
    pub fn word(self) -> &'static str {
        match self {
            Self::Ops => "ops",
            Self::StepRoots => "step-roots",
            Self::Losses => "losses",
            Self::Batches => "batches",
            Self::State => "state",
            Self::Delta => "delta",
            Self::Program => "program",
            Self::Shards => "shards",
        }
    }

    /// The value of a leaf.
    pub(super) fn leaf(self, bytes: &[u8]) -> NodeValue {
        derive(&self.keys().leaf, &[bytes])
    }

    /// The value of a parent.
    pub(super) fn parent(self, left: &NodeValue, right: &NodeValue) -> NodeValue {
        derive(&self.keys().parent, &[left, right])
    }

    /// The root of a list: its count, then its top node, which an empty list does not have.
    pub(super) fn root(self, count: u64, top: Option<&NodeValue>) -> NodeValue {
        let top = top.map_or(&[][..], |value| &value[..]);
        derive(&self.keys().root, &[&count.to_le_bytes(), top])
    }

    fn keys(self) -> &'static Keys {
        &KEYS[self as usize]
    }
}

/// BLAKE3 in derive-key mode under a context that was hashed before.
fn derive(key: &ContextKey, parts: &[&[u8]]) -> NodeValue {
    let mut hasher = Hasher::new_from_context_key(key);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}
