//! Paths: one unit of a tensor or a list, shown to belong to a digest in one go (V-2.1).

use std::io::{Error, ErrorKind, Read, Result as IoResult};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Digest, ListKind, NodeValue, Tree};

/// The most siblings any path has: the depth of a tree over 2^64 units.
pub const MAX_SIBLINGS: u32 = 64;

/// The siblings from a tensor's chunk up to its digest, lowest first (V-2.1).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TensorPath {
    /// Sibling values; a level at which the node is the last one without a neighbor has none.
    #[borsh(deserialize_with = "read_siblings")]
    pub siblings: Vec<NodeValue>,
}

/// The siblings from a list's leaf up to its top node, lowest first (V-2.1).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ListPath {
    /// Sibling values; a level at which the node is the last one without a neighbor has none.
    #[borsh(deserialize_with = "read_siblings")]
    pub siblings: Vec<NodeValue>,
}

/// Why a path proves nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The tree has no such unit.
    #[error("unit {index} is out of range, the tree has {units}")]
    IndexOutOfRange {
        /// The unit asked for.
        index: u64,
        /// Units of the tree.
        units: u64,
    },
    /// The chunk does not have the length that the tensor's length gives it.
    #[error("the chunk has {found_bytes} bytes instead of {expected_bytes}")]
    ChunkLength {
        /// Length by the tensor's length.
        expected_bytes: usize,
        /// Length found.
        found_bytes: usize,
    },
    /// The path has more or fewer siblings than this unit's place demands.
    #[error("the path has {found} siblings instead of {expected}")]
    SiblingCount {
        /// Siblings that the place demands.
        expected: u32,
        /// Siblings found.
        found: usize,
    },
    /// Unit and siblings hash to something else.
    #[error("unit and path give {found}, not the digest {expected}")]
    Mismatch {
        /// The digest to be shown.
        expected: Digest,
        /// The digest that the path gives.
        found: Digest,
    },
}

impl TensorPath {
    /// Checks that `bytes` is chunk `chunk` of the tensor of `len_bytes` bytes with digest `digest` (V-2.1).
    pub fn verify(&self, digest: &Digest, len_bytes: u64, chunk: u64, bytes: &[u8]) -> Result<(), PathError> {
        let tree = Tree::Tensor { len_bytes };
        let out_of_range = PathError::IndexOutOfRange { index: chunk, units: tree.units() };
        let expected_bytes = tree.chunk_len(chunk).ok_or(out_of_range)?;
        if bytes.len() != expected_bytes {
            return Err(PathError::ChunkLength { expected_bytes, found_bytes: bytes.len() });
        }
        climb(&tree, digest, chunk, bytes, &self.siblings)
    }
}

impl ListPath {
    /// Checks that `bytes` is leaf `index` of the list of `count` leaves with root `root` (V-2.1).
    pub fn verify(
        &self,
        kind: ListKind,
        root: &Digest,
        count: u64,
        index: u64,
        bytes: &[u8],
    ) -> Result<(), PathError> {
        if index >= count {
            return Err(PathError::IndexOutOfRange { index, units: count });
        }
        climb(&Tree::List { kind, count }, root, index, bytes, &self.siblings)
    }
}

/// Hashes from a unit to the root and compares.
fn climb(
    tree: &Tree,
    expected: &Digest,
    index: u64,
    bytes: &[u8],
    siblings: &[NodeValue],
) -> Result<(), PathError> {
    let count = super::path_siblings_at(tree.units(), index);
    if u32::try_from(siblings.len()) != Ok(count) {
        return Err(PathError::SiblingCount { expected: count, found: siblings.len() });
    }
    let mut value = tree.unit_value(index, bytes);
    let turns = steps(tree.units(), index).filter(|step| step.sibling().is_some());
    for (step, sibling) in turns.zip(siblings) {
        let at_top = step.width == 2;
        value = match step.place % 2 {
            0 => tree.merge(&value, sibling, at_top),
            _ => tree.merge(sibling, &value, at_top),
        };
    }
    let found = Digest(tree.seal(Some(&value)));
    if found != *expected {
        return Err(PathError::Mismatch { expected: *expected, found });
    }
    Ok(())
}

/// One level on the way up: the node's place among the `width` nodes of its level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    place: u64,
    width: u64,
}

impl Step {
    /// The place of the neighbor it is joined with; a last node without a neighbor has none.
    pub(super) fn sibling(&self) -> Option<u64> {
        let at = self.place ^ 1;
        (at < self.width).then_some(at)
    }
}

/// The levels from unit `index` up to, and without, the top.
pub(super) fn steps(units: u64, index: u64) -> impl Iterator<Item = Step> {
    let first = Step { place: index, width: units };
    std::iter::successors(Some(first), |step| {
        Some(Step { place: step.place / 2, width: step.width.div_ceil(2) })
    })
    .take_while(|step| step.width > 1)
}

/// Reads siblings, refusing a count that no tree has before anything is allocated.
fn read_siblings<R: Read>(reader: &mut R) -> IoResult<Vec<NodeValue>> {
    let count = u32::deserialize_reader(reader)?;
    if count > MAX_SIBLINGS {
        return Err(Error::from(ErrorKind::InvalidData));
    }
    (0..count).map(|_| NodeValue::deserialize_reader(reader)).collect()
}
