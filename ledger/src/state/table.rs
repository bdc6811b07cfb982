//! A typed table with a layer of staged rows on top: a block is applied to the layer, then kept or dropped (L-7.1).

use crate::codec::{decode, encode};
use crate::fault::Fault;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// A row's key and value as canonical bytes; the key begins with the table's tag.
pub type Row = (Vec<u8>, Vec<u8>);

/// Rows are added and replaced, never removed.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    tag: u8,
    rows: BTreeMap<K, V>,
    staged: BTreeMap<K, V>,
}

impl<K, V> Table<K, V>
where
    K: Ord + Clone + BorshSerialize + BorshDeserialize,
    V: Clone + PartialEq + BorshSerialize + BorshDeserialize,
{
    /// An empty table.
    pub(crate) fn new(tag: u8) -> Table<K, V> {
        Table { tag, rows: BTreeMap::new(), staged: BTreeMap::new() }
    }

    /// The row, staged or kept.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.staged.get(key).or_else(|| self.rows.get(key))
    }

    /// The row, which must be there.
    pub(crate) fn want(&self, key: &K) -> Result<&V, Fault> {
        self.get(key).ok_or(Fault::Corrupt { table: self.tag })
    }

    /// All keys in order, staged and kept.
    pub fn keys(&self) -> Vec<K> {
        let mut keys: Vec<K> = self.rows.keys().chain(self.staged.keys()).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// All rows in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.keys().into_iter().filter_map(|key| {
            let value = self.get(&key)?;
            Some((key, value))
        })
    }

    /// Stages a row.
    pub(crate) fn put(&mut self, key: K, value: V) {
        self.staged.insert(key, value);
    }

    /// Stages a change of a row that must be there.
    pub(crate) fn change(&mut self, key: &K, edit: impl FnOnce(&mut V)) -> Result<(), Fault> {
        let mut value = self.want(key)?.clone();
        edit(&mut value);
        self.staged.insert(key.clone(), value);
        Ok(())
    }

    /// The canonical key of a row.
    fn key_bytes(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![self.tag];
        bytes.extend(encode(key));
        bytes
    }

    /// Staged rows that differ from what is kept.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Row> {
        let is_new = |(key, value): &(&K, &V)| self.rows.get(key) != Some(value);
        self.staged.iter().filter(is_new).map(|(key, value)| (self.key_bytes(key), encode(value)))
    }

    /// Keeps the staged rows.
    pub(crate) fn keep(&mut self) {
        self.rows.append(&mut self.staged);
    }

    /// Drops the staged rows.
    pub(crate) fn discard(&mut self) {
        self.staged.clear();
    }

    /// Takes a kept row from stored bytes; false when the tag is another table's.
    pub(crate) fn load(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Fault> {
        let Some(key) = key.strip_prefix(&[self.tag]) else {
            return Ok(false);
        };
        let corrupt = |_| Fault::Corrupt { table: self.tag };
        let key: K = decode(key, usize::MAX).map_err(corrupt)?;
        let value: V = decode(value, usize::MAX).map_err(corrupt)?;
        self.rows.insert(key, value);
        Ok(true)
    }
}
