//! Proofs that a key has a value, or none, under a state root: for those who hold only a header (L-7.3).

use super::key::StateKey;
use super::tree::{Nodes, TreeHasher, broken, digest, place};
use crate::amount::Height;
use crate::codec::{CodecError, decode, encode};
use crate::fault::Fault;
use crate::limits::PROOF_BYTES_MAX;
use crate::store::Store;
use jmt::proof::SparseMerkleProof;
use jmt::{JellyfishMerkleTree, RootHash};
use retrace_verifier::digest::Digest;

/// A proof of one key, as canonical bytes of the tree's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// The path.
    pub path: Vec<u8>,
}

/// A proof that proves nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The path's bytes are no path.
    #[error("the path does not decode: {0}")]
    Codec(#[from] CodecError),
    /// The path does not lead from the key and value to the root.
    #[error("the path does not lead from this key and value to the root")]
    Root,
}

/// The path of a key in the newest version.
pub(crate) fn prove(store: &dyn Store, key: &StateKey, height: Height) -> Result<StateProof, Fault> {
    let nodes = Nodes(store);
    let tree = JellyfishMerkleTree::<_, TreeHasher>::new(&nodes);
    let (_, path) = tree.get_with_proof(place(&key.bytes()), height.0).map_err(broken)?;
    Ok(StateProof { path: encode(&path) })
}

/// Checks that `key` has `value` (or none) under a state root that the caller trusts.
pub fn verify(
    root: &Digest,
    key: &StateKey,
    value: Option<&[u8]>,
    proof: &StateProof,
) -> Result<(), ProofError> {
    let path: SparseMerkleProof<TreeHasher> = decode(&proof.path, PROOF_BYTES_MAX)?;
    path.verify(RootHash(root.0), place(&key.bytes()), value.map(digest)).map_err(|_| ProofError::Root)
}
