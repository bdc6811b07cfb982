//! A node's home made whole or not at all: genesis, keystore and configuration in a new folder.

use crate::config::{Config, ConfigError};
use crate::home::{Home, HomeError, disk, read_bounded};
use crate::keys::{FILE_NAME, Keystore, KeystoreError, Passphrase};
use retrace_ledger::limits::GENESIS_BYTES_MAX;
use retrace_ledger::{CodecError, Genesis, GenesisError, decode};
use std::fs;
use std::path::{Path, PathBuf};

/// A home that cannot be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InitError {
    /// The folder.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// The keys.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Keystore(#[from] KeystoreError),
    /// The configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] ConfigError),
    /// Bytes that are no genesis.
    #[error("{path} is no genesis: {source}")]
    #[diagnostic(help("ask whoever runs the network for its genesis.bin; a devnet's is in its folder"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: CodecError,
    },
    /// A genesis that no network begins with.
    #[error("no network begins with {path}: {source}")]
    #[diagnostic(help("ask whoever runs the network for its genesis.bin"))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: GenesisError,
    },
}

/// What goes into a new home.
#[derive(Clone, Copy, Debug)]
pub struct NewHome<'a> {
    /// The network's genesis.
    pub genesis: &'a Genesis,
    /// Its keys.
    pub keys: &'a Keystore,
    /// What opens them.
    pub passphrase: &'a Passphrase,
    /// Work of opening them.
    pub work_factor: u8,
    /// Its configuration.
    pub config: &'a Config,
}

impl NewHome<'_> {
    /// Makes the home beside its place and moves it there, so that nobody ever sees half of one; a folder that holds
    /// anything is left alone.
    pub fn make(&self, path: &Path) -> Result<(), InitError> {
        self.config.check(self.genesis)?;
        Home::check_free(path)?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(disk(parent))?;
        let beside = tempfile::Builder::new().prefix(".retrace-").tempdir_in(parent).map_err(disk(parent))?;
        Home::create(beside.path(), self.genesis)?;
        self.keys.save(&beside.path().join(FILE_NAME), self.passphrase, self.work_factor)?;
        self.config.save(beside.path())?;
        fs::rename(beside.path(), path).map_err(disk(path))?;
        // It is in its place now: nothing is left to remove.
        let _moved = beside.keep();
        Ok(())
    }
}

/// Reads a genesis from outside: bounded, parsed, checked.
pub fn read_genesis(path: &Path) -> Result<Genesis, InitError> {
    let bytes = read_bounded(path, GENESIS_BYTES_MAX as u64)?;
    let unreadable = |source| InitError::Unreadable { path: path.into(), source };
    let genesis: Genesis = decode(&bytes, GENESIS_BYTES_MAX).map_err(unreadable)?;
    genesis.check().map_err(|source| InitError::Refused { path: path.into(), source })?;
    Ok(genesis)
}

#[cfg(test)]
mod tests {
    use super::{InitError, NewHome, read_genesis};
    use crate::config::Config;
    use crate::home::{Home, HomeError};
    use crate::keys::{FILE_NAME, Keystore, Passphrase, WORK_FACTOR_DEVNET};
    use retrace_ledger::{Amount, Genesis, GenesisAccount, Params, Role, encode};

    fn genesis(keys: &Keystore) -> Genesis {
        let account = GenesisAccount {
            key: keys.account(),
            balance: Amount(1),
            bonded: Amount(1),
            role: Role::Validator,
            registered: Some(keys.registered()),
        };
        let (name, params) = ("init".into(), Params::default());
        Genesis { name, test_network: false, time_ms: 0, accounts: vec![account], params }
    }

    #[test]
    fn a_home_is_made_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, passphrase) = (Keystore::generate().unwrap(), Passphrase::random().unwrap());
        let (genesis, mut config) = (genesis(&keys), Config::default());
        let path = folder.path().join("deep").join("home");
        let make = |config: &Config| {
            let (keys, passphrase, genesis) = (&keys, &passphrase, &genesis);
            NewHome { genesis, keys, passphrase, work_factor: WORK_FACTOR_DEVNET, config }.make(&path)
        };
        config.strategy = Some(crate::strategy::Strategy::WrongRate);
        assert!(matches!(make(&config), Err(InitError::Config(_))), "no strategies outside test networks");
        config.strategy = None;
        make(&config).unwrap();
        assert_eq!(Home::open(&path).unwrap().genesis(), &genesis);
        assert_eq!(Config::load(&path).unwrap(), config);
        assert_eq!(Keystore::load(&path.join(FILE_NAME), &passphrase).unwrap().account(), keys.account());
        assert!(matches!(make(&config), Err(InitError::Home(HomeError::NotEmpty { .. }))));
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside it");
    }

    #[test]
    fn a_genesis_is_read_only_if_a_network_can_begin_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genesis.bin");
        let mut genesis = genesis(&Keystore::from_seed(&[3; 32]));
        let write = |bytes: Vec<u8>| {
            std::fs::write(&path, bytes).unwrap();
            read_genesis(&path)
        };
        assert_eq!(write(encode(&genesis)).unwrap(), genesis);
        assert!(matches!(write(b"not a genesis".to_vec()), Err(InitError::Unreadable { .. })));
        assert!(matches!(write(vec![0; (1 << 20) + 1]), Err(InitError::Home(HomeError::Damaged { .. }))));
        genesis.accounts[0].bonded = Amount::ZERO;
        assert!(matches!(write(encode(&genesis)), Err(InitError::Refused { .. })));
    }
}
