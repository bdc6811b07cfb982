//! Opening a store on disk: whose it is and of which format is known before anything is written (L-7.6).

use super::{FAMILIES, FORMAT, FORMAT_KEY, META, NETWORK_KEY, RocksOptions, synced};
use retrace_verifier::digest::Digest;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, ErrorKind,
    InfoLogger, IteratorMode, LogLevel, Options, WriteBatch,
};
use std::path::{Path, PathBuf};

/// A store that cannot be opened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing is there, or not yet.
    #[error("there is no store in {path}")]
    Absent {
        /// Its folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and holds no store of this program")]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// Of another format.
    #[error("the store in {path} has format {found}, this program reads {FORMAT}")]
    Format {
        /// Its folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Another network's.
    #[error("the store in {path} is of network {found}, not of {expected}")]
    Network {
        /// Its folder.
        path: PathBuf,
        /// The genesis's.
        expected: Digest,
        /// The store's.
        found: Digest,
    },
    /// Another process writes it.
    #[error("the store in {path} is in use by another process")]
    Busy {
        /// Its folder.
        path: PathBuf,
    },
    /// Its bytes are not what was written.
    #[error("the store in {path} is damaged: {what}")]
    Damaged {
        /// Its folder.
        path: PathBuf,
        /// What the body says.
        what: String,
    },
    /// Anything else: a full disk, missing rights.
    #[error("the store in {path} cannot be opened: {what}")]
    Failed {
        /// Its folder.
        path: PathBuf,
        /// What the body says.
        what: String,
    },
}

impl StoreError {
    /// What the one who sees it can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            StoreError::Absent { .. } => "start the node once, or name the home of one that has run",
            StoreError::NotAStore { .. } => "name an empty folder, or the home that this node used before",
            StoreError::Format { found, .. } if *found > FORMAT => "use the newer program that wrote it",
            StoreError::Format { .. } => {
                "use the program that wrote it, or start with an empty home and sync again"
            }
            StoreError::Network { .. } => "use the genesis that the home was made with, or another home",
            StoreError::Busy { .. } => "stop the node that uses this home, or name another home",
            StoreError::Damaged { .. } => {
                "move the home away, keep its keys, and sync again from the other peers"
            }
            StoreError::Failed { .. } => "see that the disk has room and that the folder may be written",
        }
    }

    fn of(path: &Path, error: rocksdb::Error) -> StoreError {
        let (path, kind, what) = (path.to_owned(), error.kind(), error.into_string());
        // Another process, or this one.
        let is_locked =
            ["temporarily unavailable", "No locks available"].iter().any(|text| what.contains(text));
        match kind {
            ErrorKind::Corruption => StoreError::Damaged { path, what },
            ErrorKind::IOError if is_locked => StoreError::Busy { path },
            _ => StoreError::Failed { path, what },
        }
    }
}

/// What a look at a folder finds.
enum Found {
    /// No store, or one whose making was cut short before it was marked.
    Unmarked,
    /// A store of this format and network.
    Ours,
}

/// Everything that costs memory is bounded; half-written records at the end of the log are dropped, any other are damage.
fn options(options: RocksOptions) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(options.cache_bytes));
    table.set_cache_index_and_filter_blocks(true);
    let mut all = Options::default();
    all.set_block_based_table_factory(&table);
    all.set_db_write_buffer_size(options.write_buffer_bytes);
    all.set_write_buffer_size(options.write_buffer_bytes / 2);
    all.set_max_write_buffer_number(2);
    all.set_max_total_wal_size(4 * options.write_buffer_bytes as u64);
    all.set_max_background_jobs(2);
    all.set_compression_type(DBCompressionType::Lz4);
    all.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    all.set_paranoid_checks(true);
    // Its own log of statistics would be a file of megabytes that nobody reads.
    all.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    all
}

fn families(options: &Options) -> impl Iterator<Item = ColumnFamilyDescriptor> {
    FAMILIES.iter().map(|name| ColumnFamilyDescriptor::new(*name, options.clone()))
}

/// Opens for writing; makes a store where there is nothing.
pub(super) fn open(path: &Path, network: &Digest, limits: RocksOptions) -> Result<DB, StoreError> {
    let failed = |error| StoreError::of(path, error);
    let mut options = options(limits);
    options.set_max_open_files(256);
    let found = look(path, network, &options)?;
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    let db = DB::open_cf_descriptors(&options, path, families(&options)).map_err(failed)?;
    if matches!(found, Found::Unmarked) {
        mark(&db, network).map_err(failed)?;
    }
    Ok(db)
}

