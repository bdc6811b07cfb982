//! Openings: a descent from any root reaches any unit, and a changed child never passes.

use borsh::BorshDeserialize;
use proptest::prelude::*;
use retrace_verifier::digest::{
    Digest, LeafError, ListKind, ListTree, MAX_CHILDREN, Node, NodeError, NodeValue, OpeningError,
    TensorTree, Tree, openings, tensor_digest,
};

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7 + i / 1024) as u8).collect()
}

/// Plays the move until the node is unit `unit`; returns it with the number of openings it took.
fn descend(mut node: Node, unit: u64, open: impl Fn(&Node) -> Option<Vec<NodeValue>>) -> (Node, u32) {
    let mut moves = 0;
    while !node.is_leaf() {
        let children = open(&node).unwrap();
        assert!((2..=MAX_CHILDREN).contains(&(children.len() as u64)));
        node.open_check(&children).unwrap();
        let index = (unit - node.start()) / node.group().unwrap();
        let child = node.child(&children, index as usize).unwrap();
        assert_eq!(Node::new(child.tree(), child.start(), child.count(), *child.value()), Ok(child));
        assert!((child.start()..child.start() + child.count()).contains(&unit));
        let bytes = borsh::to_vec(&child).unwrap();
        assert_eq!(Node::try_from_slice(&bytes).unwrap(), child);
        (node, moves) = (child, moves + 1);
    }
    (node, moves)
}

/// Every refusal that an opening of `node` has to meet.
fn refuse_changes(node: &Node, children: &[NodeValue], flip: usize) {
    let mut bad = children.to_vec();
    bad[flip % children.len()][flip / 8 % 32] ^= 1 << (flip % 8);
    assert_eq!(node.open_check(&bad), Err(OpeningError::Mismatch));
    assert_eq!(node.child(&bad, 0), Err(OpeningError::Mismatch));
    bad = children.to_vec();
    bad.swap(0, 1);
    assert_eq!(node.open_check(&bad), Err(OpeningError::Mismatch));
    let expected = children.len() as u64;
    for found in [children.len() - 1, children.len() + 1, 0] {
        bad.resize(found, [0; 32]);
        assert_eq!(node.open_check(&bad), Err(OpeningError::ChildCount { expected, found }));
    }
    for index in [children.len(), usize::MAX] {
        let refused = OpeningError::ChildIndex { index, children: children.len() };
        assert_eq!(node.child(children, index), Err(refused));
    }
}

// V-2.2
#[test]
fn a_tensor_of_more_than_65536_chunks_takes_three_openings_at_most() {
    let tree = TensorTree::new(pattern(65_539 * 1024 + 17));
    for unit in [0, 511, 512, 65_535, 65_536, 65_538, 65_539] {
        let (leaf, moves) = descend(tree.root_node(), unit, |node| tree.open(node));
        assert!(moves <= openings(65_540), "{moves} moves");
        assert_eq!(leaf.check_chunk(tree.chunk(unit).unwrap()), Ok(()));
    }
}

// V-2.2
#[test]
fn a_single_unit_is_root_and_leaf_at_once() {
    for len in [0, 1, 1023, 1024] {
        let bytes = pattern(len);
        let node = Node::root(Tree::Tensor { len_bytes: len as u64 }, tensor_digest(&bytes));
        assert!(node.is_root() && node.is_leaf());
        assert_eq!(node.check_chunk(&bytes), Ok(()));
        assert_eq!(node.open_check(&[]), Err(OpeningError::NoChildren { count: 1 }));
        assert_eq!(node.check_list_leaf(&bytes), Err(LeafError::OtherFamily));
        let refused = LeafError::ChunkLength { expected_bytes: len, found_bytes: len + 1 };
        assert_eq!(node.check_chunk(&pattern(len + 1)), Err(refused));
    }
    let tree = ListTree::new(ListKind::Losses, [[1u8; 4]]);
    let node = tree.root_node();
    assert!(node.is_root() && node.is_leaf());
    assert_eq!(node.check_list_leaf(&[1; 4]), Ok(()));
    assert_eq!(node.check_list_leaf(&[2; 4]), Err(LeafError::Mismatch));
    assert_eq!(node.check_chunk(&[1; 4]), Err(LeafError::OtherFamily));
    assert_eq!(tree.open(&node), None);
}

// V-2.2
#[test]
fn an_empty_list_has_nothing_to_open() {
    let tree = ListTree::new(ListKind::Ops, [[0u8; 0]; 0]);
    let node = tree.root_node();
    assert_eq!((tree.open(&node), node.is_leaf()), (None, false));
    assert_eq!(node.open_check(&[]), Err(OpeningError::NoChildren { count: 0 }));
    assert_eq!(node.check_list_leaf(&[]), Err(LeafError::NotALeaf { count: 0 }));
}

// V-2.2
#[test]
fn a_tree_opens_only_nodes_of_its_own_shape() {
    let tree = TensorTree::new(pattern(5000));
    let other = Node::root(Tree::Tensor { len_bytes: 5001 }, tree.digest());
    assert_eq!(tree.open(&other), None);
    let list = ListTree::new(ListKind::Ops, [[1u8]; 5]);
    let other = Node::root(Tree::List { kind: ListKind::Delta, count: 5 }, list.root());
    assert_eq!(list.open(&other), None);
    let disputed = Node::root(list.tree(), Digest([0; 32]));
    assert_eq!(list.open(&disputed), list.open(&list.root_node()), "whatever value the node claims");
}

