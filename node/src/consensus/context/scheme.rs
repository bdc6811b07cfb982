//! Ed25519 with the strict check, as a signing scheme of the engine (V-3.2, W-1.1).

use borsh::{BorshDeserialize, BorshSerialize};
use malachite_core_types::SigningScheme;
use retrace_verifier::signature::{PeerKey, Signature};

/// A signature of consensus. The engine wants an order, which the ledger's own type does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Sig(pub [u8; 64]);

impl From<Signature> for Sig {
    fn from(signature: Signature) -> Sig {
        Sig(signature.0)
    }
}

impl From<Sig> for Signature {
    fn from(sig: Sig) -> Signature {
        Signature(sig.0)
    }
}

/// Bytes that have another length than a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes, there must be {expected}")]
pub struct WrongLength {
    /// Bytes there must be.
    pub expected: usize,
    /// Bytes found.
    pub found: usize,
}

/// The scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrictEd25519;

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], WrongLength> {
    bytes.try_into().map_err(|_| WrongLength { expected: N, found: bytes.len() })
}

impl SigningScheme for StrictEd25519 {
    type DecodingError = WrongLength;
    type Signature = Sig;
    type PublicKey = PeerKey;
    type PrivateKey = ed25519_dalek::SigningKey;

    fn decode_signature(bytes: &[u8]) -> Result<Sig, WrongLength> {
        exactly(bytes).map(Sig)
    }

    fn encode_signature(signature: &Sig) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PeerKey, WrongLength> {
        exactly(bytes).map(PeerKey)
    }

    fn encode_public_key(public_key: &PeerKey) -> Vec<u8> {
        public_key.0.to_vec()
    }
}
