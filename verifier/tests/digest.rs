//! Digests, list roots and entries against definitions written out a second time.

use borsh::BorshDeserialize;
use proptest::prelude::*;
use retrace_verifier::digest::{
    Digest, DigestParseError, Dtype, Entry, EntryError, ListKind, ListTree, MAX_NAME_BYTES, MAX_RANK,
    TensorTree, delta_root, list_root, state_root, tensor_digest,
};

/// The words of the context strings, as V-1.2 lists them.
const WORDS: [&str; 8] = ["ops", "step-roots", "losses", "batches", "state", "delta", "program", "shards"];

/// Bytes that no two neighboring chunks share.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7 + i / 1024) as u8).collect()
}

/// V-1.2 as it is written: split at the largest power of two below the count.
fn top_by_definition(word: &str, leaves: &[Vec<u8>]) -> [u8; 32] {
    if let [leaf] = leaves {
        return blake3::derive_key(&format!("retrace v1 list leaf {word}"), leaf);
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let both = [top_by_definition(word, left), top_by_definition(word, right)].concat();
    blake3::derive_key(&format!("retrace v1 list parent {word}"), &both)
}

fn root_by_definition(word: &str, leaves: &[Vec<u8>]) -> Digest {
    let mut bytes = (leaves.len() as u64).to_le_bytes().to_vec();
    if !leaves.is_empty() {
        bytes.extend(top_by_definition(word, leaves));
    }
    Digest(blake3::derive_key(&format!("retrace v1 list root {word}"), &bytes))
}

fn entry() -> Entry {
    let digest = tensor_digest(&pattern(96));
    Entry { name: "block.0.weight".into(), dtype: Dtype::F32, shape: vec![4, 6], digest }
}

// V-1.1
#[test]
fn tensor_digest_is_plain_blake3_at_every_boundary() {
    let mut sizes: Vec<usize> = [0, 1, 2, 63, 64, 65, 307_201, 65_537 * 1024 + 5].into();
    for chunks in (1..=18).chain([31, 32, 33, 255, 256, 257, 300, 511, 512, 513]) {
        sizes.extend([chunks * 1024 - 1, chunks * 1024, chunks * 1024 + 1]);
    }
    for size in sizes {
        let bytes = pattern(size);
        let expected = Digest::from(blake3::hash(&bytes));
        assert_eq!(tensor_digest(&bytes), expected, "{size} bytes");
        assert_eq!(TensorTree::new(bytes).digest(), expected, "{size} bytes, by the tree");
    }
}

// V-1.2
#[test]
fn list_root_is_the_defined_one_for_every_kind_and_count() {
    for (kind, word) in ListKind::ALL.into_iter().zip(WORDS) {
        for count in (0..=20).chain([63, 64, 65, 255, 256, 257, 1000]) {
            let leaves: Vec<Vec<u8>> = (0..count).map(|i| pattern(i % 70)).collect();
            assert_eq!(list_root(kind, &leaves), root_by_definition(word, &leaves), "{kind:?} of {count}");
        }
    }
}

// V-1.2
#[test]
fn kinds_counts_and_levels_of_a_list_never_share_a_root() {
    let leaf = vec![9u8; 32];
    let mut roots: Vec<Digest> = Vec::new();
    for kind in ListKind::ALL {
        let once = list_root(kind, [&leaf]);
        let nested = list_root(kind, [once]);
        roots.extend([list_root(kind, [[0u8; 0]; 0]), list_root(kind, [[]; 1]), once, nested]);
        roots.extend([
            list_root(kind, [&leaf, &leaf]),
            list_root(kind, [[leaf.clone(), leaf.clone()].concat()]),
        ]);
    }
    let all = roots.len();
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), all);
}

// V-1.3
#[test]
fn an_entry_is_encoded_as_drawn_and_hashed_as_a_list_leaf() {
    let entry = entry();
    let mut expected = vec![14, 0, 0, 0];
    expected.extend(b"block.0.weight");
    expected.extend([0, 2, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0]);
    expected.extend(entry.digest.0);
    assert_eq!(entry.leaf_bytes(), expected);
    assert_eq!(borsh::to_vec(&entry).unwrap(), expected);
    assert_eq!(Entry::try_from_slice(&expected).unwrap(), entry);
    assert_eq!(entry.len_bytes(), Ok(96));
    let leaves = [expected.clone(), expected];
    assert_eq!(state_root(&[entry.clone(), entry.clone()]), root_by_definition("state", &leaves));
    assert_eq!(delta_root(&[entry.clone(), entry]), root_by_definition("delta", &leaves));
}

