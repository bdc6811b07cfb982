//! A list's root and the cached tree from which its owner opens it (V-1.2).

use super::levels::Levels;
use super::{Digest, ListKind, ListPath, Node, NodeValue, Tree};

/// The root of a list (V-1.2).
pub fn list_root(kind: ListKind, leaves: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Digest {
    ListTree::new(kind, leaves).root()
}

/// Every node value of a list's tree, on the side of the one who has to open it. It keeps no leaf bytes.
#[derive(Clone, Debug)]
pub struct ListTree {
    levels: Levels,
}

impl ListTree {
    /// Hashes every leaf and builds the tree.
    pub fn new(kind: ListKind, leaves: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let values: Vec<NodeValue> = leaves.into_iter().map(|leaf| kind.leaf(leaf.as_ref())).collect();
        let tree = Tree::List { kind, count: values.len() as u64 };
        Self { levels: Levels::new(tree, values) }
    }

    /// This tree with what an opponent opened of another one, in the order of the openings (V-2.2).
    pub fn patched(&self, openings: &[(Node, Vec<NodeValue>)]) -> Option<ListTree> {
        Some(ListTree { levels: self.levels.patched(openings)? })
    }

    /// The root, which binds kind, count and every leaf.
    pub fn root(&self) -> Digest {
        Digest(self.levels.root())
    }

    /// The shape of the tree.
    pub fn tree(&self) -> Tree {
        self.levels.tree()
    }

    /// The root node, where a descent begins.
    pub fn root_node(&self) -> Node {
        Node::root(self.tree(), self.root())
    }

    /// This list's children at the place of `node`, whatever value the node claims (V-2.2).
    ///
    /// `None` if the node is of a tree of another kind or count, or is a single leaf.
    pub fn open(&self, node: &Node) -> Option<Vec<NodeValue>> {
        self.levels.open(node)
    }

    /// The path of a leaf; `None` if there is no such leaf (V-2.1).
    pub fn path(&self, index: u64) -> Option<ListPath> {
        Some(ListPath { siblings: self.levels.siblings(index)? })
    }
}
