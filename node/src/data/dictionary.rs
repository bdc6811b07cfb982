//! Webster's dictionary, 86,036 entries, from the crate that ships it.

use super::{Corpus, CorpusError, HELD_OUT_BYTES};
use serde_json::Value;

/// Entries that the crate's text holds; it yields an empty string when it cannot be parsed, so we count.
const ENTRIES: usize = 86_036;
/// BLAKE3 of all documents in order.
const DIGEST: &str = "cf8ffbc24aa7f92fd778cb45eae6f85db80792e34a771f0c009505b33064d8e1";
/// Every hundredth entry is held out until the held-out text is full: letters of all kinds, not only the last ones.
const HELD_OUT_EVERY: usize = 100;

/// The dictionary as a corpus: a document is an entry, headword and definition, in order of the headwords.
pub fn dictionary() -> Result<Corpus, CorpusError> {
    let damaged = |found: usize| CorpusError::Dictionary { found, expected: ENTRIES };
    let Value::Object(entries) = &*webster::DICT else { return Err(damaged(0)) };
    let mut sorted: Vec<(&String, &Value)> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(word, _)| *word);
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    let mut hasher = blake3::Hasher::new();
    for (at, (word, definition)) in sorted.iter().enumerate() {
        let document = format!("{word}\n{}\n\n", definition.as_str().unwrap_or_default());
        hasher.update(document.as_bytes());
        let is_held_out = at % HELD_OUT_EVERY == HELD_OUT_EVERY / 2 && held_out.len() < HELD_OUT_BYTES;
        if is_held_out { &mut held_out } else { &mut training }.extend_from_slice(document.as_bytes());
    }
    if sorted.len() != ENTRIES || hasher.finalize().to_hex().as_str() != DIGEST {
        return Err(damaged(sorted.len()));
    }
    held_out.truncate(HELD_OUT_BYTES);
    let source = format!("Webster's dictionary, {ENTRIES} entries (crate webster 0.2.0)");
    Ok(Corpus::new(source, &training, held_out))
}
