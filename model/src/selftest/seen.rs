//! Who sees a golden run: its outputs whole, or put together from parts (M-4.9).

use crate::execute::Words;
use crate::observer::{Observer, Parts};
use crate::program::Row;
use std::sync::Mutex;

/// Sees whole outputs.
#[derive(Default)]
pub(super) struct Digest {
    all: blake3::Hasher,
    /// The digest of each row's output, in the last step.
    rows: Vec<blake3::Hash>,
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Digest {
    /// One who puts together as many outputs.
    pub fn gathered(&self) -> Gathered {
        Gathered(self.rows.iter().map(|_| Mutex::default()).collect())
    }

    /// The hash of all words, in hexadecimal.
    pub fn hash(&self) -> String {
        self.all.finalize().to_hex().to_string()
    }

    /// Adds what is not an output of the last step.
    pub fn compare(&mut self, gathered: Gathered) {
        let outputs = gathered.0.into_iter().map(|words| words.into_inner().unwrap_or_default());
        for (words, hash) in outputs.zip(std::mem::take(&mut self.rows)) {
            if blake3::hash(&bytes(&words)) != hash {
                self.differ(&words);
            }
        }
    }

    /// Adds words that should have been others; that there are none is a difference, too.
    pub fn differ(&mut self, words: &[u32]) {
        self.all.update(b"differs");
        self.words(words);
    }

    fn words(&mut self, words: &[u32]) {
        self.all.update(&bytes(words));
    }
}

impl Observer for Digest {
    fn output(&mut self, at: usize, _row: &Row, words: &mut Words) {
        self.words(words);
        self.rows.truncate(at);
        self.rows.push(blake3::hash(&bytes(words)));
    }
}

/// Takes outputs in parts, and puts each row's together, in the last step.
pub(super) struct Gathered(Vec<Mutex<Words>>);

impl Parts for Gathered {
    fn part(&self, at: usize, first: usize, words: &[u32]) {
        // A lock is only poisoned by a panic, which ends the run.
        if let Some(Ok(mut row)) = self.0.get(at).map(Mutex::lock) {
            let end = first + words.len();
            if row.len() < end {
                row.resize(end, 0);
            }
            row[first..end].copy_from_slice(words);
        }
    }
}

impl Observer for Gathered {
    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::step_program;
    use crate::selftest::golden_spec;

    /// M-4.9: an output that was shown otherwise, or not at all, gives another hash.
    #[test]
    fn another_part_is_another_hash() {
        let rows = step_program(&golden_spec()).rows;
        let outputs = [vec![1, 2, 3], (0..600).collect::<Words>()];
        let hash = |change: &dyn Fn(&Gathered)| {
            let mut digest = Digest::default();
            for (at, words) in outputs.iter().enumerate() {
                digest.output(at, &rows[at], &mut words.clone());
            }
            let gathered = digest.gathered();
            gathered.part(1, 512, &outputs[1][512..]);
            gathered.part(0, 0, &outputs[0]);
            gathered.part(1, 0, &outputs[1][..256]);
            change(&gathered);
            digest.compare(gathered);
            digest.hash()
        };
        let whole = hash(&|gathered| gathered.part(1, 256, &outputs[1][256..512]));
        let mut plain = Digest::default();
        outputs.iter().for_each(|words| plain.words(words));
        assert_eq!(whole, plain.hash());
        assert_ne!(hash(&|_| {}), whole);
        let without_the_first = |gathered: &Gathered| {
            gathered.part(1, 256, &outputs[1][256..512]);
            gathered.0[0].lock().expect("nobody panics").clear();
        };
        assert_ne!(hash(&without_the_first), whole);
        assert_ne!(hash(&|gathered| gathered.part(1, 256, &[9; 256])), whole);
    }
}
