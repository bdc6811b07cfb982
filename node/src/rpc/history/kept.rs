//! A table that forgets: the first that came in is the first that goes (W-3.2).

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeBounds;

/// At most `MOST` values by key; what has been there for longest goes first.
#[derive(Debug)]
pub struct Kept<K, V, const MOST: usize> {
    values: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V, const MOST: usize> Default for Kept<K, V, MOST> {
    fn default() -> Kept<K, V, MOST> {
        Kept { values: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Copy, V, const MOST: usize> Kept<K, V, MOST> {
    /// Keeps a value; one of the same key is replaced and keeps its place.
    pub fn put(&mut self, key: K, value: V) {
        if self.values.insert(key, value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    /// The values of a range of keys, in their order.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = &V> {
        self.values.range(keys).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    /// W-3.2: the oldest goes first, whatever its key; the same key again is no second value.
    #[test]
    fn the_oldest_goes() {
        let mut kept = Kept::<u8, u8, 3>::default();
        for (key, value) in [(9, 1), (5, 2), (9, 3), (7, 4)] {
            kept.put(key, value);
        }
        assert_eq!(kept.range(0..).copied().collect::<Vec<u8>>(), [2, 4, 3]);
        kept.put(1, 5);
        assert_eq!((kept.get(&9), kept.get(&5)), (None, Some(&2)));
        assert_eq!(kept.range(5..=7).copied().collect::<Vec<u8>>(), [2, 4]);
        assert_eq!((kept.order.len(), kept.values.len()), (3, 3));
    }
}
