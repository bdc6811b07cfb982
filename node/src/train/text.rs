//! What is trained on: a file of bytes or token ids, its end held out.

use super::error::{TrainError, disk};
use retrace_model::tokens::TokenFormat;
use retrace_model::{StepId, Words, place};
use retrace_verifier::digest::Digest;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most bytes of a file.
pub const DATA_BYTES_MAX: u64 = 1 << 32;
/// One token in so many is held out.
const HELD_OUT_SHARE: usize = 20;

/// Token ids as the file has them.
enum Tokens {
    Bytes(Vec<u8>),
    Ids(Words),
}

/// A file as tokens.
pub struct Text {
    /// Where it came from.
    pub path: PathBuf,
    /// BLAKE3 of the file.
    pub digest: Digest,
    /// How it holds token ids.
    pub format: TokenFormat,
    tokens: Tokens,
    /// Tokens that are trained on; the rest is held out.
    training: usize,
    vocabulary: u32,
}

impl Text {
    /// Reads a file for a model of `vocabulary` ids. One sequence of `span` tokens must fit; the last twentieth is held
    /// out where a sequence fits into it and into the rest.
    ///
    /// # Errors
    /// A file that cannot be read, is too long or too short, or holds an id that the model does not have.
    pub fn read(path: &Path, format: TokenFormat, vocabulary: u32, span: u64) -> Result<Text, TrainError> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(disk(path))?;
        // A device or a pipe says nothing true of its length, so the reading itself is bounded.
        file.take(DATA_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(disk(path))?;
        if bytes.len() as u64 > DATA_BYTES_MAX {
            return Err(TrainError::TooLong { path: path.into() });
        }
        Text::new(path, bytes, format, vocabulary, span)
    }

    /// [`Text::read`] of bytes that are here already.
    ///
    /// # Errors
    /// As there.
    pub fn new(
        path: &Path,
        bytes: Vec<u8>,
        format: TokenFormat,
        vocabulary: u32,
        span: u64,
    ) -> Result<Text, TrainError> {
        let path = path.to_path_buf();
        let digest = blake3::hash(&bytes).into();
        let tokens = match format {
            // A quarter of the memory; every byte is an id, since no vocabulary is smaller.
            TokenFormat::Bytes => Tokens::Bytes(bytes),
            TokenFormat::U16 | TokenFormat::U32 => match format.read(&bytes, vocabulary) {
                Ok(ids) => Tokens::Ids(ids),
                Err(source) => return Err(TrainError::Tokens { path, source }),
            },
        };
        let count = tokens.len();
        if (count as u64) < span {
            return Err(TrainError::TooShort { path, found: count as u64, needed: span });
        }
        let held_out = count / HELD_OUT_SHARE;
        let fits = held_out as u64 >= span && (count - held_out) as u64 >= span;
        let training = if fits { count - held_out } else { count };
        Ok(Text { path, digest, format, tokens, training, vocabulary })
    }

    /// Tokens that are trained on.
    pub fn training(&self) -> usize {
        self.training
    }

    /// Tokens that are held out; 0 for a short file.
    pub fn held_out(&self) -> usize {
        self.tokens.len() - self.training
    }

    /// What one token is, for people.
    pub fn unit(&self) -> &'static str {
        match self.tokens {
            Tokens::Bytes(_) => "byte",
            Tokens::Ids(_) => "token",
        }
    }

    /// The tokens of a step: `batch` sequences of `span` tokens, each from where `beacon` says (M-6.3). `words` is
    /// cleared first, so that its memory serves every step.
    pub fn draw(&self, words: &mut Words, beacon: &[u8; 32], at: StepId, batch: u32, span: u64) {
        words.clear();
        for sequence in 0..batch {
            // A sequence fits, so there is a place: the file's length was checked.
            let place = place(beacon, at, sequence, &[self.training as u64], span);
            let from = place.map_or(0, |place| place.offset as usize);
            self.tokens.append(words, from, span as usize);
        }
    }

    /// Appends `count` held-out tokens, from the held-out token `from` on; fewer at the end.
    pub fn append_held_out(&self, words: &mut Words, from: usize, count: usize) {
        self.tokens.append(words, self.training.saturating_add(from), count);
    }

    /// Entropy of the first `count` held-out tokens taken one by one, in bits a token: what counting achieves.
    pub fn unigram_bits(&self, count: usize) -> f64 {
        let mut words = Words::new();
        self.append_held_out(&mut words, 0, count);
        let mut counts = vec![0u32; self.vocabulary as usize];
        words.iter().for_each(|id| counts[*id as usize] += 1);
        let total = words.len() as f64;
        let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
        shares.map(|share| -share * share.log2()).sum()
    }
}

