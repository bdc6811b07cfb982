//! Paths: the right one verifies, and nothing else does.

use borsh::BorshDeserialize;
use proptest::prelude::*;
use retrace_verifier::digest::{
    ListKind, ListPath, ListTree, MAX_SIBLINGS, PathError, TensorPath, TensorTree, list_path_bytes, openings,
    path_siblings, path_siblings_at, tensor_digest, tensor_path_bytes,
};

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7 + i / 1024) as u8).collect()
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| [&i.to_le_bytes()[..], &pattern(i % 9)].concat()).collect()
}

// V-2.1
#[test]
fn every_chunk_of_every_small_tensor_has_a_path() {
    for chunks in 1..=20usize {
        for len in [chunks * 1024 - 1023, chunks * 1024 - 1, chunks * 1024] {
            let tree = TensorTree::new(pattern(len));
            for chunk in 0..chunks as u64 {
                let path = tree.path(chunk).unwrap();
                let bytes = tree.chunk(chunk).unwrap();
                assert_eq!(path.verify(&tree.digest(), len as u64, chunk, bytes), Ok(()), "{chunk} of {len}");
                assert_eq!(path.siblings.len() as u32, path_siblings_at(chunks as u64, chunk));
            }
            assert_eq!((tree.path(chunks as u64), tree.chunk(chunks as u64)), (None, None));
        }
    }
}

// V-2.1
#[test]
fn the_empty_tensor_is_one_empty_chunk_and_the_empty_list_has_no_leaf() {
    let path = TensorPath::build(&[], 0).unwrap();
    assert!(path.siblings.is_empty());
    assert_eq!(path.verify(&tensor_digest(&[]), 0, 0, &[]), Ok(()));
    let refused = PathError::IndexOutOfRange { index: 1, units: 1 };
    assert_eq!(path.verify(&tensor_digest(&[]), 0, 1, &[]), Err(refused));
    let empty = ListTree::new(ListKind::Ops, [[0u8; 0]; 0]);
    assert_eq!(empty.path(0), None);
    let path = ListPath { siblings: Vec::new() };
    let refused = PathError::IndexOutOfRange { index: 0, units: 0 };
    assert_eq!(path.verify(ListKind::Ops, &empty.root(), 0, 0, &[]), Err(refused));
}

// V-2.1
#[test]
fn refusals_name_what_is_wrong() {
    let tree = TensorTree::new(pattern(2500));
    let (digest, path) = (tree.digest(), tree.path(2).unwrap());
    let last = tree.chunk(2).unwrap();
    assert_eq!(path.verify(&digest, 2500, 2, last), Ok(()));
    let refused = PathError::ChunkLength { expected_bytes: 451, found_bytes: 452 };
    assert_eq!(path.verify(&digest, 2499, 2, last), Err(refused));
    let refused = PathError::SiblingCount { expected: 2, found: 1 };
    assert_eq!(path.verify(&digest, 2500, 1, tree.chunk(1).unwrap()), Err(refused));
    let mut long = path.clone();
    long.siblings.push([0; 32]);
    let refused = PathError::SiblingCount { expected: 1, found: 2 };
    assert_eq!(long.verify(&digest, 2500, 2, last), Err(refused));
    let other = tensor_digest(b"other");
    let refused = PathError::Mismatch { expected: other, found: digest };
    assert_eq!(path.verify(&other, 2500, 2, last), Err(refused));
}

// V-2.1
#[test]
fn a_path_with_too_many_siblings_is_refused_before_it_is_read() {
    let path = ListPath { siblings: vec![[7; 32]; MAX_SIBLINGS as usize] };
    let mut bytes = borsh::to_vec(&path).unwrap();
    assert_eq!(ListPath::try_from_slice(&bytes).unwrap(), path);
    bytes[0] += 1;
    bytes.extend([7; 32]);
    assert!(ListPath::try_from_slice(&bytes).is_err());
    assert!(TensorPath::try_from_slice(&[0xff; 100]).is_err());
}

// V-2.3
#[test]
fn sizes_are_the_ones_in_the_table() {
    let depths = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 20, 20), ((1 << 20) + 1, 21)];
    for (units, depth) in depths.into_iter().chain([(u64::MAX, 64), (1 << 63, 63)]) {
        assert_eq!(path_siblings(units), depth, "{units} units");
        assert_eq!(list_path_bytes(units), 4 + 32 * u64::from(depth));
    }
    assert_eq!([path_siblings_at(5, 4), path_siblings_at(5, 5), path_siblings_at(6, 4)], [1, 0, 2]);
    assert_eq!([tensor_path_bytes(0), tensor_path_bytes(1024), tensor_path_bytes(1025)], [4, 4, 36]);
    assert_eq!(tensor_path_bytes(800_000_000), 4 + 32 * 20);
    assert_eq!(tensor_path_bytes(u64::MAX), 4 + 32 * 54);
    let moves = [(0, 0), (1, 0), (2, 1), (256, 1), (257, 2), (512, 2), (1 << 16, 2), ((1 << 16) + 1, 3)];
    for (units, count) in moves.into_iter().chain([(1 << 20, 3), (1 << 24, 3), (u64::MAX, 8)]) {
        assert_eq!(openings(units), count, "{units} units");
    }
}

