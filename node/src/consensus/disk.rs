//! Files that are whole or not there: written beside, synced, then renamed.

use std::fs::{self, File};
use std::io::{Result, Write};
use std::path::Path;

/// Writes a file so that after any crash its name stands for all of these bytes, or for what it stood for before.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    sync_folder(path)
}

/// Syncs the folder that holds a file, so that its name survives a crash.
fn sync_folder(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
