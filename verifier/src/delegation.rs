//! Defense keys: an account lets another key sign its moves, so that it need not be reachable itself (V-3.8).

use crate::digest::Digest;
use crate::signature::{PeerKey, Signature, SignatureError, sign, verify};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

const CONTEXT: &str = "retrace v1 delegation";

/// What an account says of its defense key; the newest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delegation {
    /// Network: genesis hash.
    pub network: Digest,
    /// Whose moves the key may sign.
    pub account: PeerKey,
    /// The defense key; 32 zero bytes for none.
    pub key: PeerKey,
    /// From which one on it counts: each is above the one before, from 1.
    pub serial: u64,
}

/// A delegation with its account's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedDelegation {
    /// What is signed.
    pub delegation: Delegation,
    /// The account's signature.
    pub signature: Signature,
}

impl Delegation {
    /// The key that revokes: a point of small order, so no signature is ever its own.
    pub const NONE: PeerKey = PeerKey([0; 32]);

    /// The defense key; none if this revokes.
    pub fn defense_key(&self) -> Option<PeerKey> {
        (self.key != Delegation::NONE).then_some(self.key)
    }
}

impl SignedDelegation {
    /// Signs a delegation.
    pub fn new(delegation: Delegation, key: &SigningKey) -> SignedDelegation {
        SignedDelegation { delegation, signature: sign(key, CONTEXT, &delegation) }
    }

    /// Checks the account's signature.
    pub fn check(&self) -> Result<(), SignatureError> {
        verify(&self.delegation.account, CONTEXT, &self.delegation, &self.signature)
    }
}
