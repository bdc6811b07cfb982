//! Openings: the one move by which a dispute descends a tree, at most 256 children at a time (V-2.2).
//!
//! ```text
//! Node [start, start + count)          accused posts ceil(count / s) children, checked against the value
//!   |- [start,     start + s)          s = smallest power of two with at most 256 children
//!   |- [start + s, start + 2s)         challenger names one, which is the next Node
//!   `- [...,       start + count)      the last may be short
//! ```

use std::io::{Error, ErrorKind, Read, Result as IoResult};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Digest, NodeValue, Tree};

/// The most children that one opening posts (V-2.2).
pub const MAX_CHILDREN: u64 = 256;

/// A subtree over units `[start, start + count)` of a tree, with the value it is claimed to have (V-2.2).
///
/// Every `Node` is a subtree that its tree has: the fields are private and each way in checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Node {
    tree: Tree,
    start: u64,
    count: u64,
    value: NodeValue,
}

/// Why there is no such node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The range is no subtree of the tree.
    #[error("units {start} and the {count} from there are no subtree of a tree of {units}")]
    NoSubtree {
        /// First unit.
        start: u64,
        /// Number of units.
        count: u64,
        /// Units of the tree.
        units: u64,
    },
}

/// Why an opening is refused, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// A single unit, or nothing at all, has no children.
    #[error("a node of {count} units has no children")]
    NoChildren {
        /// Units of the node.
        count: u64,
    },
    /// More or fewer children than the node's count demands.
    #[error("{found} children instead of {expected}")]
    ChildCount {
        /// Children demanded.
        expected: u64,
        /// Children found.
        found: usize,
    },
    /// The children do not hash to the node.
    #[error("the children do not hash to the node's value")]
    Mismatch,
    /// The chosen child does not exist.
    #[error("child {index} is out of range, there are {children}")]
    ChildIndex {
        /// The child asked for.
        index: usize,
        /// Children of the node.
        children: usize,
    },
}

/// Why bytes are not the unit of a leaf node, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// The node covers more than one unit, or none.
    #[error("a node of {count} units is no leaf")]
    NotALeaf {
        /// Units of the node.
        count: u64,
    },
    /// A chunk was shown for a list, or a list leaf for a tensor.
    #[error("the leaf belongs to the other family of trees")]
    OtherFamily,
    /// The chunk does not have the length that the tensor's length gives it.
    #[error("the chunk has {found_bytes} bytes instead of {expected_bytes}")]
    ChunkLength {
        /// Length by the tensor's length.
        expected_bytes: usize,
        /// Length found.
        found_bytes: usize,
    },
    /// The bytes do not hash to the node.
    #[error("the bytes do not hash to the leaf's value")]
    Mismatch,
}

impl Node {
    /// The whole of a tree, claimed to have the digest or root `root`.
    pub fn root(tree: Tree, root: Digest) -> Self {
        Self { tree, start: 0, count: tree.units(), value: root.0 }
    }

    /// A subtree with a claimed value, if the tree has such a subtree.
    pub fn new(tree: Tree, start: u64, count: u64, value: NodeValue) -> Result<Self, NodeError> {
        if is_subtree(tree.units(), start, count) {
            Ok(Self { tree, start, count, value })
        } else {
            Err(NodeError::NoSubtree { start, count, units: tree.units() })
        }
    }

    /// The tree this is a part of.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The first unit.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The number of units; 0 only for the root of an empty list.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The claimed value: the digest or root if the node is the whole tree.
    pub fn value(&self) -> &NodeValue {
        &self.value
    }

    /// Whether the node is the whole tree.
    pub fn is_root(&self) -> bool {
        self.count == self.tree.units()
    }

    /// Whether the node is a single unit.
    pub fn is_leaf(&self) -> bool {
        self.count == 1
    }

    /// How many units each child covers, the last one perhaps fewer; `None` if there are no children.
    pub fn group(&self) -> Option<u64> {
        (self.count > 1).then(|| group_size(self.count))
    }