// V-1.3
#[test]
fn an_entry_beyond_a_limit_is_refused() {
    let refused = |change: fn(&mut Entry), expected: EntryError| {
        let mut entry = entry();
        change(&mut entry);
        assert_eq!(entry.check(), Err(expected));
        assert!(Entry::try_from_slice(&entry.leaf_bytes()).is_err(), "{expected}");
    };
    refused(|e| e.name = "n".repeat(257), EntryError::NameTooLong { found_bytes: MAX_NAME_BYTES + 1 });
    refused(|e| e.shape = vec![1; 9], EntryError::RankTooHigh { found: MAX_RANK + 1 });
    refused(|e| e.shape = vec![u32::MAX; 2], EntryError::TooLarge);
    let mut zero = entry();
    zero.shape = vec![u32::MAX, u32::MAX, 0];
    assert_eq!(zero.len_bytes(), Ok(0));
    let mut scalar = entry();
    (scalar.shape, scalar.dtype) = (Vec::new(), Dtype::U8);
    assert_eq!(scalar.len_bytes(), Ok(1));
    let mut bytes = entry().leaf_bytes();
    bytes[4] = 0xff;
    assert!(Entry::try_from_slice(&bytes).is_err(), "a name that is not UTF-8");
    let mut bytes = entry().leaf_bytes();
    bytes[18] = 3;
    assert!(Entry::try_from_slice(&bytes).is_err(), "an unknown type");
    assert!(Entry::try_from_slice(&[0xff; 60]).is_err(), "a name of 4 GiB");
}

// V-1.1
#[test]
fn a_digest_has_one_spelling() {
    let digest = tensor_digest(&[]);
    let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(digest.to_string(), text);
    assert_eq!(format!("{digest:?}"), format!("Digest({text})"));
    assert_eq!(text.parse(), Ok(digest));
    let upper = text.to_uppercase();
    assert_eq!(upper.parse::<Digest>(), Err(DigestParseError::Digit { position: 0 }));
    assert_eq!("".parse::<Digest>(), Err(DigestParseError::Length { found_bytes: 0 }));
    assert_eq!("é".repeat(32).parse::<Digest>(), Err(DigestParseError::Digit { position: 0 }));
}

proptest! {
    // V-1.1
    #[test]
    fn any_tensor_tree_agrees_with_blake3(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
        prop_assert_eq!(TensorTree::new(&bytes[..]).digest(), Digest::from(blake3::hash(&bytes)));
    }

    // V-1.2
    #[test]
    fn any_changed_leaf_changes_the_root(count in 1usize..80, at in any::<usize>(), bit in 0usize..64) {
        let mut leaves: Vec<[u8; 8]> = (0..count as u64).map(u64::to_le_bytes).collect();
        let before = ListTree::new(ListKind::Ops, &leaves).root();
        leaves[at % count][bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(ListTree::new(ListKind::Ops, &leaves).root(), before);
    }

    // V-1.3
    #[test]
    fn any_bytes_decode_to_an_entry_only_in_its_own_encoding(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..120), name_len in 0u8..8, rank in 0u8..4,
    ) {
        for (at, small) in [(0, name_len), (5 + usize::from(name_len), rank)] {
            if let Some(field) = bytes.get_mut(at..at + 4) {
                field.copy_from_slice(&u32::from(small).to_le_bytes());
            }
        }
        if let Ok(entry) = Entry::try_from_slice(&bytes) {
            prop_assert_eq!(entry.leaf_bytes(), bytes);
        }
    }

    // V-1.3
    #[test]
    fn any_entry_comes_back_and_refuses_another_byte(
        name in "\\PC{0,60}", dtype in 0usize..3, shape in proptest::collection::vec(0u32..5000, 0..5),
        digest in any::<[u8; 32]>(),
    ) {
        let dtype = [Dtype::F32, Dtype::U32, Dtype::U8][dtype];
        let entry = Entry { name, dtype, shape, digest: Digest(digest) };
        let mut bytes = borsh::to_vec(&entry).unwrap();
        prop_assert_eq!(&Entry::try_from_slice(&bytes).unwrap(), &entry);
        bytes.push(0);
        prop_assert!(Entry::try_from_slice(&bytes).is_err());
    }
}
