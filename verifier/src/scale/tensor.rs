//! A tensor whose words follow from their index: made and hashed piece by piece, and never held (V-1.1, V-2.2).

use crate::digest::{CHUNK_BYTES, Digest, Node, NodeValue, TensorPath, Tree};
use blake3::Hasher;
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// Chunks of a piece, whose value is kept: 32 bytes for every 256 KiB.
const PIECE_CHUNKS: u64 = 256;
const PIECE_BYTES: u64 = PIECE_CHUNKS * CHUNK_BYTES;
const WORDS_OF_A_CHUNK: u64 = CHUNK_BYTES / 4;

/// What the words of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Numbers of either sign between 2^-7 and 2.
    Numbers,
    /// The same, none negative: what a square root is taken of.
    Positive,
    /// Token ids below a bound.
    Ids(u32),
}

/// A tensor as a function of the index, with the values of its pieces.
#[derive(Clone, Debug)]
pub struct Source {
    length: u64,
    words: Words,
    salt: u64,
    /// One word that is not what the function says.
    lie: Option<(u64, u32)>,
    pieces: Vec<NodeValue>,
}

/// Steele, Lea and Flood's splitmix64, at a place of its sequence.
fn mix(salt: u64, at: u64) -> u64 {
    let z = salt.wrapping_add(at.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Source {
    /// A tensor of `length` words, at least one; hashed on up to `threads` threads.
    pub fn new(length: u64, words: Words, salt: u64, threads: usize) -> Source {
        let mut source = Source { length, words, salt, lie: None, pieces: Vec::new() };
        let count = usize::try_from((length * 4).div_ceil(PIECE_BYTES)).unwrap_or(usize::MAX);
        let mut pieces = vec![[0; 32]; count];
        let share = count.div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            for (at, values) in pieces.chunks_mut(share).enumerate() {
                let source = &source;
                scope.spawn(move || {
                    let mut bytes = Vec::with_capacity(PIECE_BYTES as usize);
                    let first = (at * share) as u64;
                    for (piece, value) in (first..).zip(values) {
                        *value = source.hashed(piece * PIECE_CHUNKS, PIECE_CHUNKS, &mut bytes);
                    }
                });
            }
        });
        source.pieces = pieces;
        source
    }

    /// The same tensor with one word replaced: one piece is hashed again.
    pub fn with_lie(&self, at: u64, word: u32) -> Source {
        let mut source = Source { lie: Some((at, word)), ..self.clone() };
        let piece = at / (PIECE_CHUNKS * WORDS_OF_A_CHUNK);
        let value = source.hashed(piece * PIECE_CHUNKS, PIECE_CHUNKS, &mut Vec::new());
        if let Some(place) = source.pieces.get_mut(piece as usize) {
            *place = value;
        }
        source
    }

    /// The word at `at`, which is below the length.
    pub fn word(&self, at: u64) -> u32 {
        if let Some((place, word)) = self.lie
            && place == at
        {
            return word;
        }
        let both = mix(self.salt, at / 2);
        self.shaped(if at.is_multiple_of(2) { both as u32 } else { (both >> 32) as u32 })
    }

    #[inline(always)]
    fn shaped(&self, random: u32) -> u32 {
        let number = random & 0x007F_FFFF | (120 + (random >> 23 & 7)) << 23;
        match self.words {
            Words::Numbers => number | random & 1 << 31,
            Words::Positive => number,
            Words::Ids(bound) => random % bound.max(1),
        }
    }

    fn tree(&self) -> Tree {
        Tree::Tensor { len_bytes: self.length * 4 }
    }

    /// Writes the bytes of chunks `[first, first + count)`, as far as the tensor has them.
    fn fill(&self, first: u64, count: u64, bytes: &mut Vec<u8>) {
        bytes.clear();
        let begin = first * WORDS_OF_A_CHUNK;
        let end = (begin + count * WORDS_OF_A_CHUNK).min(self.length);
        let mut at = begin;
        while at + 1 < end {
            let both = mix(self.salt, at / 2);
            let words = [self.shaped(both as u32), self.shaped((both >> 32) as u32)];
            bytes.extend_from_slice(&(u64::from(words[0]) | u64::from(words[1]) << 32).to_le_bytes());
            at += 2;
        }
        if at < end {
            bytes.extend_from_slice(&self.shaped(mix(self.salt, at / 2) as u32).to_le_bytes());
        }
        if let Some((place, word)) = self.lie.filter(|(place, _)| (begin..end).contains(place)) {
            let from = (place - begin) as usize * 4;
            bytes[from..from + 4].copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Value of the subtree over at most a piece of chunks.
    fn hashed(&self, first: u64, count: u64, bytes: &mut Vec<u8>) -> NodeValue {
        self.fill(first, count, bytes);
        let mut hasher = Hasher::new();
        hasher.set_input_offset(first * CHUNK_BYTES).update(bytes);
        hasher.finalize_non_root()
    }

    /// Value of the subtree over chunks `[first, first + count)`, which is not the whole tree.
    fn subtree(&self, first: u64, count: u64) -> NodeValue {
        if count <= PIECE_CHUNKS {
            let is_piece = first.is_multiple_of(PIECE_CHUNKS)
                && (count == PIECE_CHUNKS || first + count == self.tree().units());
            let kept = self.pieces.get((first / PIECE_CHUNKS) as usize).filter(|_| is_piece);
            return kept.copied().unwrap_or_else(|| self.hashed(first, count, &mut Vec::new()));
        }
        let left = left_chunks(count);
        let (left, right) = (self.subtree(first, left), self.subtree(first + left, count - left));
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }

    /// BLAKE3 of all bytes.
    pub fn digest(&self) -> Digest {
        let units = self.tree().units();
        if units <= PIECE_CHUNKS {
            let mut bytes = Vec::new();
            self.fill(0, units, &mut bytes);
            return blake3::hash(&bytes).into();
        }
        let left = left_chunks(units);
        merge_subtrees_root(&self.subtree(0, left), &self.subtree(left, units - left), Mode::Hash).into()
    }

    /// Children of a node; none if it has none, or is of a tree of another shape.
    pub fn open(&self, node: &Node) -> Option<Vec<NodeValue>> {
        let group = node.group().filter(|_| node.tree() == self.tree())?;
        let end = node.start() + node.count();
        let starts = (0..node.count().div_ceil(group)).map(|child| node.start() + child * group);
        Some(starts.map(|start| self.subtree(start, group.min(end - start))).collect())
    }

    /// The bytes of a chunk.
    pub fn chunk(&self, chunk: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.fill(chunk, 1, &mut bytes);
        bytes
    }

    /// The path of a chunk.
    pub fn path(&self, chunk: u64) -> TensorPath {
        let units = self.tree().units();
        let (mut place, mut width, mut size) = (chunk, units, 1);
        let mut siblings = Vec::new();
        while width > 1 {
            let neighbor = place ^ 1;
            if neighbor < width {
                siblings.push(self.subtree(neighbor * size, size.min(units - neighbor * size)));
            }
            (place, width, size) = (place / 2, width.div_ceil(2), size * 2);
        }
        TensorPath { siblings }
    }

    /// Bytes of the tensor.
    pub fn bytes(&self) -> u64 {
        self.length * 4
    }
}

/// Chunks on the left side of a node: the largest power of two below the count.
fn left_chunks(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::{Source, Words};
    use crate::commitment::word_bytes;
    use crate::digest::{Digest, Node, TensorTree};

    fn tree(source: &Source) -> TensorTree {
        let words: Vec<u32> = (0..source.length).map(|at| source.word(at)).collect();
        TensorTree::new(word_bytes(&words))
    }

    fn same(source: &Source) {
        let tree = tree(source);
        assert_eq!(source.digest(), tree.digest(), "{} words", source.length);
        let units = tree.tree().units();
        for chunk in [0, units / 3, units / 2, units - 1] {
            assert_eq!(Some(source.path(chunk)), tree.path(chunk), "{} words", source.length);
            assert_eq!(Some(&source.chunk(chunk)[..]), tree.chunk(chunk));
        }
        let mut node = tree.root_node();
        while node.group().is_some() {
            let children = tree.open(&node).unwrap();
            assert_eq!(source.open(&node).as_ref(), Some(&children));
            node = node.child(&children, children.len() / 2).unwrap();
        }
    }

    // V-1.1, V-2.1, V-2.2
    #[test]
    fn a_streamed_tensor_is_the_tree_of_its_bytes() {
        let lengths = [1, 255, 256, 257, 65_536, 65_537, 131_072, 200_001, 1 << 20, (1 << 20) + 70_000];
        for (salt, length) in (0..).zip(lengths) {
            for threads in [1, 3] {
                let source = Source::new(length, Words::Numbers, salt, threads);
                same(&source);
                same(&source.with_lie(length * 2 / 3, 0x7FC0_0000));
            }
        }
        same(&Source::new(5_000, Words::Ids(50_257), 1, 1));
        let small = Source::new(256, Words::Positive, 1, 1);
        assert!(small.open(&Node::root(super::Tree::Tensor { len_bytes: 5 }, Digest([0; 32]))).is_none());
    }
}
