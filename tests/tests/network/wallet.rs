//! An account of a test's own, whose transactions are made here and not by the binary.

use retrace_ledger::{Amount, Body, Signed, Transaction, Transfer, Unchecked, encode};
use retrace_verifier::{
    digest::Digest,
    signature::{PeerKey, Signature, peer_key},
};

/// A key, and where its value goes.
#[derive(Clone, Debug)]
pub struct Wallet {
    seed: [u8; 32],
    network: Digest,
    to: PeerKey,
    /// The next nonce.
    pub nonce: u64,
}

impl Wallet {
    /// A wallet that pays to `to`.
    #[track_caller]
    pub fn new(name: &str, network: &str, to: &str) -> Wallet {
        let seed = blake3::derive_key("retrace tests wallet", name.as_bytes());
        Wallet { seed, network: digest(network), to: PeerKey(digest(to).0), nonce: 1 }
    }

    /// Its account, in hexadecimal digits.
    pub fn account(&self) -> String {
        self.key().to_string()
    }

    fn key(&self) -> PeerKey {
        peer_key(&(&self.seed).into())
    }

    /// A transfer of this amount under its next nonce; the nonce stays.
    pub fn transfer(&self, amount: u64) -> Signed<Transaction> {
        let body = Body::Transfer(Transfer { to: self.to, amount: Amount(amount) });
        let transaction = Transaction { network: self.network, signer: self.key(), nonce: self.nonce, body };
        Signed::sign(transaction, &(&self.seed).into()).expect("the key is the signer's")
    }

    /// The same wallet on another network.
    pub fn elsewhere(&self) -> Wallet {
        Wallet { network: Digest([7; 32]), ..self.clone() }
    }
}

/// The bytes of a transaction as they travel.
pub fn bytes(signed: &Signed<Transaction>) -> Vec<u8> {
    encode(signed.wire())
}

/// The same transaction with a signature of zeros.
pub fn unsigned(signed: &Signed<Transaction>) -> Vec<u8> {
    encode(&Unchecked { body: signed.body().clone(), signature: Signature([0; 64]) })
}

#[track_caller]
fn digest(text: &str) -> Digest {
    text.parse().unwrap_or_else(|_| panic!("{text} is no digest"))
}