proptest! {
    // V-2.1, V-2.3
    #[test]
    fn any_chunk_verifies_and_any_flipped_bit_does_not(
        len in 0usize..40_000, at in any::<u64>(), flip in any::<usize>(), other in any::<u64>(),
    ) {
        let tree = TensorTree::new(pattern(len));
        let (digest, len, units) = (tree.digest(), len as u64, tree.tree().units());
        let chunk = at % units;
        let path = tree.path(chunk).unwrap();
        let bytes = tree.chunk(chunk).unwrap().to_vec();
        prop_assert_eq!(path.verify(&digest, len, chunk, &bytes), Ok(()));
        let encoded = borsh::to_vec(&path).unwrap();
        prop_assert!(encoded.len() as u64 <= tensor_path_bytes(len));
        prop_assert_eq!(&TensorPath::try_from_slice(&encoded).unwrap(), &path);
        prop_assert!(TensorPath::try_from_slice(&[&encoded[..], &[0]].concat()).is_err());

        if !bytes.is_empty() {
            let mut bad = bytes.clone();
            bad[flip / 8 % bytes.len()] ^= 1 << (flip % 8);
            prop_assert!(path.verify(&digest, len, chunk, &bad).is_err());
        }
        if !path.siblings.is_empty() {
            let mut bad = path.clone();
            bad.siblings[flip % path.siblings.len()][flip / 64 % 32] ^= 1 << (flip % 8);
            prop_assert!(bad.verify(&digest, len, chunk, &bytes).is_err());
            bad.siblings.pop();
            prop_assert!(bad.verify(&digest, len, chunk, &bytes).is_err());
        }
        for wrong in [chunk ^ 1, chunk.wrapping_add(1), other, other % units] {
            prop_assert!(wrong == chunk || path.verify(&digest, len, wrong, &bytes).is_err());
        }
    }

    // V-2.1
    #[test]
    fn a_tensor_path_shows_no_other_length_of_the_chunk(
        len in 1usize..9000, at in any::<u64>(), cut in 1usize..1024,
    ) {
        let tree = TensorTree::new(pattern(len));
        let last = tree.tree().units() - 1;
        let chunk = at % (last + 1);
        let (path, bytes) = (tree.path(chunk).unwrap(), tree.chunk(chunk).unwrap());
        let short = &bytes[..bytes.len().saturating_sub(cut)];
        let long = [bytes, &[0u8; 1024][..cut]].concat();
        for (bytes, claimed) in [(short, len), (&long, len), (short, len - 1), (&long, len + 1)] {
            prop_assert!(path.verify(&tree.digest(), claimed as u64, chunk, bytes).is_err());
        }
        let (path, bytes) = (tree.path(last).unwrap(), tree.chunk(last).unwrap());
        for wrong in [len as u64 - 1, len as u64 + 1, len as u64 + 1024, len as u64 * 2] {
            prop_assert!(path.verify(&tree.digest(), wrong, last, bytes).is_err());
        }
    }

    // V-2.1, V-2.3
    #[test]
    fn any_leaf_verifies_and_nothing_else_does(
        count in 1usize..300, at in any::<u64>(), flip in any::<usize>(), other in any::<u64>(),
        wrong_count in any::<u64>(),
    ) {
        let (kind, leaves) = (ListKind::Ops, leaves(count));
        let tree = ListTree::new(kind, &leaves);
        let (root, count) = (tree.root(), count as u64);
        let index = at % count;
        let path = tree.path(index).unwrap();
        let bytes = leaves[index as usize].clone();
        prop_assert_eq!(path.verify(kind, &root, count, index, &bytes), Ok(()));
        let encoded = borsh::to_vec(&path).unwrap();
        prop_assert!(encoded.len() as u64 <= list_path_bytes(count));
        prop_assert_eq!(&ListPath::try_from_slice(&encoded).unwrap(), &path);

        let mut bad = bytes.clone();
        bad[flip / 8 % bytes.len()] ^= 1 << (flip % 8);
        prop_assert!(path.verify(kind, &root, count, index, &bad).is_err());
        prop_assert!(path.verify(kind, &root, count, index, &bytes[1..]).is_err());
        prop_assert!(path.verify(ListKind::StepRoots, &root, count, index, &bytes).is_err());
        for wrong in [count + 1, count - 1, count * 2, wrong_count] {
            prop_assert!(wrong == count || path.verify(kind, &root, wrong, index, &bytes).is_err());
        }
        for wrong in [index ^ 1, index + 1, other, other % count] {
            prop_assert!(wrong == index || path.verify(kind, &root, count, wrong, &bytes).is_err());
        }
        if !path.siblings.is_empty() {
            let mut bad = path.clone();
            bad.siblings[flip % path.siblings.len()][flip / 64 % 32] ^= 1 << (flip % 8);
            prop_assert!(bad.verify(kind, &root, count, index, &bytes).is_err());
        }
    }

    // V-2.1, V-2.3
    #[test]
    fn no_length_index_or_path_makes_it_panic(
        len in prop_oneof![any::<u64>(), u64::MAX - 3000..=u64::MAX, 0u64..5000],
        back in 0u64..4, index in any::<u64>(), given in 0u32..70, size in 0usize..1030,
    ) {
        let siblings = |count: u32| vec![[1; 32]; count as usize];
        let (path, list) = (TensorPath { siblings: siblings(given) }, ListPath { siblings: siblings(given) });
        let (digest, bytes) = (tensor_digest(&[]), vec![0; size]);
        for index in [index, len.div_ceil(1024).saturating_sub(back), len.saturating_sub(back)] {
            let _ = path.verify(&digest, len, index, &bytes);
            let right = TensorPath { siblings: siblings(path_siblings_at(len.div_ceil(1024), index)) };
            let _ = right.verify(&digest, len, index, &vec![0; (len.saturating_sub(1) % 1024 + 1) as usize]);
            let _ = list.verify(ListKind::Ops, &digest, len, index, &bytes);
            let right = ListPath { siblings: siblings(path_siblings_at(len, index)) };
            let _ = right.verify(ListKind::Ops, &digest, len, index, &bytes);
        }
    }
}
