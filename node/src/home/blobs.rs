//! Blobs by name: a shard's or list's BLAKE3, or the root of the tensors inside. Readers check what they read.

use super::{HomeError, write_whole};
use retrace_model::{RunSpec, Words};
use retrace_verifier::commitment::SegmentLists;
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::segment::tensors_blob;
use retrace_verifier::state::{StateKind, root_of};
use std::path::PathBuf;

/// A blob that is missing, or is not what its name says.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BlobError {
    /// Nobody published it.
    #[error("blob {name} is not there")]
    #[diagnostic(help(
        "a state between two steps is published only for drawn steps; replay from the base instead"
    ))]
    Missing {
        /// Its name.
        name: Digest,
    },
    /// Other bytes than the name says.
    #[error("blob {name} holds other bytes than its name says")]
    #[diagnostic(help("the file was changed after it was written: restore the home from a copy"))]
    Wrong {
        /// Its name.
        name: Digest,
    },
    /// The disk failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
}

/// The blobs of a home.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    pub(super) fn new(folder: PathBuf) -> Blobs {
        Blobs { folder }
    }

    fn path(&self, name: &Digest) -> PathBuf {
        self.folder.join(name.to_string())
    }

    fn put(&self, name: &Digest, bytes: &[u8]) -> Result<(), BlobError> {
        if !self.path(name).exists() {
            write_whole(&self.path(name), bytes)?;
        }
        Ok(())
    }

    fn get(&self, name: &Digest) -> Result<Vec<u8>, BlobError> {
        match std::fs::read(self.path(name)) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(BlobError::Missing { name: *name }),
            Err(source) => Err(HomeError::Disk { path: self.path(name), source }.into()),
        }
    }

    /// Publishes bytes under their BLAKE3.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let name = tensor_digest(bytes);
        self.put(&name, bytes)?;
        Ok(name)
    }

    /// Bytes with this BLAKE3.
    pub fn bytes(&self, name: &Digest) -> Result<Vec<u8>, BlobError> {
        let bytes = self.get(name)?;
        if tensor_digest(&bytes) == *name { Ok(bytes) } else { Err(BlobError::Wrong { name: *name }) }
    }

    /// Publishes tensors under the root over their entries.
    pub fn put_tensors(
        &self,
        kind: StateKind,
        spec: &RunSpec,
        tensors: &[Words],
    ) -> Result<Digest, BlobError> {
        let name = root_of(kind, spec, tensors);
        self.put(&name, &tensors_blob(tensors))?;
        Ok(name)
    }

    /// Tensors with this root.
    pub fn tensors(&self, kind: StateKind, spec: &RunSpec, name: &Digest) -> Result<Vec<Words>, BlobError> {
        let wrong = || BlobError::Wrong { name: *name };
        let tensors: Vec<Words> = borsh::from_slice(&self.get(name)?).map_err(|_| wrong())?;
        let right_shapes = has_shapes(kind, spec, &tensors);
        if right_shapes && root_of(kind, spec, &tensors) == *name { Ok(tensors) } else { Err(wrong()) }
    }

    /// The attested lists of a segment.
    pub fn lists(&self, name: &Digest) -> Result<SegmentLists, BlobError> {
        borsh::from_slice(&self.bytes(name)?).map_err(|_| BlobError::Wrong { name: *name })
    }
}

/// A root over too few tensors, or of other lengths, is a root all the same: shapes come from the specification.
fn has_shapes(kind: StateKind, spec: &RunSpec, tensors: &[Words]) -> bool {
    let table = retrace_model::program::parameter_table(&spec.model);
    let lengths = tensors.iter().zip(table.iter().cycle());
    tensors.len() == kind.entries(table.len())
        && lengths.into_iter().all(|(words, shape)| words.len() as u64 == shape.elements())
}