    /// Checks that these are the node's children: right in number, and hashing to its value (V-2.2).
    pub fn open_check(&self, children: &[NodeValue]) -> Result<(), OpeningError> {
        let group = self.group().ok_or(OpeningError::NoChildren { count: self.count })?;
        let expected = self.count.div_ceil(group);
        if u64::try_from(children.len()) != Ok(expected) {
            return Err(OpeningError::ChildCount { expected, found: children.len() });
        }
        let top = self.tree.join(children, self.is_root());
        if self.sealed(top) != Some(self.value) {
            return Err(OpeningError::Mismatch);
        }
        Ok(())
    }

    /// Child `index` of the node, after the same checks as [`Node::open_check`] (V-2.2).
    pub fn child(&self, children: &[NodeValue], index: usize) -> Result<Self, OpeningError> {
        self.open_check(children)?;
        let out_of_range = OpeningError::ChildIndex { index, children: children.len() };
        let value = *children.get(index).ok_or(out_of_range)?;
        let group = group_size(self.count);
        let skipped = group * u64::try_from(index).map_err(|_| out_of_range)?;
        let count = group.min(self.count - skipped);
        Ok(Self { tree: self.tree, start: self.start + skipped, count, value })
    }

    /// Checks that `bytes` is the tensor chunk of this leaf (V-2.2).
    pub fn check_chunk(&self, bytes: &[u8]) -> Result<(), LeafError> {
        self.check_leaf()?;
        let expected_bytes = self.tree.chunk_len(self.start).ok_or(LeafError::OtherFamily)?;
        if bytes.len() != expected_bytes {
            return Err(LeafError::ChunkLength { expected_bytes, found_bytes: bytes.len() });
        }
        self.check_unit(bytes)
    }

    /// Checks that `bytes` is the list leaf of this leaf (V-2.2).
    pub fn check_list_leaf(&self, bytes: &[u8]) -> Result<(), LeafError> {
        self.check_leaf()?;
        match self.tree {
            Tree::Tensor { .. } => Err(LeafError::OtherFamily),
            Tree::List { .. } => self.check_unit(bytes),
        }
    }

    fn check_leaf(&self) -> Result<(), LeafError> {
        if self.is_leaf() { Ok(()) } else { Err(LeafError::NotALeaf { count: self.count }) }
    }

    fn check_unit(&self, bytes: &[u8]) -> Result<(), LeafError> {
        let value = self.tree.unit_value(self.start, bytes);
        if self.sealed(Some(value)) == Some(self.value) { Ok(()) } else { Err(LeafError::Mismatch) }
    }

    /// The value of this node from its top value: the root rule applies to the whole tree only.
    fn sealed(&self, top: Option<NodeValue>) -> Option<NodeValue> {
        if self.is_root() { Some(self.tree.seal(top.as_ref())) } else { top }
    }
}

impl BorshDeserialize for Node {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let (tree, start, count, value) = BorshDeserialize::deserialize_reader(reader)?;
        Self::new(tree, start, count, value).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}

/// The units of a child: the smallest power of two that needs at most 256 children, 2^56 at most (V-2.2).
pub(super) fn group_size(count: u64) -> u64 {
    count.div_ceil(MAX_CHILDREN).next_power_of_two()
}

/// Whether a left-balanced tree of `units` has a node over `[start, start + count)`.
///
/// It does if the range is all of it, or starts at a multiple of the power of two that holds `count` and
/// either fills that power or ends with the tree.
fn is_subtree(units: u64, start: u64, count: u64) -> bool {
    if start == 0 && count == units {
        return true;
    }
    let (Some(end), Some(width)) = (start.checked_add(count), count.checked_next_power_of_two()) else {
        return false;
    };
    count > 0 && end <= units && start.is_multiple_of(width) && (count == width || end == units)
}
