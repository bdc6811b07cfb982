//! Transactions on their way into the pool: bounded, then parsed, then checked (W-4.2, W-4.3).

use super::super::mempool::{Origin, Refusal};
use super::{Board, Fate, Inner};
use ed25519_dalek::SigningKey;
use retrace_ledger::limits::TRANSACTION_BYTES_MAX;
use retrace_ledger::{Body, Chain, CodecError, Signed, Transaction, Unchecked, decode};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

impl Board {
    /// Takes in a transaction from bytes: bounded, then parsed, then its signature, then the pool's rules.
    pub fn admit_bytes(&self, bytes: &[u8], origin: Origin) -> Result<Digest, Refusal> {
        let limit = TRANSACTION_BYTES_MAX;
        let parsed = decode::<Unchecked<Transaction>>(bytes, limit).map_err(|error| match error {
            CodecError::TooLong { found, limit } => Refusal::TooLong { found, limit },
            other => Refusal::Malformed { what: other.to_string() },
        });
        let checked = parsed.and_then(|wire| self.check_wire(wire));
        match checked {
            Ok(signed) => self.admit(signed, origin),
            Err(refusal) => Err(self.refused(refusal)),
        }
    }

    /// What is cheap comes before the signature: a stranger's bytes cost little.
    fn check_wire(&self, wire: Unchecked<Transaction>) -> Result<Signed<Transaction>, Refusal> {
        if wire.body.network != self.network {
            return Err(Refusal::Network);
        }
        if self.read(|state| state.account(&wire.body.signer).is_none()) {
            return Err(Refusal::UnknownSigner);
        }
        Signed::check(wire).map_err(|_| Refusal::Signature)
    }

    /// Takes in a transaction. A local one is on disk when this returns, and survives this process.
    pub fn admit(&self, signed: Signed<Transaction>, origin: Origin) -> Result<Digest, Refusal> {
        self.take_in(signed, origin, origin == Origin::Local).map_err(|refusal| self.refused(refusal))
    }

    fn refused(&self, refusal: Refusal) -> Refusal {
        // Gossip brings everything more than once.
        if refusal != Refusal::Known {
            self.metrics.refused("transaction", refusal.name());
        }
        refusal
    }

    pub(super) fn take_in(
        &self,
        signed: Signed<Transaction>,
        origin: Origin,
        keep: bool,
    ) -> Result<Digest, Refusal> {
        let id = signed.id();
        if signed.body().network != self.network {
            return Err(Refusal::Network);
        }
        let check = |inner: &Inner| {
            let next = next_nonce(&inner.chain, &signed.body().signer);
            inner.mempool.check(&signed, origin, next)
        };
        if keep {
            // The disk is waited for outside the lock: blocks go on meanwhile.
            check(&self.lock())?;
            let written = self.journal.write(&signed);
            written.map_err(|error| Refusal::Disk { what: error.to_string() })?;
        }
        let mut inner = self.lock();
        if let Err(refusal) = check(&inner) {
            if keep && refusal != Refusal::Known {
                self.journal.forget(&id);
            }
            return Err(refusal);
        }
        inner.mempool.insert(signed.clone(), origin);
        self.metrics.pending.set(inner.mempool.len() as i64);
        drop(inner);
        self.changed.notify_all();
        // Nobody listening is no reason to refuse.
        drop(self.admitted.send(Arc::new(signed)));
        Ok(id)
    }

    /// Signs a transaction with the next free nonce and submits it. A role that is killed decides anew what to say,
    /// so nothing of it is kept on disk. Gives the transaction's id, if it was taken in.
    pub fn submit(&self, key: &SigningKey, body: Body) -> Option<Digest> {
        let signer = peer_key(key);
        let signed = {
            let inner = self.lock();
            let next = next_nonce(&inner.chain, &signer).unwrap_or(1);
            let nonce = inner.mempool.free_nonce(&signer, next);
            Signed::sign(Transaction { network: self.network, signer, nonce, body }, key)
        };
        let taken = self.take_in(signed?, Origin::Local, false);
        taken.inspect_err(|refusal| tracing::warn!(%refusal, "a role's transaction was not taken in")).ok()
    }

    /// True while anything waits for a block.
    pub fn has_pending(&self) -> bool {
        !self.lock().mempool.is_empty()
    }

    /// This process's own that have waited at least so long.
    pub fn unconfirmed(&self, at_least: Duration) -> Vec<Signed<Transaction>> {
        self.lock().mempool.unconfirmed(at_least)
    }

    /// True while a transaction of this key waits for a block: its sender should wait too.
    pub fn is_waiting(&self, key: &PeerKey) -> bool {
        self.lock().mempool.has_of(key)
    }

    /// What became of a transaction.
    pub fn fate(&self, id: &Digest) -> Fate {
        let inner = self.lock();
        if inner.mempool.contains(id) {
            return Fate::Pending;
        }
        inner.fates.get(id).cloned().unwrap_or(Fate::Unknown)
    }

    /// Word of every transaction taken in from now on.
    pub fn admitted(&self) -> broadcast::Receiver<Arc<Signed<Transaction>>> {
        self.admitted.subscribe()
    }
}

fn next_nonce(chain: &Chain, signer: &PeerKey) -> Option<u64> {
    chain.state().account(signer).map(|account| account.nonce.saturating_add(1))
}