/// The subtrees that a left-balanced tree over `[start, start + count)` has, by definition.
fn subtrees(start: u64, count: u64, found: &mut Vec<(u64, u64)>) {
    found.push((start, count));
    if count > 1 {
        let left = count.next_power_of_two() / 2;
        subtrees(start, left, found);
        subtrees(start + left, count - left, found);
    }
}

// V-2.2
#[test]
fn a_node_exists_exactly_where_the_tree_has_a_subtree() {
    for units in 1..=70 {
        let tree = Tree::List { kind: ListKind::Ops, count: units };
        let mut expected = Vec::new();
        subtrees(0, units, &mut expected);
        for (start, count) in (0..units + 3).flat_map(|start| (0..units + 3).map(move |count| (start, count)))
        {
            let node = Node::new(tree, start, count, [0; 32]);
            if expected.contains(&(start, count)) {
                assert!(
                    node.is_ok_and(|node| node.is_root() == (count == units)),
                    "{start} {count} of {units}"
                );
            } else {
                assert_eq!(node, Err(NodeError::NoSubtree { start, count, units }));
            }
        }
    }
}

// V-2.2
#[test]
fn bytes_of_a_node_that_no_tree_has_are_refused() {
    let tree = Tree::Tensor { len_bytes: 5 * 1024 };
    let encode = |start: u64, count: u64| borsh::to_vec(&(tree, start, count, [0u8; 32])).unwrap();
    assert!(Node::try_from_slice(&encode(4, 1)).is_ok());
    for (start, count) in
        [(4, 2), (1, 2), (0, 3), (0, 0), (5, 1), (u64::MAX, 1), (1, u64::MAX), (0, u64::MAX)]
    {
        assert!(Node::try_from_slice(&encode(start, count)).is_err(), "{start} {count}");
    }
    assert!(Node::try_from_slice(&[&encode(4, 1)[..], &[0]].concat()).is_err());
}

proptest! {
    // V-2.2, V-2.3
    #[test]
    fn any_descent_in_a_tensor_reaches_its_chunk(
        len in 0usize..700_000, at in any::<u64>(), flip in any::<usize>(),
    ) {
        let tree = TensorTree::new(pattern(len));
        let units = tree.tree().units();
        let (root, unit) = (tree.root_node(), at % units);
        if let Some(children) = tree.open(&root) {
            refuse_changes(&root, &children, flip);
        }
        let (leaf, moves) = descend(root, unit, |node| tree.open(node));
        prop_assert!(moves <= openings(units));
        let mut bytes = tree.chunk(unit).unwrap().to_vec();
        prop_assert_eq!(leaf.check_chunk(&bytes), Ok(()));
        if !bytes.is_empty() {
            let last = flip % bytes.len();
            bytes[last] ^= 1 << (flip % 8);
            prop_assert_eq!(leaf.check_chunk(&bytes), Err(LeafError::Mismatch));
            bytes.pop();
            prop_assert!(leaf.check_chunk(&bytes).is_err());
        }
    }

    // V-2.2, V-2.3
    #[test]
    fn any_descent_in_a_list_reaches_its_leaf(
        count in 1usize..1500, at in any::<u64>(), flip in any::<usize>(),
    ) {
        let leaves: Vec<[u8; 8]> = (0..count as u64).map(u64::to_le_bytes).collect();
        let tree = ListTree::new(ListKind::StepRoots, &leaves);
        let (root, unit) = (tree.root_node(), at % count as u64);
        if let Some(children) = tree.open(&root) {
            refuse_changes(&root, &children, flip);
        }
        let (leaf, moves) = descend(root, unit, |node| tree.open(node));
        prop_assert!(moves <= openings(count as u64));
        let mut bytes = leaves[unit as usize];
        prop_assert_eq!(leaf.check_list_leaf(&bytes), Ok(()));
        bytes[flip % 8] ^= 1 << (flip / 8 % 8);
        prop_assert_eq!(leaf.check_list_leaf(&bytes), Err(LeafError::Mismatch));
    }

    // V-2.2
    #[test]
    fn no_node_or_opening_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..80), size in any::<u64>(), start in any::<u64>(),
        width in 0u32..64, children in 0usize..258, index in any::<usize>(), len in 0usize..1030,
    ) {
        let _ = Node::try_from_slice(&bytes);
        let (count, values) = (1u64 << width, vec![[3; 32]; children]);
        let trees = [Tree::Tensor { len_bytes: size }, Tree::List { kind: ListKind::Ops, count: size }];
        for tree in trees.into_iter().chain([Tree::Tensor { len_bytes: u64::MAX }]) {
            let (tail, aligned) = (tree.units() % count, start & !(count - 1));
            let (rest, last) = (tree.units() - tail, tree.units().saturating_sub(1));
            let places = [(start, count), (aligned, count), (0, tree.units()), (rest, tail), (last, 1)];
            for (start, count) in places {
                let Ok(node) = Node::new(tree, start, count, [5; 32]) else { continue };
                let expected = node.group().map_or(0, |group| node.count().div_ceil(group));
                let exact = vec![[3; 32]; expected as usize];
                let _ = (node.open_check(&values), node.child(&values, index), node.child(&exact, index));
                let _ = (node.check_chunk(&vec![0; len]), node.check_list_leaf(&bytes));
                let _ = node.check_chunk(&vec![0; tree.chunk_len(start).unwrap_or(0)]);
            }
        }
    }
}
