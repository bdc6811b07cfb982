//! Proof in the type: holding a [`Signed`] value is the proof that its signature was checked (L-1.5).

use crate::codec::encoded_len;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError, message, sign, verify};

/// A value that somebody signs.
pub trait Signable: BorshSerialize + Sized {
    /// Domain of the signature.
    const SIGNATURE_CONTEXT: &'static str;
    /// Domain of the id.
    const ID_CONTEXT: &'static str;

    /// Who must have signed it.
    fn signer(&self) -> PeerKey;

    /// The value's name; it does not depend on the signature.
    fn id(&self) -> Digest {
        Digest(message(Self::ID_CONTEXT, self))
    }
}

/// A value as it travels: with a signature that nobody has checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unchecked<T> {
    /// What is signed.
    pub body: T,
    /// The signature.
    pub signature: Signature,
}

/// A value whose signature was checked. The only ways to make one are [`Signed::check`] and [`Signed::sign`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    wire: Unchecked<T>,
    id: Digest,
    bytes: usize,
}

impl<T: Signable> Signed<T> {
    /// Checks the signature, strictly.
    pub fn check(wire: Unchecked<T>) -> Result<Signed<T>, SignatureError> {
        verify(&wire.body.signer(), T::SIGNATURE_CONTEXT, &wire.body, &wire.signature)?;
        Ok(Signed::of(wire))
    }

    /// Signs; none when the key is not the signer's.
    pub fn sign(body: T, key: &SigningKey) -> Option<Signed<T>> {
        if retrace_verifier::signature::peer_key(key) != body.signer() {
            return None;
        }
        let signature = sign(key, T::SIGNATURE_CONTEXT, &body);
        Some(Signed::of(Unchecked { body, signature }))
    }

    fn of(wire: Unchecked<T>) -> Signed<T> {
        let (id, bytes) = (wire.body.id(), encoded_len(&wire));
        Signed { wire, id, bytes }
    }

    /// The signed value.
    pub fn body(&self) -> &T {
        &self.wire.body
    }

    /// The value with its signature, as it travels.
    pub fn wire(&self) -> &Unchecked<T> {
        &self.wire
    }

    /// The value's name.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// Canonical bytes of the value with its signature.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
