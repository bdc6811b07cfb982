//! One supervisor at a time: a lock that ends with the process that holds it, however that ends.

use super::DevnetError;
use super::record::Record;
use crate::home::disk;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::Path;

/// A held lock on a devnet's folder.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "it is held, not read")] File);

impl Lock {
    /// Takes the lock; refused while somebody looks after this devnet.
    pub fn take(folder: &Path) -> Result<Lock, DevnetError> {
        let path = folder.join("lock");
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(disk(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let pid = Record::load(folder).ok().and_then(|record| record.supervisor).unwrap_or_default();
                Err(DevnetError::Running { path: folder.into(), pid })
            }
            Err(error) => Err(disk(&path)(error.into()).into()),
        }
    }
}

/// True while somebody looks after the devnet.
pub fn is_held(folder: &Path) -> Result<bool, DevnetError> {
    match Lock::take(folder) {
        Ok(_) => Ok(false),
        Err(DevnetError::Running { .. }) => Ok(true),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;
    use crate::devnet::DevnetError;

    #[test]
    fn two_supervisors_never_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(DevnetError::Running { .. })));
        drop(lock);
        Lock::take(folder.path()).unwrap();
    }
}
