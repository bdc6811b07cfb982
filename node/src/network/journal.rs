//! Acknowledged transactions on disk: one file each, until a block or a refusal settles it (W-4.3).

use crate::home::{HomeError, disk, read_bounded, write_whole};
use retrace_ledger::limits::TRANSACTION_BYTES_MAX;
use retrace_ledger::{Signed, Transaction, Unchecked, decode, encode};
use retrace_verifier::digest::Digest;
use std::fs;
use std::path::PathBuf;

/// The folder of acknowledged transactions.
pub struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// The journal in a folder, which is made.
    pub fn open(folder: PathBuf) -> Result<Journal, HomeError> {
        fs::create_dir_all(&folder).map_err(disk(&folder))?;
        Ok(Journal { folder })
    }

    fn path(&self, id: &Digest) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Writes a transaction; it is on disk when this returns.
    pub fn write(&self, signed: &Signed<Transaction>) -> Result<(), HomeError> {
        write_whole(&self.path(&signed.id()), &encode(signed.wire()))
    }

    /// Forgets a transaction. One that cannot be removed is offered again after a restart, and refused by its nonce.
    pub fn forget(&self, id: &Digest) {
        drop(fs::remove_file(self.path(id)));
    }

    /// What an earlier process acknowledged and did not see settled, by nonce. A file that holds anything else is
    /// nobody's transaction and is left alone.
    pub fn read(&self) -> Result<Vec<Signed<Transaction>>, HomeError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(disk(&self.folder))? {
            let path = entry.map_err(disk(&self.folder))?.path();
            let Ok(bytes) = read_bounded(&path, TRANSACTION_BYTES_MAX as u64) else { continue };
            let wire = decode::<Unchecked<Transaction>>(&bytes, TRANSACTION_BYTES_MAX);
            found.extend(wire.ok().and_then(|wire| Signed::check(wire).ok()));
        }
        found.sort_by_key(|signed| (signed.body().signer, signed.body().nonce));
        Ok(found)
    }
}
