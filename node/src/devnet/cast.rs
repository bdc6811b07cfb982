//! Everybody of a devnet with their keys, and the genesis that names them.

use super::DevnetError;
use super::manifest::Manifest;
use crate::keys::{Keystore, KeystoreError};
use retrace_ledger::{Amount, Genesis, GenesisAccount, Role};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Balance of the sponsor and of the faucet.
const TREASURY: Amount = Amount(1 << 40);
/// Balance of every node beside its stake.
const POCKET: Amount = Amount(1_000);

/// Keys of a devnet.
pub struct Cast {
    /// Of the nodes, in the manifest's order.
    pub nodes: Vec<Keystore>,
    /// Opens the run.
    pub sponsor: Keystore,
    /// Gives balance to whoever joins.
    pub faucet: Keystore,
}

impl Cast {
    /// Keys from the manifest's seed, or from the operating system's entropy.
    pub fn new(manifest: &Manifest) -> Result<Cast, KeystoreError> {
        let mut seed = Zeroizing::new([0; 32]);
        match manifest.network.seed {
            Some(number) => seed[..8].copy_from_slice(&number.to_le_bytes()),
            None => getrandom::fill(seed.as_mut()).map_err(|source| KeystoreError::Entropy { source })?,
        }
        let keys = |name: &str| {
            let mut hasher = blake3::Hasher::new_derive_key("retrace v1 devnet keys");
            hasher.update(seed.as_ref()).update(name.as_bytes());
            Keystore::from_seed(&Zeroizing::new(*hasher.finalize().as_bytes()))
        };
        let nodes = manifest.nodes.iter().map(|node| keys(&node.name)).collect();
        Ok(Cast { nodes, sponsor: keys("sponsor"), faucet: keys("faucet") })
    }

    /// The genesis of a network that begins now.
    pub fn genesis(&self, manifest: &Manifest) -> Result<Genesis, DevnetError> {
        let run = &manifest.run;
        let needed = |role| match role {
            Role::Trainer => run.trainer_stake(),
            Role::Verifier | Role::Validator => run.verifier_stake(),
            Role::Sponsor | Role::Auditor => Some(Amount::ZERO),
        };
        let account = |keys: &Keystore, role, balance, bonded| {
            let registered = Some(keys.registered());
            GenesisAccount { key: keys.account(), balance, bonded, role, registered }
        };
        let mut accounts = vec![
            account(&self.sponsor, Role::Sponsor, TREASURY, Amount::ZERO),
            account(&self.faucet, Role::Sponsor, TREASURY, Amount::ZERO),
        ];
        for (node, keys) in manifest.nodes.iter().zip(&self.nodes) {
            let stake = node.roles.iter().try_fold(Amount::ZERO, |sum, role| sum.plus(needed(*role)?));
            let stake = node.stake.map(Amount).or(stake).ok_or(DevnetError::Terms)?;
            accounts.push(account(keys, node.account_role(), POCKET, stake));
        }
        accounts.sort_by_key(|account| account.key);
        Ok(Genesis {
            name: manifest.network.name.clone(),
            test_network: true,
            time_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            accounts,
            params: manifest.network.params,
        })
    }
}

/// The seed of a run's initial parameters: it follows from the sponsor's account, so that a devnet that was stopped
/// before its run was open opens the same one.
pub fn parameter_seed(sponsor: &Keystore) -> [u8; 32] {
    blake3::derive_key("retrace v1 devnet parameters", &sponsor.account().0)
}

#[cfg(test)]
mod tests {
    use super::Cast;
    use crate::devnet::manifest::{DEFAULT, Manifest};

    #[test]
    fn a_seed_gives_the_same_keys_and_none_gives_others() {
        let mut manifest = Manifest::parse(DEFAULT).unwrap();
        let accounts = |manifest: &Manifest| {
            let cast = Cast::new(manifest).unwrap();
            let genesis = cast.genesis(manifest).unwrap();
            genesis.check().unwrap();
            assert_eq!(genesis.accounts.len(), 11);
            genesis.accounts
        };
        assert_ne!(accounts(&manifest), accounts(&manifest));
        manifest.network.seed = Some(7);
        assert_eq!(accounts(&manifest), accounts(&manifest));
        let seven = accounts(&manifest);
        manifest.network.seed = Some(8);
        assert_ne!(accounts(&manifest), seven);
    }
}
