//! The keystore as a file: four secrets in canonical bytes inside an age file that a passphrase opens.
//!
//! ```text
//! age, scrypt ( u16 format = 1 | stake 32 | consensus 32 | vrf 32 | node 32 )
//! ```

use super::error::Damage;
use super::{Keystore, KeystoreError, Passphrase};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use retrace_ledger::VrfSecret;
use std::io::{self, Read, Write};
use std::iter::once;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// Work of opening a keystore, as a power of two: about a second on a small machine, 128 MiB.
pub const WORK_FACTOR: u8 = 17;
/// The same where the passphrase lies beside the keystore anyhow and ten processes start at once.
pub const WORK_FACTOR_DEVNET: u8 = 4;
/// Most work that is done for a file before it has shown anything: 1 GiB.
const WORK_FACTOR_MAX: u8 = 20;
/// Longest file.
const FILE_BYTES_MAX: u64 = 4096;
const FORMAT: u16 = 1;

#[derive(BorshSerialize, BorshDeserialize)]
struct Secrets {
    format: u16,
    stake: [u8; 32],
    consensus: [u8; 32],
    vrf: [u8; 32],
    node: [u8; 32],
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for secret in [&mut self.stake, &mut self.consensus, &mut self.vrf, &mut self.node] {
            secret.zeroize();
        }
    }
}

impl Keystore {
    /// Writes a new file that only its owner reads; an existing one is never touched.
    pub fn save(&self, path: &Path, passphrase: &Passphrase, work_factor: u8) -> Result<(), KeystoreError> {
        let disk = |source| KeystoreError::Disk { path: path.into(), source };
        let sealed = self.seal(passphrase, work_factor).map_err(disk)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary file has mode 0600 from its first byte on.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(disk)?;
        file.write_all(&sealed).and_then(|()| file.as_file().sync_all()).map_err(disk)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeystoreError::Exists { path: path.into() })
            }
            Err(e) => Err(disk(e.error)),
        }
    }

    fn seal(&self, passphrase: &Passphrase, work_factor: u8) -> io::Result<Vec<u8>> {
        let secrets = Secrets {
            format: FORMAT,
            stake: self.stake.to_bytes(),
            consensus: self.consensus.to_bytes(),
            vrf: self.vrf.to_bytes(),
            node: *self.node,
        };
        let plain = Zeroizing::new(borsh::to_vec(&secrets)?);
        let mut recipient = scrypt::Recipient::new(passphrase.secret());
        recipient.set_work_factor(work_factor.clamp(1, WORK_FACTOR_MAX));
        let encryptor = Encryptor::with_recipients(once(&recipient as &dyn age::Recipient));
        let mut sealed = Vec::new();
        let mut writer = encryptor.map_err(io::Error::other)?.wrap_output(&mut sealed)?;
        writer.write_all(&plain)?;
        writer.finish()?;
        Ok(sealed)
    }

    /// Opens a file.
    pub fn load(path: &Path, passphrase: &Passphrase) -> Result<Keystore, KeystoreError> {
        let damaged = |what| KeystoreError::Damaged { path: path.into(), what };
        let mut sealed = Vec::new();
        let file =
            std::fs::File::open(path).map_err(|source| KeystoreError::Disk { path: path.into(), source })?;
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut sealed);
        read.map_err(|source| KeystoreError::Disk { path: path.into(), source })?;
        if sealed.len() as u64 > FILE_BYTES_MAX {
            return Err(damaged(Damage::TooLong));
        }
        let plain = open(path, &sealed, passphrase)?;
        let secrets: Secrets = borsh::from_slice(&plain).map_err(|_| damaged(Damage::Keys))?;
        if secrets.format != FORMAT {
            let (found, expected) = (secrets.format, FORMAT);
            return Err(KeystoreError::OtherFormat { path: path.into(), found, expected });
        }
        Ok(Keystore {
            stake: SigningKey::from_bytes(&secrets.stake),
            consensus: SigningKey::from_bytes(&secrets.consensus),
            vrf: VrfSecret::from_bytes(secrets.vrf).ok_or_else(|| damaged(Damage::Keys))?,
            node: Zeroizing::new(secrets.node),
        })
    }
}

