//! A home: one folder with a network's blocks, blobs and evidence, readable by any later process.
//!
//! ```text
//! FORMAT         "retrace home 3" and the network's id
//! genesis.bin    canonical bytes of genesis
//! db/            blocks, their certificates and events, state rows and tree nodes (RocksDB)
//! blobs/HEX      shards, deltas, lists and states by the digest or root that names them
//! partial/HEX    what is there of blobs that are being fetched
//! signed/        what a trainer has signed for its slots
//! consensus/     a validator's log, sign state and proposals
//! evidence/HEX   bundles by dispute
//! pending/HEX    acknowledged transactions that no block has settled yet
//! config.toml    what a node of this home does, and where it listens
//! keystore.age   its keys, encrypted
//! ```

mod blobs;

pub use blobs::{BlobError, Blobs, Source, Unfetched, Want};

use retrace_ledger::{Chain, ChainError, Genesis, RocksOptions, RocksStore, StoreError};
use retrace_verifier::digest::Digest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const FORMAT: &str = "retrace home 3";
/// Longest genesis file.
const GENESIS_BYTES_MAX: u64 = 1 << 20;

/// A home that cannot be made or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum HomeError {
    /// The folder cannot be read or written.
    #[error("cannot use {path}: {source}")]
    #[diagnostic(help("check the path, its permissions and the space left on its disk"))]
    Disk {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Something is there already.
    #[error("{path} is not empty")]
    #[diagnostic(help("nothing was touched; name a new folder with --home, or remove this one"))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Not a home.
    #[error("{path} is no home: it has no FORMAT file")]
    #[diagnostic(help("a home is what `retrace init` makes, and what `retrace demo --home DIR` writes"))]
    NoHome {
        /// The folder.
        path: PathBuf,
    },
    /// A home of another version.
    #[error("{path} is a home of another format: it says {found:?}, this build reads {FORMAT:?}")]
    #[diagnostic(help("before 1.0 old formats are refused, never migrated: use the build that wrote it"))]
    OtherFormat {
        /// The folder.
        path: PathBuf,
        /// First line of its FORMAT file.
        found: String,
    },
    /// FORMAT and genesis disagree.
    #[error("{path} says it is of network {said}, its genesis is of network {found}")]
    #[diagnostic(help("files of two networks are mixed in this folder: restore it from a copy"))]
    OtherNetwork {
        /// The folder.
        path: PathBuf,
        /// What FORMAT says.
        said: String,
        /// What genesis hashes to.
        found: Digest,
    },
    /// The database.
    #[error("the database in {path} cannot be opened: {source}")]
    #[diagnostic(help(
        "one process at a time writes to a home; stop the other one, or restore the home from a copy"
    ))]
    Store {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: StoreError,
    },
    /// The chain in the database.
    #[error("the chain in {path} cannot be opened: {source}")]
    #[diagnostic(help("restore the home from a copy, or make a new one and let it catch up from its peers"))]
    Chain {
        /// The database's folder.
        path: PathBuf,
        /// Why not.
        source: ChainError,
    },
    /// A file of the home is damaged.
    #[error("{path} is damaged: {what}")]
    #[diagnostic(help("restore the home from a copy, or run the demo again"))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// An opened home.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    genesis: Genesis,
}

pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_path_buf();
    |source| HomeError::Disk { path, source }
}

impl Home {
    /// Makes a home in an empty or missing folder; FORMAT is written last, so a half-made home is none.
    pub fn create(path: &Path, genesis: &Genesis) -> Result<Home, HomeError> {
        Home::check_free(path)?;
        for folder in ["blobs", "evidence"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(disk(&folder))?;
        }
        let bytes = borsh::to_vec(genesis).unwrap_or_default();
        write_whole(&path.join("genesis.bin"), &bytes)?;
        write_whole(&path.join("FORMAT"), format!("{FORMAT}\n{}\n", genesis.network()).as_bytes())?;
        Ok(Home { path: path.to_path_buf(), genesis: genesis.clone() })
    }

    /// Refuses a folder that holds anything already.
    pub fn check_free(path: &Path) -> Result<(), HomeError> {
        let is_taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken { Err(HomeError::NotEmpty { path: path.to_path_buf() }) } else { Ok(()) }
    }

    /// Opens a home; another format or a mixed network is refused.
    pub fn open(path: &Path) -> Result<Home, HomeError> {
        let named = path.join("FORMAT");
        let text = match read_bounded(&named, 4096) {
            Err(HomeError::Disk { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(HomeError::NoHome { path: path.to_path_buf() });
            }
            other => String::from_utf8_lossy(&other?).into_owned(),
        };
        let mut lines = text.lines();
        let found = lines.next().unwrap_or_default().to_string();
        if found != FORMAT {
            return Err(HomeError::OtherFormat { path: path.to_path_buf(), found });
        }
        let file = path.join("genesis.bin");
        let bytes = read_bounded(&file, GENESIS_BYTES_MAX)?;
        let genesis: Genesis = borsh::from_slice(&bytes)
            .map_err(|e| HomeError::Damaged { path: file.clone(), what: e.to_string() })?;
        let said = lines.next().unwrap_or_default().to_string();
        if said != genesis.network().to_string() {
            let found = genesis.network();
            return Err(HomeError::OtherNetwork { path: path.to_path_buf(), said, found });
        }
        Ok(Home { path: path.to_path_buf(), genesis })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The network's genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The home's blobs.
    pub fn blobs(&self) -> Blobs {
        Blobs::new(self.path.join("blobs"))
    }

    /// The folder of the database.
    pub fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Opens the chain to go on with it: one process at a time can.
    pub fn chain(&self, options: RocksOptions) -> Result<Chain, HomeError> {
        let path = self.database();
        let store = RocksStore::open(&path, &self.genesis.network(), options);
        let store = store.map_err(|source| HomeError::Store { path: path.clone(), source })?;
        let chain = Chain::open(self.genesis.clone(), Box::new(store));
        chain.map_err(|source| HomeError::Chain { path, source })
    }

    /// Opens the database to read it, beside a process that may be writing to it.
    pub fn read_only(&self) -> Result<RocksStore, HomeError> {
        let path = self.database();
        let store = RocksStore::open_read_only(&path, &self.genesis.network(), RocksOptions::default());
        store.map_err(|source| HomeError::Store { path, source })
    }

    /// Writes an evidence bundle and gives its path.
    pub fn write_evidence(&self, dispute: &Digest, bundle: &[u8]) -> Result<PathBuf, HomeError> {
        let path = self.path.join("evidence").join(format!("{dispute}.bundle"));
        write_whole(&path, bundle)?;
        Ok(path)
    }
}

/// Writes a file whole or not at all: to a neighbor first, then renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(disk(folder))?;
    io::Write::write_all(&mut file, bytes).map_err(disk(path))?;
    file.as_file().sync_all().map_err(disk(path))?;
    file.persist(path).map_err(|e| HomeError::Disk { path: path.to_path_buf(), source: e.error })?;
    Ok(())
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, HomeError> {
    let mut bytes = Vec::new();
    // A device or a pipe says nothing true of its length, so the reading itself is bounded.
    let file = fs::File::open(path).map_err(disk(path))?;
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut bytes).map_err(disk(path))?;
    if bytes.len() as u64 > limit {
        let what = format!("it has more than {limit} bytes");
        return Err(HomeError::Damaged { path: path.to_path_buf(), what });
    }
    Ok(bytes)
}
