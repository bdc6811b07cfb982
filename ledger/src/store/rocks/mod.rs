//! The body of [`Store`] on disk: RocksDB, one synced batch a block (L-7.4, L-7.6).
//!
//! ```text
//! family        key                   value
//! blocks        height, big-endian    canonical bytes of the block
//! certificates  height, big-endian    canonical bytes of its certificate
//! events        height, big-endian    canonical bytes of what happened
//! rows          a state row's key     its value
//! nodes         a tree node's key     the node
//! meta          format                4 bytes, little-endian
//!               network               32 bytes
//!               height                8 bytes, big-endian: the last block; none before genesis
//! ```

mod open;
#[cfg(test)]
mod tests;

pub use open::StoreError;

use super::{Batch, Store};
use crate::amount::Height;
use crate::fault::Fault;
use crate::state::Row;
use retrace_verifier::digest::Digest;
use rocksdb::{ColumnFamily, DB, IteratorMode, WriteBatch, WriteOptions};
use std::path::Path;

/// Version of the layout above. A store of another one is refused, never migrated.
pub const FORMAT: u32 = 3;

const BLOCKS: &str = "blocks";
const CERTIFICATES: &str = "certificates";
const EVENTS: &str = "events";
const ROWS: &str = "rows";
const NODES: &str = "nodes";
const META: &str = "meta";
const FAMILIES: [&str; 6] = [BLOCKS, CERTIFICATES, EVENTS, ROWS, NODES, META];

const FORMAT_KEY: &[u8] = b"format";
const NETWORK_KEY: &[u8] = b"network";
const HEIGHT_KEY: &[u8] = b"height";

/// How much memory the body may take; a few MiB more come with its threads and open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RocksOptions {
    /// Blocks of files that are kept in memory, their indexes included.
    pub cache_bytes: usize,
    /// Writes that are kept in memory before they become files, of all families together.
    pub write_buffer_bytes: usize,
}

impl Default for RocksOptions {
    fn default() -> RocksOptions {
        RocksOptions { cache_bytes: 8 << 20, write_buffer_bytes: 4 << 20 }
    }
}

/// Blocks, rows and nodes in a folder.
pub struct RocksStore {
    db: DB,
    is_read_only: bool,
}

impl RocksStore {
    /// Opens the store in a folder, or makes one there if the folder is empty or missing.
    pub fn open(path: &Path, network: &Digest, options: RocksOptions) -> Result<RocksStore, StoreError> {
        let db = open::open(path, network, options)?;
        Ok(RocksStore { db, is_read_only: false })
    }

    /// Opens a store as it is now, also while another process writes it; what that writes later is not seen.
    pub fn open_read_only(
        path: &Path,
        network: &Digest,
        options: RocksOptions,
    ) -> Result<RocksStore, StoreError> {
        let db = open::open_read_only(path, network, options)?;
        Ok(RocksStore { db, is_read_only: true })
    }

    fn get(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.db.get_cf(family(&self.db, name)?, key).map_err(failed)
    }
}

fn family<'a>(db: &'a DB, name: &str) -> Result<&'a ColumnFamily, Fault> {
    db.cf_handle(name).ok_or_else(|| Fault::Store { what: format!("the column family {name} is missing") })
}

fn failed(error: rocksdb::Error) -> Fault {
    Fault::Store { what: error.into_string() }
}

/// Waits for the disk: a block that is said to be written survives a power cut.
fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

impl Store for RocksStore {
    fn commit(&mut self, batch: Batch) -> Result<(), Fault> {
        if self.is_read_only {
            return Err(Fault::Store { what: "it is open for reading only".to_owned() });
        }
        let mut writes = WriteBatch::default();
        let at = batch.height.0.to_be_bytes();
        let parts = [(BLOCKS, batch.block), (CERTIFICATES, batch.certificate), (EVENTS, batch.events)];
        for (name, bytes) in parts {
            if let Some(bytes) = bytes {
                writes.put_cf(family(&self.db, name)?, at, bytes);
            }
        }
        let (rows, nodes) = (family(&self.db, ROWS)?, family(&self.db, NODES)?);
        for (key, value) in batch.rows {
            writes.put_cf(rows, key, value);
        }
        for key in batch.tree.removed {
            writes.delete_cf(nodes, key);
        }
        for (key, node) in batch.tree.written {
            writes.put_cf(nodes, key, node);
        }
        writes.put_cf(family(&self.db, META)?, HEIGHT_KEY, at);
        self.db.write_opt(writes, &synced()).map_err(failed)
    }

    fn height(&self) -> Result<Option<Height>, Fault> {
        let Some(bytes) = self.get(META, HEIGHT_KEY)? else { return Ok(None) };
        let bytes = <[u8; 8]>::try_from(bytes.as_slice());
        let bytes = bytes.map_err(|_| Fault::Store { what: "the height is not 8 bytes".to_owned() })?;
        Ok(Some(Height(u64::from_be_bytes(bytes))))
    }

    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.get(BLOCKS, &height.0.to_be_bytes())
    }

    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.get(CERTIFICATES, &height.0.to_be_bytes())
    }

    fn events(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.get(EVENTS, &height.0.to_be_bytes())
    }

    fn rows(&self) -> Result<Vec<Row>, Fault> {
        let rows = self.db.iterator_cf(family(&self.db, ROWS)?, IteratorMode::Start);
        rows.map(|row| row.map(|(key, value)| (key.into_vec(), value.into_vec())).map_err(failed)).collect()
    }

    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.get(NODES, key)
    }
}
