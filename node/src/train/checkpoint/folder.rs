//! Folders that are whole or not there: written beside their place, synced, then renamed or exchanged.

use super::super::error::{TrainError, disk};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Refuses a folder that holds anything already.
///
/// # Errors
/// [`TrainError::Taken`].
pub fn check_free(path: &Path) -> Result<(), TrainError> {
    let is_taken = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        // A file, or what nobody may look into.
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if is_taken { Err(TrainError::Taken { path: path.into() }) } else { Ok(()) }
}

/// A folder that is being written.
pub struct Staged(TempDir);

fn parent(path: &Path) -> Result<PathBuf, TrainError> {
    let whole = std::path::absolute(path).map_err(disk(path))?;
    Ok(whole.parent().map_or(whole.clone(), Path::to_path_buf))
}

fn sync(folder: &Path) -> Result<(), TrainError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk(folder))
}

impl Staged {
    /// A new folder on the disk of `path`.
    pub fn beside(path: &Path) -> Result<Staged, TrainError> {
        let parent = parent(path)?;
        fs::create_dir_all(&parent).map_err(disk(&parent))?;
        let folder = tempfile::Builder::new().prefix(".retrace-checkpoint-").tempdir_in(&parent);
        Ok(Staged(folder.map_err(disk(&parent))?))
    }

    /// Writes a file into it.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        let path = self.0.path().join(name);
        let mut file = File::create(&path).map_err(disk(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(disk(&path))
    }

    /// Puts it in its place. What stood there is removed after: at no time is there nothing.
    pub fn commit(self, path: &Path) -> Result<(), TrainError> {
        sync(self.0.path())?;
        open_to_group(self.0.path())?;
        let is_taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken {
            exchange(self.0.path(), path)?;
            sync(&parent(path)?)?;
            // What the folder holds now is the old checkpoint.
            return self.0.close().map_err(disk(path));
        }
        fs::rename(self.0.path(), path).map_err(disk(path))?;
        // It is in its place now: nothing is left to remove.
        let _moved = self.0.keep();
        sync(&parent(path)?)
    }
}

/// A temporary folder is its owner's alone; a checkpoint is a folder like any other.
fn open_to_group(path: &Path) -> Result<(), TrainError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(disk(path))?;
    }
    Ok(())
}

/// Exchanges two folders in one step, where the file system can; in two otherwise, the old one kept beside between.
fn exchange(new: &Path, path: &Path) -> Result<(), TrainError> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    let old = new.with_extension("old");
    fs::rename(path, &old).map_err(disk(path))?;
    fs::rename(new, path).map_err(disk(path))?;
    fs::rename(&old, new).map_err(disk(&old))
}

#[cfg(test)]
mod tests {
    use super::{Staged, check_free};
    use crate::train::TrainError;
    use std::fs;

    #[test]
    fn a_folder_is_replaced_whole_and_nothing_is_left_beside() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("deep").join("checkpoint");
        for (name, text) in [("one", "first"), ("two", "second")] {
            let staged = Staged::beside(&path).unwrap();
            staged.put(name, text.as_bytes()).unwrap();
            // Until it is committed, nobody sees it.
            assert!(!path.join(name).exists());
            staged.commit(&path).unwrap();
            assert_eq!(fs::read_to_string(path.join(name)).unwrap(), text);
        }
        assert!(!path.join("one").exists(), "a file of the old checkpoint is in the new one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_uncommitted_folder_leaves_nothing() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("checkpoint");
        let staged = Staged::beside(&path).unwrap();
        staged.put("one", b"first").unwrap();
        drop(staged);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0);
        assert!(check_free(&path).is_ok());
        fs::write(&path, "a file").unwrap();
        assert!(matches!(check_free(&path), Err(TrainError::Taken { .. })));
        assert!(matches!(check_free(room.path()), Err(TrainError::Taken { .. })));
    }
}