/// Opens as of now for reading.
pub(super) fn open_read_only(path: &Path, network: &Digest, limits: RocksOptions) -> Result<DB, StoreError> {
    let mut options = options(limits);
    // Every file is opened at once, so that one that the writer removes later can still be read.
    options.set_max_open_files(-1);
    let mut attempts = 0;
    loop {
        let opened = read_only(path, network, &options);
        attempts += 1;
        // The writer may have replaced a file between the list of files and its opening.
        let may_be_a_race = matches!(opened, Err(StoreError::Failed { .. } | StoreError::Damaged { .. }));
        if !may_be_a_race || attempts == 4 {
            return opened;
        }
    }
}

fn read_only(path: &Path, network: &Digest, options: &Options) -> Result<DB, StoreError> {
    match look(path, network, options)? {
        Found::Unmarked => Err(StoreError::Absent { path: path.to_owned() }),
        Found::Ours => DB::open_cf_descriptors_read_only(options, path, families(options), false)
            .map_err(|error| StoreError::of(path, error)),
    }
}

/// Writes whose store it is; until then it counts as none.
fn mark(db: &DB, network: &Digest) -> Result<(), rocksdb::Error> {
    let mut writes = WriteBatch::default();
    if let Some(meta) = db.cf_handle(META) {
        writes.put_cf(meta, FORMAT_KEY, FORMAT.to_le_bytes());
        writes.put_cf(meta, NETWORK_KEY, network.0);
    }
    db.write_opt(writes, &synced())
}

/// Looks at a folder without writing to it.
fn look(path: &Path, network: &Digest, options: &Options) -> Result<Found, StoreError> {
    let failed = |error| StoreError::of(path, error);
    // RocksDB's own pointer to its newest list of files.
    if !path.join("CURRENT").exists() {
        return look_without_current(path);
    }
    let names = DB::list_cf(options, path).map_err(failed)?;
    if !names.iter().any(|name| name == META) {
        return unmarked(path, options, &names);
    }
    let db = DB::open_cf_for_read_only(options, path, ["default", META], false).map_err(failed)?;
    let value = |key| match db.cf_handle(META) {
        Some(meta) => db.get_cf(meta, key).map_err(failed),
        None => Ok(None),
    };
    let Some(format) = value(FORMAT_KEY)? else {
        return unmarked(path, options, &names);
    };
    let damaged = |what: &str| StoreError::Damaged { path: path.to_owned(), what: what.to_owned() };
    let format = format.as_slice().try_into().map_err(|_| damaged("its format is not 4 bytes"))?;
    let found = u32::from_le_bytes(format);
    if found != FORMAT {
        return Err(StoreError::Format { path: path.to_owned(), found });
    }
    let found = value(NETWORK_KEY)?.unwrap_or_default();
    let found = Digest(found.as_slice().try_into().map_err(|_| damaged("its network is not 32 bytes"))?);
    if found != *network {
        return Err(StoreError::Network { path: path.to_owned(), expected: *network, found });
    }
    Ok(Found::Ours)
}

/// A folder without a list of files: nothing yet, a store that lost it, or something else.
fn look_without_current(path: &Path) -> Result<Found, StoreError> {
    let entries = path.read_dir().into_iter().flatten().flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let ends = |name: &str, ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let begins = |name: &str, starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    if names.iter().any(|name| ends(name, &[".sst", ".log"])) {
        let what = "the file CURRENT is missing".to_owned();
        return Err(StoreError::Damaged { path: path.to_owned(), what });
    }
    // What is left when the making of a store was cut short.
    let is_draft =
        |name: &str| ends(name, &[".dbtmp"]) || begins(name, &["LOCK", "IDENTITY", "MANIFEST-", "OPTIONS-"]);
    if names.iter().all(|name| is_draft(name)) {
        return Ok(Found::Unmarked);
    }
    Err(StoreError::NotAStore { path: path.to_owned() })
}

/// A database that says of no format: ours if it is still empty, otherwise another program's.
fn unmarked(path: &Path, options: &Options, names: &[String]) -> Result<Found, StoreError> {
    let failed = |error| StoreError::of(path, error);
    let is_known = |name: &String| name == "default" || FAMILIES.contains(&name.as_str());
    let db = DB::open_cf_for_read_only(options, path, names, false).map_err(failed)?;
    for name in names {
        let family = db.cf_handle(name);
        let first = family.and_then(|family| db.iterator_cf(family, IteratorMode::Start).next());
        if !is_known(name) || first.transpose().map_err(failed)?.is_some() {
            return Err(StoreError::NotAStore { path: path.to_owned() });
        }
    }
    Ok(Found::Unmarked)
}
