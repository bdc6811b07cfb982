//! A bounded memory of content names: the oldest are forgotten first.

use std::collections::{BTreeSet, VecDeque};

/// Names that came a moment ago.
#[derive(Debug)]
pub(super) struct Recent {
    most: usize,
    known: BTreeSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Recent {
    pub(super) fn new(most: usize) -> Recent {
        Recent { most, known: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Remembers the content of `bytes`; true if it is new.
    pub(super) fn note(&mut self, bytes: &[u8]) -> bool {
        let name = *blake3::hash(bytes).as_bytes();
        if !self.known.insert(name) {
            return false;
        }
        self.order.push_back(name);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    /// W-2.5: what was heard is known for a while, and memory is bounded.
    #[test]
    fn the_oldest_are_forgotten() {
        let mut recent = Recent::new(2);
        assert!(recent.note(b"a") && !recent.note(b"a") && recent.note(b"b") && recent.note(b"c"));
        assert!(recent.note(b"a") && !recent.note(b"c"));
        assert_eq!((recent.known.len(), recent.order.len()), (2, 2));
    }
}
