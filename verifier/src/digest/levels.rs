//! All node values of one tree, kept so that an opening or a path is a look-up.

use super::{Node, NodeValue, Tree, path};

/// `rows[k][j]` is the value of the subtree over units `[j * 2^k, min((j + 1) * 2^k, n))`.
///
/// About two values are kept per unit: 64 bytes for each KiB of a tensor.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    tree: Tree,
    rows: Vec<Vec<NodeValue>>,
}

impl Levels {
    /// Builds the tree over its units' values, one for each unit.
    pub(super) fn new(tree: Tree, units: Vec<NodeValue>) -> Self {
        let mut rows = vec![units];
        while let Some(row) = rows.last().filter(|row| row.len() > 1) {
            let above = tree.join_once(row, row.len() == 2);
            rows.push(above);
        }
        Self { tree, rows }
    }

    /// The shape this was built for.
    pub(super) fn tree(&self) -> Tree {
        self.tree
    }

    /// The root.
    pub(super) fn root(&self) -> NodeValue {
        let top = self.rows.last().and_then(|row| row.first());
        self.tree.seal(top)
    }

    /// The children of a node of this tree; `None` if it is of another tree or cannot be opened.
    pub(super) fn open(&self, node: &Node) -> Option<Vec<NodeValue>> {
        if node.tree() != self.tree {
            return None;
        }
        let group = node.group()?;
        let row = self.rows.get(usize::try_from(group.trailing_zeros()).ok()?)?;
        let first = usize::try_from(node.start() / group).ok()?;
        let count = usize::try_from(node.count().div_ceil(group)).ok()?;
        Some(row.get(first..first.checked_add(count)?)?.to_vec())
    }

    /// This tree with the values of another one, which is known only through the openings of nodes on one way down.
    /// Paths to units whose own siblings are equal in both, or were opened, then lead to the other tree's root.
    pub(super) fn patched(&self, openings: &[(Node, Vec<NodeValue>)]) -> Option<Levels> {
        let mut patched = self.clone();
        // Deepest first: what a shallower opening says of a node stands above what was joined from below.
        for (node, children) in openings.iter().rev() {
            let level = usize::try_from(node.group()?.trailing_zeros()).ok()?;
            let first = usize::try_from(node.start() / node.group()?).ok()?;
            let row = patched.rows.get_mut(level)?;
            row.get_mut(first..first.checked_add(children.len())?)?.copy_from_slice(children);
            for above in level + 1..patched.rows.len() {
                let below = &patched.rows[above - 1];
                patched.rows[above] = self.tree.join_once(below, below.len() == 2);
            }
        }
        Some(patched)
    }

    /// The siblings on the way up from a unit; `None` if there is no such unit.
    pub(super) fn siblings(&self, unit: u64) -> Option<Vec<NodeValue>> {
        if unit >= self.tree.units() {
            return None;
        }
        path::steps(self.tree.units(), unit)
            .zip(&self.rows)
            .filter_map(|(step, row)| step.sibling().map(|at| row.get(usize::try_from(at).ok()?).copied()))
            .collect()
    }
}
