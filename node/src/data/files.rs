//! The user's own text files as a corpus.

use super::{Corpus, HELD_OUT_BYTES};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Most bytes of all files together.
const BYTES_MAX: u64 = 1 << 30;
/// Fewest bytes: as much to train on as is held out.
const BYTES_MIN: usize = 2 * HELD_OUT_BYTES;

/// A corpus that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CorpusError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    #[diagnostic(help("check the path and its permissions; --data takes text files or folders of them"))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No bytes at all.
    #[error("{path} holds no text")]
    #[diagnostic(help("name a text file of at least {BYTES_MIN} bytes"))]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Not text.
    #[error("{path} is not text: byte {offset} is not UTF-8, or is a NUL")]
    #[diagnostic(help("the byte model trains on UTF-8 text; unpack or convert the file first"))]
    Binary {
        /// Which.
        path: PathBuf,
        /// First byte that is not text.
        offset: usize,
    },
    /// Too little to hold 64 KiB out of it and learn from the rest.
    #[error("the data has {found} bytes, at least {BYTES_MIN} are needed")]
    #[diagnostic(help("64 KiB are held out to measure the loss on; add files, or leave --data out"))]
    TooShort {
        /// How many.
        found: usize,
    },
    /// Too much for one run.
    #[error("the data has more than {BYTES_MAX} bytes")]
    #[diagnostic(help("name fewer or smaller files"))]
    TooLong,
    /// The dictionary inside the binary is damaged.
    #[error("the dictionary has {found} entries or another digest, {expected} entries are expected")]
    #[diagnostic(help("build again from a clean checkout, or train on your own text with --data FILE"))]
    Dictionary {
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
}

/// Reads files, and folders one level deep, in the order given; names inside a folder are sorted.
pub fn from_paths(paths: &[PathBuf]) -> Result<Corpus, CorpusError> {
    let mut text = Vec::new();
    for path in paths {
        for file in files_of(path)? {
            append(&mut text, &file)?;
        }
    }
    if text.is_empty() {
        return Err(CorpusError::Empty { path: paths.first().cloned().unwrap_or_default() });
    }
    if text.len() < BYTES_MIN {
        return Err(CorpusError::TooShort { found: text.len() });
    }
    let held_out = text.split_off(text.len() - HELD_OUT_BYTES);
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    Ok(Corpus::new(names.join(", "), &text, held_out))
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    let unreadable = |source| CorpusError::Unreadable { path: path.to_path_buf(), source };
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

fn append(text: &mut Vec<u8>, path: &Path) -> Result<(), CorpusError> {
    let unreadable = |source| CorpusError::Unreadable { path: path.to_path_buf(), source };
    let left = BYTES_MAX.saturating_sub(text.len() as u64);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|source| unreadable(source))?;
    file.take(left + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > left {
        return Err(CorpusError::TooLong);
    }
    let valid = std::str::from_utf8(&bytes).map_err(|e| e.valid_up_to());
    let nul = bytes.iter().position(|b| *b == 0);
    if let Some(offset) = nul.or(valid.err()) {
        return Err(CorpusError::Binary { path: path.to_path_buf(), offset });
    }
    text.extend_from_slice(&bytes);
    Ok(())
}
