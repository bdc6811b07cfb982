//! The authenticated map behind the state root: a Jellyfish Merkle tree over BLAKE3 (L-7.2).

use super::table::Row;
use crate::fault::Fault;
use crate::store::{Store, TreeChange};
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use retrace_verifier::digest::Digest;

/// BLAKE3 with the tree's own context.
pub(crate) struct TreeHasher(blake3::Hasher);

impl SimpleHasher for TreeHasher {
    fn new() -> Self {
        TreeHasher(blake3::Hasher::new_derive_key("retrace v1 state tree"))
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// Where a key is in the tree.
pub(crate) fn place(key: &[u8]) -> KeyHash {
    KeyHash(blake3::derive_key("retrace v1 state key", key))
}

/// What the tree holds of a value.
pub(crate) fn digest(value: &[u8]) -> [u8; 32] {
    blake3::derive_key("retrace v1 state value", value)
}

/// The store as the tree reads it: nodes under `0`, values' digests under `1`.
pub(crate) struct Nodes<'a>(pub &'a dyn Store);

fn node_key(key: &NodeKey) -> Result<Vec<u8>, borsh::io::Error> {
    let mut bytes = vec![0];
    bytes.extend(borsh::to_vec(key)?);
    Ok(bytes)
}

fn value_key(key: &KeyHash) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend(key.0);
    bytes
}

impl TreeReader for Nodes<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let bytes = self.0.node(&node_key(key)?)?;
        Ok(bytes.map(|bytes| borsh::from_slice(&bytes)).transpose()?)
    }

    /// Only the newest values are kept, so only the newest version is read.
    fn get_value_option(&self, _: Version, key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.0.node(&value_key(&key))?)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Asked for by a restore from chunks, which this ledger does not do.
        Ok(None)
    }
}

/// What a broken tree says.
pub(crate) fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::Tree { what: error.to_string() }
}

/// A new root, and what it changes in the store.
pub(crate) struct TreeUpdate {
    /// State root.
    pub root: Digest,
    /// Nodes written and removed.
    pub change: TreeChange,
}

/// The root after `rows` are written as version `version`: the height of the block that wrote them (L-7.2).
pub(crate) fn update(store: &dyn Store, rows: &[Row], version: u64) -> Result<TreeUpdate, Fault> {
    let nodes = Nodes(store);
    let tree = JellyfishMerkleTree::<_, TreeHasher>::new(&nodes);
    let leaves: Vec<(KeyHash, [u8; 32])> =
        rows.iter().map(|(key, value)| (place(key), digest(value))).collect();
    let values = leaves.iter().map(|(key, value)| (*key, Some(value.to_vec())));
    let (root, batch) = tree.put_value_set(values, version).map_err(broken)?;
    let mut change = TreeChange::default();
    for (key, node) in batch.node_batch.nodes() {
        change.written.push((node_key(key).map_err(broken)?, borsh::to_vec(node).map_err(broken)?));
    }
    change.written.extend(leaves.iter().map(|(key, value)| (value_key(key), value.to_vec())));
    for stale in &batch.stale_node_index_batch {
        change.removed.push(node_key(&stale.node_key).map_err(broken)?);
    }
    Ok(TreeUpdate { root: Digest(root.0), change })
}

/// The root of the tree at the version that the store holds.
pub(crate) fn root_at(store: &dyn Store, height: crate::amount::Height) -> Result<Digest, Fault> {
    let nodes = Nodes(store);
    let tree = JellyfishMerkleTree::<_, TreeHasher>::new(&nodes);
    Ok(Digest(tree.get_root_hash(height.0).map_err(broken)?.0))
}
