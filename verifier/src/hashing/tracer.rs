//! Digests of a run's outputs, taken in parts as they are computed: nothing is kept, and nothing is read twice (V-1.1).
//!
//! A part is cut into subtrees of the output's digest, and neighbors are joined as soon as both are there. The digest
//! is the same however an output comes in parts, and in whichever order.

use super::{bytes, value};
use crate::digest::{CHUNK_BYTES, Digest};
use blake3::hazmat::{ChainingValue, Mode, merge_subtrees_non_root, merge_subtrees_root};
use retrace_model::program::Program;
use retrace_model::{Observer, Parts};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Digests every output of a run: what comparing two traces needs.
#[derive(Debug)]
pub struct Tracer {
    rows: Vec<Mutex<Branches>>,
}

/// What is there of one output's tree.
#[derive(Debug)]
struct Branches {
    /// Chunks of the output.
    chunks: u64,
    /// Subtrees that wait for their neighbor, by first chunk: chunks and value.
    subtrees: BTreeMap<u64, (u64, ChainingValue)>,
}

impl Tracer {
    /// For one run of `program`, or of the same rows again.
    pub fn new(program: &Program) -> Tracer {
        let chunks = program.rows.iter().map(|row| (row.elements() * 4).div_ceil(CHUNK_BYTES));
        let rows = chunks.map(|chunks| Mutex::new(Branches { chunks, subtrees: BTreeMap::new() }));
        Tracer { rows: rows.collect() }
    }

    /// Digests of the outputs, by row, once the run is over.
    pub fn digests(self) -> Vec<Digest> {
        let rows = self.rows.into_iter();
        rows.map(|row| row.into_inner().unwrap_or_else(PoisonError::into_inner).root()).collect()
    }
}

impl Observer for Tracer {
    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }
}

impl Parts for Tracer {
    fn part(&self, at: usize, first: usize, words: &[u32]) {
        let Some(row) = self.rows.get(at) else { return };
        let lock = || row.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = lock().chunks;
        let bytes = bytes(words);
        let first = first as u64 * 4 / CHUNK_BYTES;
        let end = first + (bytes.len() as u64).div_ceil(CHUNK_BYTES);
        let (mut from, mut rest) = (first, &bytes[..]);
        while from < end {
            let count = subtree(from, end, chunks);
            let (own, behind) = rest.split_at(rest.len().min((count * CHUNK_BYTES) as usize));
            let value = match count == chunks {
                true => *blake3::hash(own).as_bytes(),
                false => value(own, from * CHUNK_BYTES),
            };
            lock().insert(from, count, value);
            (from, rest) = (from + count, behind);
        }
    }
}

/// Chunks of the largest subtree that begins at chunk `from` and ends by `end`, of `chunks` chunks.
fn subtree(from: u64, end: u64, chunks: u64) -> u64 {
    let most = if from == 0 { u64::MAX } else { 1 << from.trailing_zeros() };
    let rest = end - from;
    // Only the end of an output makes a subtree that is no power of two.
    if end == chunks && rest <= most { rest } else { most.min(1 << rest.ilog2()) }
}

impl Branches {
    /// Takes in a subtree and joins it with its neighbors, as far as they are there.
    fn insert(&mut self, mut first: u64, mut count: u64, mut value: ChainingValue) {
        while count.is_power_of_two() && 2 * count < self.chunks {
            let is_left = first.is_multiple_of(2 * count);
            let beside = if is_left { first + count } else { first - count };
            match self.subtrees.get(&beside) {
                Some((same, _)) if *same == count => {}
                _ => break,
            }
            let Some((_, other)) = self.subtrees.remove(&beside) else { break };
            let [left, right] = if is_left { [value, other] } else { [other, value] };
            value = merge_subtrees_non_root(&left, &right, Mode::Hash);
            (first, count) = (first.min(beside), 2 * count);
        }
        self.subtrees.insert(first, (count, value));
    }

    /// The digest of the output, all of which was there.
    fn root(self) -> Digest {
        debug_assert_eq!(self.subtrees.values().map(|(count, _)| count).sum::<u64>(), self.chunks);
        let mut values: Vec<ChainingValue> = self.subtrees.into_values().map(|(_, value)| value).collect();
        // What is left grows smaller to the right: the tree is left-balanced.
        while let Some((right, rest)) = values.split_last() {
            match rest.split_last() {
                None => return Digest(*right),
                Some((left, [])) => return merge_subtrees_root(left, right, Mode::Hash).into(),
                Some((left, _)) => {
                    let joined = merge_subtrees_non_root(left, right, Mode::Hash);
                    values.truncate(values.len() - 2);
                    values.push(joined);
                }
            }
        }
        blake3::hash(&[]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Branches, Tracer};
    use crate::hashing::words_digest;
    use retrace_model::{PART_UNIT, Parts, Words};
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    fn tracer(words: usize) -> Tracer {
        let chunks = words.div_ceil(PART_UNIT) as u64;
        Tracer { rows: vec![Mutex::new(Branches { chunks, subtrees: BTreeMap::new() })] }
    }

    /// V-1.1: however an output comes in parts, and in whichever order, its digest is that of its bytes.
    #[test]
    fn parts_in_any_order() {
        let mut seed = 1u32;
        let mut below = |n: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % n
        };
        for length in [1, 255, 256, 257, 512, 513, 768, 1000, 2816, 4096, 4097, 65_536, 70_000, 123_457] {
            let words: Words = (0..length as u32).map(|i| i.wrapping_mul(0x9E37_79B1) ^ (i >> 3)).collect();
            for round in 0..24 {
                let most = [1, 2, 3, 8, 64, 1000][round % 6];
                let mut parts = Vec::new();
                let mut first = 0;
                while first < length {
                    let end = length.min(first + PART_UNIT * (1 + below(most)));
                    parts.push(first..end);
                    first = end;
                }
                let tracer = tracer(length);
                while !parts.is_empty() {
                    let part = parts.swap_remove(below(parts.len()));
                    tracer.part(0, part.start, &words[part]);
                }
                assert_eq!(tracer.digests(), [words_digest(&words)], "{length} words");
            }
        }
    }
}