impl Tokens {
    fn len(&self) -> usize {
        match self {
            Tokens::Bytes(bytes) => bytes.len(),
            Tokens::Ids(ids) => ids.len(),
        }
    }

    fn append(&self, words: &mut Words, from: usize, count: usize) {
        let to = from.saturating_add(count).min(self.len());
        let range = from.min(to)..to;
        match self {
            Tokens::Bytes(bytes) => words.extend(bytes[range].iter().map(|byte| u32::from(*byte))),
            Tokens::Ids(ids) => words.extend_from_slice(&ids[range]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, TokenFormat, TrainError};
    use retrace_model::tokens::TokensError;
    use retrace_model::{StepId, Words};
    use std::path::Path;

    fn text(bytes: &[u8], vocabulary: u32, span: u64) -> Result<Text, TrainError> {
        let format = if vocabulary == 256 { TokenFormat::Bytes } else { TokenFormat::U32 };
        Text::new(Path::new("a file"), bytes.to_vec(), format, vocabulary, span)
    }

    #[test]
    fn the_end_is_held_out_where_a_sequence_fits_into_it() {
        let bytes: Vec<u8> = (0..200).collect();
        let short = text(&bytes, 256, 11).unwrap();
        assert_eq!((short.training(), short.held_out()), (200, 0));
        let long = text(&bytes, 256, 10).unwrap();
        assert_eq!((long.training(), long.held_out(), long.unit()), (190, 10, "byte"));
        let mut held_out = Words::new();
        long.append_held_out(&mut held_out, 8, 5);
        assert_eq!(held_out, [198, 199]);
        let needed = text(&bytes, 256, 201);
        assert!(matches!(needed, Err(TrainError::TooShort { found: 200, needed: 201, .. })));
    }

    #[test]
    fn drawn_sequences_are_of_the_training_part() {
        let bytes: Vec<u8> = (0..200).collect();
        let text = text(&bytes, 256, 10).unwrap();
        let mut words = vec![7; 3];
        for step in 0..50 {
            text.draw(&mut words, &[1; 32], StepId { round: 0, slot: 0, step }, 4, 10);
            assert_eq!(words.len(), 40);
            let run = |sequence: &[u32]| sequence.windows(2).all(|pair| pair[1] == pair[0] + 1);
            assert!(words.chunks(10).all(|sequence| run(sequence) && sequence[9] < 190));
        }
    }

    #[test]
    fn ids_are_words_of_the_vocabulary() {
        let bytes: Vec<u8> = [5u32, 999, 5, 5].iter().flat_map(|id| id.to_le_bytes()).collect();
        let found = text(&bytes, 1_000, 2).unwrap();
        assert_eq!((found.training(), found.unit()), (4, "token"));
        let beyond = text(&bytes, 999, 2);
        assert!(matches!(
            beyond,
            Err(TrainError::Tokens { source: TokensError::Vocabulary { at: 1, id: 999, .. }, .. })
        ));
        assert!(matches!(text(&bytes[1..], 1_000, 2), Err(TrainError::Tokens { .. })));
    }

    #[test]
    fn entropy_of_two_equal_letters_is_one_bit() {
        let bytes: Vec<u8> = (0..400).map(|at| b"ab"[at % 2]).collect();
        assert!((text(&bytes, 256, 4).unwrap().unigram_bits(20) - 1.0).abs() < 1e-12);
    }
}
