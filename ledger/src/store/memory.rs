//! The body of [`Store`] that forgets: for tests, and for a process that replays blocks from elsewhere.

use super::{Batch, Store};
use crate::amount::Height;
use crate::fault::Fault;
use crate::state::Row;
use std::collections::BTreeMap;

/// Everything in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    height: Option<Height>,
    blocks: BTreeMap<Height, Vec<u8>>,
    certificates: BTreeMap<Height, Vec<u8>>,
    events: BTreeMap<Height, Vec<u8>>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Store for MemoryStore {
    fn commit(&mut self, batch: Batch) -> Result<(), Fault> {
        let height = batch.height;
        self.blocks.extend(batch.block.map(|bytes| (height, bytes)));
        self.certificates.extend(batch.certificate.map(|bytes| (height, bytes)));
        self.events.extend(batch.events.map(|bytes| (height, bytes)));
        self.rows.extend(batch.rows);
        for key in batch.tree.removed {
            self.nodes.remove(&key);
        }
        self.nodes.extend(batch.tree.written);
        self.height = Some(height);
        Ok(())
    }

    fn height(&self) -> Result<Option<Height>, Fault> {
        Ok(self.height)
    }

    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.blocks.get(&height).cloned())
    }

    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.certificates.get(&height).cloned())
    }

    fn events(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.events.get(&height).cloned())
    }

    fn rows(&self) -> Result<Vec<Row>, Fault> {
        Ok(self.rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.nodes.get(key).cloned())
    }
}
