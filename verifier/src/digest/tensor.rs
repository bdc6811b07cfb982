//! A tensor's digest and the cached tree from which its owner opens it (V-1.1).

use super::levels::Levels;
use super::{CHUNK_BYTES, Digest, Node, NodeValue, TensorPath, Tree};

/// The digest of a tensor: plain BLAKE3 of its little-endian row-major bytes, what `b3sum` prints (V-1.1).
pub fn tensor_digest(bytes: &[u8]) -> Digest {
    blake3::hash(bytes).into()
}

/// A tensor's bytes with every node value of its tree, on the side of the one who has to open it.
#[derive(Clone, Debug)]
pub struct TensorTree {
    bytes: Vec<u8>,
    levels: Levels,
}

impl TensorTree {
    /// Hashes every chunk and builds the tree.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let tree = Tree::Tensor { len_bytes: bytes.len() as u64 };
        let values = (0..tree.units()).map(|chunk| tree.unit_value(chunk, slice(&bytes, chunk))).collect();
        Self { levels: Levels::new(tree, values), bytes }
    }

    /// The tensor's digest; equal to [`tensor_digest`] of its bytes.
    pub fn digest(&self) -> Digest {
        Digest(self.levels.root())
    }

    /// The shape of the tree.
    pub fn tree(&self) -> Tree {
        self.levels.tree()
    }

    /// The root node, where a descent begins.
    pub fn root_node(&self) -> Node {
        Node::root(self.tree(), self.digest())
    }

    /// This tensor's children at the place of `node`, whatever value the node claims (V-2.2).
    ///
    /// `None` if the node is of a tree of another shape, or is a single chunk.
    pub fn open(&self, node: &Node) -> Option<Vec<NodeValue>> {
        self.levels.open(node)
    }

    /// The path of a chunk; `None` if there is no such chunk (V-2.1).
    pub fn path(&self, chunk: u64) -> Option<TensorPath> {
        Some(TensorPath { siblings: self.levels.siblings(chunk)? })
    }

    /// The bytes of a chunk; `None` if there is no such chunk.
    pub fn chunk(&self, chunk: u64) -> Option<&[u8]> {
        (chunk < self.tree().units()).then(|| slice(&self.bytes, chunk))
    }
}

impl TensorPath {
    /// The path of a chunk from all the tensor's bytes; `None` if there is no such chunk (V-2.1).
    pub fn build(bytes: &[u8], chunk: u64) -> Option<Self> {
        TensorTree::new(bytes).path(chunk)
    }
}

/// The bytes of a chunk that exists.
fn slice(bytes: &[u8], chunk: u64) -> &[u8] {
    let index = usize::try_from(chunk).unwrap_or(usize::MAX);
    bytes.chunks(CHUNK_BYTES as usize).nth(index).unwrap_or(&[])
}
