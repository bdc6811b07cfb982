//! Digests of tensors as the kernels have them: no copy is made, and the engine's threads share the work (V-1.1).
//!
//! BLAKE3 is a tree, so pieces of a tensor are hashed apart and joined: the digest is the same for any number of
//! threads.

mod tracer;

use crate::commitment::word_bytes;
use crate::digest::Digest;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use retrace_model::{Words, share};
use std::borrow::Cow;
use std::sync::OnceLock;
pub use tracer::Tracer;

/// Bytes of a piece of a long tensor: a power of two, and so a subtree.
const PIECE: usize = 1 << 17;

/// The tensor's bytes, little-endian.
fn bytes(words: &[u32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(words))
    } else {
        Cow::Owned(word_bytes(words))
    }
}

/// Digest of a tensor's words.
pub fn words_digest(words: &[u32]) -> Digest {
    blake3::hash(&bytes(words)).into()
}

/// Digest of a tensor's words, hashed on up to `threads` threads.
pub fn words_digest_on(words: &[u32], threads: usize) -> Digest {
    if threads < 2 || words.len() * 4 <= PIECE {
        return words_digest(words);
    }
    let bytes = bytes(words);
    let pieces: Vec<&[u8]> = bytes.chunks(PIECE).collect();
    join(&hashed(&pieces, threads, |at, piece| value(piece, (at * PIECE) as u64)))
}

/// Digests of tensors, in order, hashed on up to `threads` threads: long ones in pieces, short ones whole.
pub fn words_digests(tensors: &[Words], threads: usize) -> Vec<Digest> {
    if threads < 2 {
        return tensors.iter().map(|words| words_digest(words)).collect();
    }
    let tensors: Vec<Cow<[u8]>> = tensors.iter().map(|words| bytes(words)).collect();
    let mut pieces: Vec<(&[u8], Option<usize>)> = Vec::new();
    for tensor in &tensors {
        match tensor.len() <= PIECE {
            true => pieces.push((tensor, None)),
            false => pieces.extend(tensor.chunks(PIECE).enumerate().map(|(at, piece)| (piece, Some(at)))),
        }
    }
    let values = hashed(&pieces, threads, |_, (piece, place)| match place {
        None => *blake3::hash(piece).as_bytes(),
        Some(at) => value(piece, (at * PIECE) as u64),
    });
    let mut rest = &values[..];
    let mut digests = Vec::with_capacity(tensors.len());
    for tensor in &tensors {
        let (own, behind) = rest.split_at(tensor.len().div_ceil(PIECE).max(1));
        digests.push(join(own));
        rest = behind;
    }
    digests
}

/// What `hash` gives for each item, each on one of up to `threads` threads.
fn hashed<T: Sync + Copy>(
    items: &[T],
    threads: usize,
    hash: impl Fn(usize, T) -> ChainingValue + Sync,
) -> Vec<ChainingValue> {
    let slots: Vec<OnceLock<ChainingValue>> = items.iter().map(|_| OnceLock::new()).collect();
    share(threads, items.len(), &|at| {
        slots[at].get_or_init(|| hash(at, items[at]));
    });
    slots
        .iter()
        .zip(items)
        .enumerate()
        .map(|(at, (slot, item))| *slot.get_or_init(|| hash(at, *item)))
        .collect()
}

/// Chaining value of a subtree that begins at byte `offset` of its tensor.
fn value(piece: &[u8], offset: u64) -> ChainingValue {
    blake3::Hasher::new().set_input_offset(offset).update(piece).finalize_non_root()
}

/// Joins the values of a tensor's pieces; the value of an only piece is the digest.
fn join(values: &[ChainingValue]) -> Digest {
    let mut level = values.to_vec();
    while level.len() > 2 {
        let pairs = level.chunks(2).map(|pair| match pair {
            [left, right] => merge_subtrees_non_root(left, right, Mode::Hash),
            rest => rest[0],
        });
        level = pairs.collect();
    }
    match level[..] {
        [left, right] => merge_subtrees_root(&left, &right, Mode::Hash).into(),
        [only] => Digest(only),
        _ => words_digest(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::{words_digest, words_digest_on, words_digests};
    use crate::commitment::word_bytes;
    use crate::digest::tensor_digest;
    use retrace_model::Words;

    fn noise(length: usize) -> Words {
        (0..length as u32).map(|i| i.wrapping_mul(0x9E37_79B1) ^ (i >> 3)).collect()
    }

    /// V-1.1: whoever shares the work, the digest is that of the bytes.
    #[test]
    fn digests_are_those_of_the_bytes() {
        for length in [0, 1, 255, 256, 257, 32_768, 32_769, 65_535, 65_536, 65_537, 98_304, 98_305, 300_001] {
            let words = noise(length);
            let expected = tensor_digest(&word_bytes(&words));
            assert_eq!(words_digest(&words), expected);
            for threads in [1, 2, 3, 8] {
                assert_eq!(words_digest_on(&words, threads), expected, "{length} words, {threads} threads");
            }
        }
    }

    #[test]
    fn lists_of_digests_are_in_order() {
        let shapes: [&[usize]; 4] =
            [&[], &[7], &[200_000, 1, 0, 70_000, 70_000, 3], &[1, 2, 3, 400_000, 400_000]];
        for lengths in shapes {
            let tensors: Vec<Words> = lengths.iter().map(|length| noise(*length)).collect();
            let expected: Vec<_> = tensors.iter().map(|words| words_digest(words)).collect();
            for threads in [0, 1, 2, 5] {
                assert_eq!(words_digests(&tensors, threads), expected);
            }
        }
    }
}
