//! The four keys of a party in one place: stake, consensus, VRF and node; made once, kept encrypted.

mod error;
mod file;
mod passphrase;

pub use error::KeystoreError;
pub use file::{WORK_FACTOR, WORK_FACTOR_DEVNET};
pub use passphrase::{Passphrase, PassphraseArgs};

use ed25519_dalek::SigningKey;
use libp2p::identity::Keypair;
use retrace_ledger::{RegisteredKeys, VrfSecret};
use retrace_verifier::signature::{PeerKey, peer_key};
use std::fmt;
use zeroize::Zeroizing;

/// Name of the file in a home.
pub const FILE_NAME: &str = "keystore.age";

/// The secrets of a party. Whoever reads the stake key owns the account; the other three are bound to it (L-2.1).
#[derive(Clone)]
pub struct Keystore {
    /// Signs transactions, commitments and moves: its public key is the account.
    pub stake: SigningKey,
    /// Signs headers and votes.
    pub consensus: SigningKey,
    /// Makes the beacon.
    pub vrf: VrfSecret,
    /// Secret of the Ed25519 identity in both swarms.
    pub node: Zeroizing<[u8; 32]>,
}

impl Keystore {
    /// Four new keys from the operating system's entropy.
    pub fn generate() -> Result<Keystore, KeystoreError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|source| KeystoreError::Entropy { source })?;
        Ok(Keystore::from_seed(&seed))
    }

    /// Four keys from one seed, each under a context of its own: none says anything of another.
    pub fn from_seed(seed: &[u8; 32]) -> Keystore {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, seed));
        Keystore {
            stake: SigningKey::from_bytes(&derive("retrace v1 keystore stake")),
            consensus: SigningKey::from_bytes(&derive("retrace v1 keystore consensus")),
            vrf: VrfSecret::from_seed(&derive("retrace v1 keystore vrf")),
            node: derive("retrace v1 keystore node"),
        }
    }

    /// The account.
    pub fn account(&self) -> PeerKey {
        peer_key(&self.stake)
    }

    /// The public keys that registration binds to the account.
    pub fn registered(&self) -> RegisteredKeys {
        let node = peer_key(&SigningKey::from_bytes(&self.node)).0;
        RegisteredKeys { vrf: self.vrf.key(), consensus: peer_key(&self.consensus), node }
    }

    /// The identity in the swarms; none only if libp2p refused 32 bytes as a secret, which it never does.
    pub fn identity(&self) -> Option<Keypair> {
        Keypair::ed25519_from_bytes(*self.node).ok()
    }

    /// The name of that identity in both swarms, as addresses spell it after `/p2p/`.
    pub fn peer_id(&self) -> String {
        self.identity().map(|pair| pair.public().to_peer_id().to_base58()).unwrap_or_default()
    }
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keystore({})", self.account())
    }
}

#[cfg(test)]
mod tests {
    use super::Keystore;

    #[test]
    fn one_seed_gives_four_unlike_keys_and_always_the_same() {
        let (a, b) = (Keystore::from_seed(&[7; 32]), Keystore::from_seed(&[7; 32]));
        assert_eq!(a.registered(), b.registered());
        assert_eq!(a.account(), b.account());
        let r = a.registered();
        let keys = [a.account().0, r.consensus.0, r.vrf.0, r.node];
        assert!((0..4).all(|i| (0..i).all(|j| keys[i] != keys[j])));
        assert_ne!(Keystore::from_seed(&[8; 32]).account(), a.account());
        assert_ne!(Keystore::generate().unwrap().account(), Keystore::generate().unwrap().account());
    }

    #[test]
    fn no_secret_is_printed() {
        let keys = Keystore::from_seed(&[7; 32]);
        assert_eq!(format!("{keys:?}"), format!("Keystore({})", keys.account()));
        assert!(keys.peer_id().starts_with("12D3KooW"), "an Ed25519 identity");
    }
}
