//! The store: blocks, state rows and tree nodes as bytes, written together or not at all (L-7.4).

mod memory;
#[cfg(feature = "rocksdb")]
mod rocks;

pub use memory::MemoryStore;
#[cfg(feature = "rocksdb")]
pub use rocks::{FORMAT, RocksOptions, RocksStore, StoreError};

use crate::amount::Height;
use crate::fault::Fault;
use crate::state::Row;

/// What a new version changes in the state tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeChange {
    /// Nodes to write.
    pub written: Vec<Row>,
    /// Nodes to remove.
    pub removed: Vec<Vec<u8>>,
}

/// All that one block changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Height of the block.
    pub height: Height,
    /// Canonical bytes of the block; none for genesis.
    pub block: Option<Vec<u8>>,
    /// Canonical bytes of its certificate; none for genesis.
    pub certificate: Option<Vec<u8>>,
    /// Canonical bytes of its events; none for genesis.
    pub events: Option<Vec<u8>>,
    /// State rows to write.
    pub rows: Vec<Row>,
    /// Tree nodes.
    pub tree: TreeChange,
}

/// A body that remembers bytes. Nothing else of the crate knows which one.
pub trait Store: Send + Sync {
    /// Writes a batch, all of it or nothing.
    fn commit(&mut self, batch: Batch) -> Result<(), Fault>;

    /// The last height written; none before genesis.
    fn height(&self) -> Result<Option<Height>, Fault>;

    /// The block at a height.
    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, Fault>;

    /// The certificate of a height.
    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, Fault>;

    /// The events of a height.
    fn events(&self, height: Height) -> Result<Option<Vec<u8>>, Fault>;

    /// Every state row, in order of key.
    fn rows(&self) -> Result<Vec<Row>, Fault>;

    /// A tree node.
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;
}
