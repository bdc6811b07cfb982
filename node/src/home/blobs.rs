//! Blobs by name: a shard's or list's BLAKE3, or the root of the tensors inside. Readers check what they read.

use super::{HomeError, write_whole};
use retrace_model::{RunSpec, Words};
use retrace_verifier::commitment::SegmentLists;
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::segment::tensors_blob;
use retrace_verifier::state::{StateKind, root_of};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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

/// A blob that a reader wants, with all that is needed to check what strangers send for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Bytes with this BLAKE3.
    Bytes {
        /// The digest.
        name: Digest,
        /// Most bytes that make sense.
        bytes_max: u64,
    },
    /// Tensors with this root.
    Tensors {
        /// The root.
        name: Digest,
        /// Which tensors it covers.
        kind: StateKind,
        /// The run, which gives their shapes.
        spec: Box<RunSpec>,
    },
}

impl Want {
    /// The blob's name.
    pub fn name(&self) -> Digest {
        match self {
            Want::Bytes { name, .. } | Want::Tensors { name, .. } => *name,
        }
    }
}

/// Nobody who was asked had the right bytes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody had the blob's bytes in time")]
pub struct Unfetched;

/// Where blobs come from that are not here.
pub trait Source: Send + Sync {
    /// Fetches a blob, at most `patience`; when this succeeds its bytes were checked and are in the folder.
    fn fetch(&self, want: &Want, patience: Duration) -> Result<(), Unfetched>;
}

/// How long a reader waits for the network.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest list of a segment: three lists of 32 bytes or less for each of the steps that a run may have.
const LISTS_BYTES_MAX: u64 = 1 << 24;

/// The blobs of a home.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    source: Option<Arc<dyn Source>>,
}

impl Blobs {
    pub(crate) fn new(folder: PathBuf) -> Blobs {
        Blobs { folder, source: None }
    }

    /// The same blobs, with somebody to ask for those that are not here.
    pub fn with_source(self, source: Arc<dyn Source>) -> Blobs {
        Blobs { source: Some(source), ..self }
    }

    /// Where a blob's file is, whether or not it exists.
    pub fn path(&self, name: &Digest) -> PathBuf {
        self.folder.join(name.to_string())
    }

    /// True when a blob is here.
    pub fn has(&self, name: &Digest) -> bool {
        self.path(name).exists()
    }

    fn put(&self, name: &Digest, bytes: &[u8]) -> Result<(), BlobError> {
        if !self.path(name).exists() {
            write_whole(&self.path(name), bytes)?;
        }
        Ok(())
    }

    /// A blob's bytes as they are on disk, nothing checked.
    pub fn raw(&self, name: &Digest) -> Result<Vec<u8>, BlobError> {
        match std::fs::read(self.path(name)) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(BlobError::Missing { name: *name }),
            Err(source) => Err(HomeError::Disk { path: self.path(name), source }.into()),
        }
    }

    fn get(&self, want: &Want) -> Result<Vec<u8>, BlobError> {
        match (self.raw(&want.name()), &self.source) {
            (Err(BlobError::Missing { name }), Some(source)) => {
                source.fetch(want, PATIENCE).map_err(|Unfetched| BlobError::Missing { name })?;
                self.raw(&name)
            }
            (found, _) => found,
        }
    }

    /// Publishes bytes under their BLAKE3.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let name = tensor_digest(bytes);
        self.put(&name, bytes)?;
        Ok(name)
    }

    /// Bytes with this BLAKE3.
    pub fn bytes(&self, name: &Digest, bytes_max: u64) -> Result<Vec<u8>, BlobError> {
        let bytes = self.get(&Want::Bytes { name: *name, bytes_max })?;
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
        let want = Want::Tensors { name: *name, kind, spec: Box::new(*spec) };
        let tensors: Vec<Words> = borsh::from_slice(&self.get(&want)?).map_err(|_| wrong())?;
        let right_shapes = has_shapes(kind, spec, &tensors);
        if right_shapes && root_of(kind, spec, &tensors) == *name { Ok(tensors) } else { Err(wrong()) }
    }

    /// The attested lists of a segment.
    pub fn lists(&self, name: &Digest) -> Result<SegmentLists, BlobError> {
        borsh::from_slice(&self.bytes(name, LISTS_BYTES_MAX)?).map_err(|_| BlobError::Wrong { name: *name })
    }
}

/// A root over too few tensors, or of other lengths, is a root all the same: shapes come from the specification.
fn has_shapes(kind: StateKind, spec: &RunSpec, tensors: &[Words]) -> bool {
    let table = retrace_model::program::parameter_table(&spec.model);
    let lengths = tensors.iter().zip(table.iter().cycle());
    tensors.len() == kind.entries(spec)
        && lengths.into_iter().all(|(words, shape)| words.len() as u64 == shape.elements())
}
