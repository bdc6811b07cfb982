//! The four keys of a party: stake, VRF, consensus, node (L-2.1).

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{SigningKey, VerifyingKey};
use retrace_verifier::signature::{PeerKey, peer_key};
use std::fmt;

/// A VRF public key (vrf-r255).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct VrfKey(pub [u8; 32]);

/// A VRF proof: Gamma, challenge, response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VrfProof(pub [u8; 80]);

/// The output that a VRF proof stands for.
pub type VrfOutput = [u8; 64];

impl VrfKey {
    /// True when the bytes are a key.
    pub fn is_valid(&self) -> bool {
        vrf_r255::PublicKey::from_bytes(self.0).is_some()
    }

    /// The output, if the proof is this key's for `input`.
    pub fn verify(&self, input: &[u8], proof: &VrfProof) -> Option<VrfOutput> {
        let key = vrf_r255::PublicKey::from_bytes(self.0)?;
        let proof = vrf_r255::Proof::from_bytes(proof.0)?;
        key.verify(input, &proof).into()
    }
}

/// A VRF secret key.
#[derive(Clone)]
pub struct VrfSecret(vrf_r255::SecretKey);

impl VrfSecret {
    /// Reads a secret: a scalar below the group's order, not zero.
    pub fn from_bytes(bytes: [u8; 32]) -> Option<VrfSecret> {
        Option::from(vrf_r255::SecretKey::from_bytes(bytes)).map(VrfSecret)
    }

    /// A secret from a seed: the first of its hashes, with the top bits cleared, that is a valid scalar.
    pub fn from_seed(seed: &[u8; 32]) -> VrfSecret {
        for attempt in 0u32.. {
            let mut hasher = blake3::Hasher::new_derive_key("retrace v1 vrf secret");
            hasher.update(seed).update(&attempt.to_le_bytes());
            let mut bytes = *hasher.finalize().as_bytes();
            // Below 2^252, hence below the group's order: only zero can still be refused.
            bytes[31] &= 0x0F;
            if let Some(secret) = VrfSecret::from_bytes(bytes) {
                return secret;
            }
        }
        unreachable!("some hash of a seed is not zero")
    }

    /// The secret's bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public key.
    pub fn key(&self) -> VrfKey {
        VrfKey(vrf_r255::PublicKey::from(self.0).to_bytes())
    }

    /// Proves the output for `input`.
    pub fn prove(&self, input: &[u8]) -> VrfProof {
        VrfProof(self.0.prove(input).to_bytes())
    }
}

impl fmt::Debug for VrfSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VrfSecret(..)")
    }
}

/// True for an Ed25519 key that a signature can be checked with.
pub(crate) fn is_usable_key(key: &PeerKey) -> bool {
    VerifyingKey::from_bytes(&key.0).is_ok_and(|point| !point.is_weak())
}

/// What an account binds to its stake key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisteredKeys {
    /// VRF: makes the beacon.
    pub vrf: VrfKey,
    /// Consensus: signs headers and votes.
    pub consensus: PeerKey,
    /// Node: names it on the network; nothing here reads it.
    pub node: [u8; 32],
}

impl RegisteredKeys {
    /// True when the consensus key is an Ed25519 key that a signature can be checked with.
    pub fn has_usable_consensus_key(&self) -> bool {
        is_usable_key(&self.consensus)
    }
}

/// The secrets of a validator that proposes.
#[derive(Clone, Debug)]
pub struct ProposerSecrets {
    /// The consensus key's: signs headers.
    pub signing: SigningKey,
    /// Makes the beacon.
    pub vrf: VrfSecret,
}

impl ProposerSecrets {
    /// The consensus key: what a header names.
    pub fn consensus(&self) -> PeerKey {
        peer_key(&self.signing)
    }
}
