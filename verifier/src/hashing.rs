//! Digests of tensors as the kernels have them: no copy is made, and several threads share the work (V-1.1).
//!
//! BLAKE3 is a tree, so the halves of a tensor are hashed apart and joined: the digest is the same for any number of
//! threads.

use crate::commitment::word_bytes;
use crate::digest::Digest;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use retrace_model::program::Row;
use retrace_model::{Observer, Words};
use std::borrow::Cow;
use std::thread::{ScopedJoinHandle, scope};

/// Bytes below which a piece is hashed before a second thread has started.
const SHARE_MIN: usize = 1 << 18;

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
    let bytes = bytes(words);
    if threads < 2 || bytes.len() < SHARE_MIN {
        return blake3::hash(&bytes).into();
    }
    let [left, right] = halves(&bytes, 0, threads);
    merge_subtrees_root(&left, &right, Mode::Hash).into()
}

/// Digests of tensors, in order, hashed on up to `threads` threads: each takes neighbors of about as many bytes.
pub fn words_digests(tensors: &[Words], threads: usize) -> Vec<Digest> {
    let total: usize = tensors.iter().map(Vec::len).sum();
    let share = total.div_ceil(threads.max(1)).max(SHARE_MIN / 4);
    scope(|scope| {
        let mut handles = Vec::new();
        let mut rest = tensors;
        while let Some(count) = front(rest, share).filter(|count| *count < rest.len()) {
            let (piece, behind) = rest.split_at(count);
            handles
                .push(scope.spawn(|| piece.iter().map(|words| words_digest(words)).collect::<Vec<Digest>>()));
            rest = behind;
        }
        // The last piece is this thread's own.
        let last: Vec<Digest> = rest.iter().map(|words| words_digest(words)).collect();
        handles.into_iter().flat_map(joined).chain(last).collect()
    })
}

/// How many tensors from the front have `share` words; none of an empty list.
fn front(tensors: &[Words], share: usize) -> Option<usize> {
    let mut sum = 0;
    let full = tensors.iter().position(|words| {
        sum += words.len();
        sum >= share
    });
    full.map(|at| at + 1).or(Some(tensors.len())).filter(|count| *count > 0)
}

/// Chaining value of a subtree that begins at byte `offset` of its tensor.
fn value(bytes: &[u8], offset: u64, threads: usize) -> ChainingValue {
    if threads < 2 || bytes.len() < SHARE_MIN {
        return blake3::Hasher::new().set_input_offset(offset).update(bytes).finalize_non_root();
    }
    let [left, right] = halves(bytes, offset, threads);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

fn halves(bytes: &[u8], offset: u64, threads: usize) -> [ChainingValue; 2] {
    let (left, right) = bytes.split_at(left_subtree_len(bytes.len() as u64) as usize);
    let half = threads / 2;
    scope(|scope| {
        let second = scope.spawn(|| value(right, offset + left.len() as u64, half));
        let first = value(left, offset, threads - half);
        [first, joined(second)]
    })
}

fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Digests every output of a replay as it is written, and keeps none: what comparing two traces needs.
#[derive(Clone, Debug)]
pub struct Tracer {
    /// Threads that share a tensor.
    pub threads: usize,
    /// Digests of the outputs so far, by row.
    pub digests: Vec<Digest>,
}

impl Observer for Tracer {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.digests.push(words_digest_on(words, self.threads));
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
        for length in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 98_304, 300_001] {
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
