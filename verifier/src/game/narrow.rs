//! From a claimed root to one tile of elements (V-4.3).

use super::phase::{Claimed, List, Phase};
use super::{Game, Refusal, Step, Target, chain};
use crate::digest::{Digest, ListKind, ListPath, Node, NodeValue, Tree};
use retrace_model::program::{Home, Row, parameter_table};

impl Game {
    /// The challenger says which claimed list or value is wrong.
    pub(super) fn target(&self, target: Target) -> Result<Step, Refusal> {
        let program = &self.docket.facts.program;
        let missing = || Refusal::Target;
        Ok(Step::Go(match target {
            Target::Ops => {
                let root = self.ops.ok_or_else(missing)?;
                let count = u64::from(program.trace_leaves);
                list_phase(Node::root(Tree::List { kind: ListKind::Ops, count }, root), List::Ops)
            }
            Target::Post => {
                let (kind, root) = self.frame.post.ok_or_else(missing)?;
                let count = u64::from(program.post_entries);
                list_phase(Node::root(Tree::List { kind: kind.list_kind(), count }, root), List::Post)
            }
            Target::Batch => Phase::Name(Claimed::Tensor(Home::Batch, self.frame.batch.ok_or_else(missing)?)),
            Target::Loss => Phase::Name(Claimed::Loss(self.frame.loss.ok_or_else(missing)?)),
        }))
    }

    /// The accused shows the digest that the leaf stands for.
    pub(super) fn reveal(&self, node: &Node, list: List, digest: &Digest) -> Result<Step, Refusal> {
        let at = u32::try_from(node.start()).unwrap_or(u32::MAX);
        let home = match list {
            List::Ops => {
                node.check_list_leaf(digest.as_bytes())?;
                Home::Trace(at)
            }
            List::Post => {
                let spec = &self.docket.facts.spec;
                let table = parameter_table(&spec.model);
                let (kind, _) = self.frame.post.ok_or(Refusal::Target)?;
                let leaf = kind.leaf(spec, &table, at as usize, *digest).ok_or(Refusal::Target)?;
                node.check_list_leaf(&leaf)?;
                Home::Post(at)
            }
        };
        Ok(Step::Go(Phase::Name(Claimed::Tensor(home, *digest))))
    }

    /// The challenger names the row that wrote the output, proved under the program's root.
    pub(super) fn name(
        &self,
        claimed: &Claimed,
        index: u32,
        row: &Row,
        path: &ListPath,
    ) -> Result<Step, Refusal> {
        let program = &self.docket.facts.program;
        row.check()?;
        let bytes = borsh::to_vec(row).unwrap_or_default();
        path.verify(ListKind::Program, &program.root, u64::from(program.rows), u64::from(index), &bytes)?;
        match *claimed {
            Claimed::Tensor(home, digest) if row.home == home => {
                let tree = Tree::Tensor { len_bytes: row.elements() * 4 };
                Ok(Step::Go(tensor_phase(row.clone(), index, Node::root(tree, digest))))
            }
            Claimed::Loss(bits) if row.home == Home::Loss && row.elements() == 1 => {
                chain::element(row, index, 0, &[bits], 0)
            }
            _ => Err(Refusal::Home),
        }
    }
}

fn list_phase(node: Node, list: List) -> Phase {
    if node.is_leaf() { Phase::Reveal { node, list } } else { Phase::OpenList { node, list } }
}

fn tensor_phase(row: Row, index: u32, node: Node) -> Phase {
    if node.is_leaf() { Phase::Tile { row, index, node } } else { Phase::OpenTensor { row, index, node } }
}

/// The accused opens a list node.
pub(super) fn open_list(node: &Node, list: List, children: &[NodeValue]) -> Result<Step, Refusal> {
    node.open_check(children)?;
    Ok(Step::Go(Phase::ChooseList { node: *node, list, children: children.to_vec() }))
}

/// The challenger chooses a child of a list node.
pub(super) fn choose_list(node: &Node, list: List, children: &[NodeValue], at: u32) -> Result<Step, Refusal> {
    Ok(Step::Go(list_phase(node.child(children, at as usize)?, list)))
}

/// The accused opens a tensor node.
pub(super) fn open_tensor(
    row: &Row,
    index: u32,
    node: &Node,
    children: &[NodeValue],
) -> Result<Step, Refusal> {
    node.open_check(children)?;
    let children = children.to_vec();
    Ok(Step::Go(Phase::ChooseTensor { row: row.clone(), index, node: *node, children }))
}

/// The challenger chooses a child of a tensor node.
pub(super) fn choose_tensor(
    row: &Row,
    index: u32,
    node: &Node,
    children: &[NodeValue],
    at: u32,
) -> Result<Step, Refusal> {
    Ok(Step::Go(tensor_phase(row.clone(), index, node.child(children, at as usize)?)))
}

/// The accused shows the elements of the last chunk.
pub(super) fn tile(row: &Row, index: u32, node: &Node, bytes: &[u8]) -> Result<Step, Refusal> {
    node.check_chunk(bytes)?;
    let words = bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let first = node.start() * 256;
    Ok(Step::Go(Phase::Element { row: row.clone(), index, first, words }))
}