fn open(path: &Path, sealed: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let named = |error| refusal(path, &error);
    let decryptor = Decryptor::new_buffered(sealed).map_err(named)?;
    if !decryptor.is_scrypt() {
        return Err(KeystoreError::Foreign { path: path.into() });
    }
    let mut identity = scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(WORK_FACTOR_MAX);
    let reader = decryptor.decrypt(once(&identity as &dyn age::Identity)).map_err(named)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize));
    let read = reader.take(FILE_BYTES_MAX).read_to_end(&mut plain);
    read.map_err(|_| KeystoreError::Damaged { path: path.into(), what: Damage::Seal })?;
    Ok(plain)
}

fn refusal(path: &Path, error: &DecryptError) -> KeystoreError {
    let path = path.to_path_buf();
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            KeystoreError::WrongPassphrase { path }
        }
        DecryptError::ExcessiveWork { required, .. } => {
            KeystoreError::TooMuchWork { path, found: *required, most: WORK_FACTOR_MAX }
        }
        DecryptError::InvalidMac => KeystoreError::Damaged { path, what: Damage::Seal },
        _ => KeystoreError::Foreign { path },
    }
}

#[cfg(test)]
mod tests {
    use super::{Damage, Keystore, KeystoreError, Passphrase, WORK_FACTOR_DEVNET};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    struct Saved {
        _folder: tempfile::TempDir,
        path: PathBuf,
        keys: Keystore,
        passphrase: Passphrase,
    }

    fn saved() -> Saved {
        let folder = tempfile::tempdir().unwrap();
        let (path, keys) = (folder.path().join("keystore.age"), Keystore::generate().unwrap());
        let passphrase = Passphrase::new("correct horse".into()).unwrap();
        keys.save(&path, &passphrase, WORK_FACTOR_DEVNET).unwrap();
        Saved { _folder: folder, path, keys, passphrase }
    }

    #[test]
    fn what_was_saved_is_loaded_and_only_the_owner_reads_it() {
        let s = saved();
        let loaded = Keystore::load(&s.path, &s.passphrase).unwrap();
        assert_eq!(loaded.account(), s.keys.account());
        assert_eq!(loaded.registered(), s.keys.registered());
        assert_eq!(std::fs::metadata(&s.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read(&s.path).unwrap().starts_with(b"age-encryption.org/v1\n-> scrypt "));
        let twice = s.keys.save(&s.path, &s.passphrase, WORK_FACTOR_DEVNET);
        assert!(matches!(twice, Err(KeystoreError::Exists { .. })), "keys are never overwritten");
    }

    #[test]
    fn each_refusal_has_its_name() {
        let s = saved();
        let load = |bytes: &[u8]| {
            std::fs::write(&s.path, bytes).unwrap();
            Keystore::load(&s.path, &s.passphrase).unwrap_err()
        };
        let whole = std::fs::read(&s.path).unwrap();
        let wrong = Keystore::load(&s.path, &Passphrase::new("battery staple".into()).unwrap()).unwrap_err();
        assert!(matches!(wrong, KeystoreError::WrongPassphrase { .. }), "{wrong}");
        let seal = |e: KeystoreError| matches!(e, KeystoreError::Damaged { what: Damage::Seal, .. });
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(seal(load(&changed)), "a changed byte");
        assert!(seal(load(&whole[..whole.len() - 1])), "a byte less");
        assert!(matches!(load(b"-----BEGIN OPENSSH PRIVATE KEY-----"), KeystoreError::Foreign { .. }));
        assert!(matches!(load(b""), KeystoreError::Foreign { .. }));
        let long = load(&vec![b'a'; 5000]);
        assert!(matches!(long, KeystoreError::Damaged { what: Damage::TooLong, .. }));
        let text = String::from_utf8_lossy(&whole).into_owned();
        let line = text.lines().nth(1).unwrap().to_string();
        let busy = line.rsplit_once(' ').unwrap().0.to_string() + " 30";
        let start = b"age-encryption.org/v1\n".len();
        let bytes = [&whole[..start], busy.as_bytes(), &whole[start + line.len()..]].concat();
        assert!(matches!(load(&bytes), KeystoreError::TooMuchWork { found: 30, .. }), "no hours of scrypt");
        std::fs::remove_file(&s.path).unwrap();
        assert!(matches!(Keystore::load(&s.path, &s.passphrase), Err(KeystoreError::Disk { .. })));
    }
}
