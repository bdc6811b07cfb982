//! Corpora: bytes become token shards and a held-out text; the sponsor makes them once.

mod dictionary;
mod files;

pub use dictionary::dictionary;
pub use files::{CorpusError, from_paths};

/// Bytes of the held-out text, which no shard contains.
pub const HELD_OUT_BYTES: usize = 64 << 10;
/// Bytes of a shard, the last one excepted; larger where there would be too many.
const SHARD_BYTES: usize = 1 << 20;
/// Most shards of a manifest.
const SHARDS_MAX: usize = retrace_verifier::docket::SHARDS_MAX;

/// Text to train on and text to judge by.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Where it came from, for people.
    pub source: String,
    /// Token shards, one byte a token.
    pub shards: Vec<Vec<u8>>,
    /// Text that is never trained on.
    pub held_out: Vec<u8>,
}

impl Corpus {
    fn new(source: String, training: &[u8], held_out: Vec<u8>) -> Corpus {
        let size = SHARD_BYTES.max(training.len().div_ceil(SHARDS_MAX));
        Corpus { source, shards: training.chunks(size).map(<[u8]>::to_vec).collect(), held_out }
    }

    /// Bytes to train on.
    pub fn training_bytes(&self) -> u64 {
        self.shards.iter().map(|s| s.len() as u64).sum()
    }

    /// Entropy of the held-out text's bytes taken one by one, in bits per byte: what counting letters achieves.
    pub fn unigram_bits_per_byte(&self) -> f64 {
        let mut counts = [0u32; 256];
        self.held_out.iter().for_each(|b| counts[usize::from(*b)] += 1);
        let total = self.held_out.len() as f64;
        let share = counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / total);
        share.map(|p| -p * p.log2()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_two_equal_letters_is_one_bit() {
        let corpus = Corpus::new("test".into(), b"x", b"abab".to_vec());
        assert!((corpus.unigram_bits_per_byte() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn dictionary_is_the_one_we_know() {
        let corpus = dictionary().expect("the dictionary inside the binary is whole");
        assert_eq!(corpus.held_out.len(), HELD_OUT_BYTES);
        assert!(corpus.training_bytes() > 8_000_000);
    }
}
