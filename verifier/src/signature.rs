//! Ed25519 over domain-separated digests; the strict check everywhere, batches nowhere (V-3.2, RFC 8032).

use crate::digest::Digest;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::fmt;

/// A public key: the name of a peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct PeerKey(pub [u8; 32]);

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(self.0).fmt(f)
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerKey({self})")
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

/// A key that cannot be read, or a signature that it did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key is no point of the curve, or of small order.
    #[error("public key {key} is not a usable Ed25519 key")]
    Key {
        /// The key.
        key: PeerKey,
    },
    /// The signature does not verify strictly.
    #[error("signature of {key} does not verify")]
    Signature {
        /// Who should have signed.
        key: PeerKey,
    },
}

/// What is signed: a context and the canonical bytes of a value, hashed with the context as its domain.
pub fn message<T: BorshSerialize>(context: &str, value: &T) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    // A hasher takes bytes of any length and cannot fail; the types here have no failing serializer.
    let written = value.serialize(&mut HashWriter(&mut hasher));
    debug_assert!(written.is_ok());
    *hasher.finalize().as_bytes()
}

struct HashWriter<'a>(&'a mut blake3::Hasher);
impl borsh::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> borsh::io::Result<()> {
        Ok(())
    }
}

/// The public key of a signing key.
pub fn peer_key(key: &SigningKey) -> PeerKey {
    PeerKey(key.verifying_key().to_bytes())
}

/// Signs `value` under `context`.
pub fn sign<T: BorshSerialize>(key: &SigningKey, context: &str, value: &T) -> Signature {
    Signature(key.sign(&message(context, value)).to_bytes())
}

/// Checks that `key` signed `value` under `context`.
pub fn verify<T: BorshSerialize>(
    key: &PeerKey,
    context: &str,
    value: &T,
    signature: &Signature,
) -> Result<(), SignatureError> {
    let point = VerifyingKey::from_bytes(&key.0).ok().filter(|point| !point.is_weak());
    let verifying = point.ok_or(SignatureError::Key { key: *key })?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    verifying
        .verify_strict(&message(context, value), &signature)
        .map_err(|_| SignatureError::Signature { key: *key })
}
