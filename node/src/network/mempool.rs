//! Pending transactions: bounded, one of each, in the order of their nonces (W-4.2).

use retrace_ledger::{Signed, Transaction};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Most pending transactions.
pub const COUNT_MAX: usize = 8192;
/// Most bytes of them.
pub const BYTES_MAX: usize = 16 << 20;
/// Most nonces that a signer may be ahead of its account.
pub const NONCES_AHEAD_MAX: u64 = 64;
/// Share of the room that only this process's own transactions and those of disputes may take: one in four.
const RESERVED: usize = 4;
/// How long a transaction may wait for the nonces before it.
const GAP_PATIENCE: Duration = Duration::from_secs(600);

/// Where a transaction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process: its interface or one of its roles.
    Local,
    /// Somebody on the network.
    Peer,
}

/// Why a transaction is not taken in, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Over the limit of bytes.
    #[error("the transaction has {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes.
        found: usize,
        /// Most bytes.
        limit: usize,
    },
    /// The bytes are no transaction.
    #[error("the bytes are no transaction: {what}")]
    Malformed {
        /// What is wrong with them.
        what: String,
    },
    /// Another network's.
    #[error("the transaction is another network's")]
    Network,
    /// No such account.
    #[error("the signer has no account")]
    UnknownSigner,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// It waits here already.
    #[error("the transaction is pending already")]
    Known,
    /// The account is past this nonce.
    #[error("nonce {found} is used, the next one is {next}")]
    NonceUsed {
        /// The next.
        next: u64,
        /// The one found.
        found: u64,
    },
    /// Too far ahead of the account.
    #[error("nonce {found} is more than {NONCES_AHEAD_MAX} ahead of the next one, {next}")]
    NonceTooFar {
        /// The next.
        next: u64,
        /// The one found.
        found: u64,
    },
    /// Another transaction with this nonce waits.
    #[error("another transaction of the signer with nonce {nonce} is pending")]
    NonceTaken {
        /// The nonce.
        nonce: u64,
    },
    /// No room.
    #[error("the pool of pending transactions is full")]
    Full,
    /// It could not be written down, so it is not acknowledged.
    #[error("the transaction could not be written to disk: {what}")]
    Disk {
        /// What the disk says.
        what: String,
    },
}

impl Refusal {
    /// The name under which it is counted and logged.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::TooLong { .. } => "too_long",
            Refusal::Malformed { .. } => "malformed",
            Refusal::Network => "other_network",
            Refusal::UnknownSigner => "unknown_signer",
            Refusal::Signature => "signature",
            Refusal::Known => "known",
            Refusal::NonceUsed { .. } => "nonce_used",
            Refusal::NonceTooFar { .. } => "nonce_too_far",
            Refusal::NonceTaken { .. } => "nonce_taken",
            Refusal::Full => "full",
            Refusal::Disk { .. } => "disk",
        }
    }
}

struct Entry {
    signed: Signed<Transaction>,
    origin: Origin,
    since: Instant,
    sequence: u64,
}

/// The pool.
#[derive(Default)]
pub struct Mempool {
    entries: BTreeMap<Digest, Entry>,
    nonces: BTreeMap<(PeerKey, u64), Digest>,
    bytes: usize,
    sequence: u64,
}

impl Mempool {
    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when this one waits.
    pub fn contains(&self, id: &Digest) -> bool {
        self.entries.contains_key(id)
    }

    /// The one with this id.
    pub fn get(&self, id: &Digest) -> Option<&Signed<Transaction>> {
        self.entries.get(id).map(|entry| &entry.signed)
    }

    /// True when any of a signer's waits.
    pub fn has_of(&self, signer: &PeerKey) -> bool {
        self.nonces.range((*signer, 0)..=(*signer, u64::MAX)).next().is_some()
    }

    /// The first nonce from `next` on that nothing of the signer has taken.
    pub fn free_nonce(&self, signer: &PeerKey, next: u64) -> u64 {
        (next..).find(|nonce| !self.nonces.contains_key(&(*signer, *nonce))).unwrap_or(next)
    }

    /// Whether a transaction would be taken in; `next` is its account's next nonce, if there is an account.
    pub fn check(
        &self,
        signed: &Signed<Transaction>,
        origin: Origin,
        next: Option<u64>,
    ) -> Result<(), Refusal> {
        let body = signed.body();
        let next = next.ok_or(Refusal::UnknownSigner)?;
        if self.contains(&signed.id()) {
            return Err(Refusal::Known);
        }
        let found = body.nonce;
        if found < next {
            return Err(Refusal::NonceUsed { next, found });
        }
        if found - next >= NONCES_AHEAD_MAX {
            return Err(Refusal::NonceTooFar { next, found });
        }
        if self.nonces.contains_key(&(body.signer, found)) {
            return Err(Refusal::NonceTaken { nonce: found });
        }
        let is_reserved_for = origin == Origin::Local || body.body.is_dispute_lane();
        let room = |most: usize| if is_reserved_for { most } else { most - most / RESERVED };
        if self.len() >= room(COUNT_MAX) || self.bytes + signed.bytes() > room(BYTES_MAX) {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Takes in a transaction that was checked.
    pub fn insert(&mut self, signed: Signed<Transaction>, origin: Origin) {
        let (id, place) = (signed.id(), (signed.body().signer, signed.body().nonce));
        self.sequence += 1;
        self.bytes += signed.bytes();
        self.nonces.insert(place, id);
        self.entries.insert(id, Entry { signed, origin, since: Instant::now(), sequence: self.sequence });
    }

    /// Takes one out.
    pub fn remove(&mut self, id: &Digest) {
        if let Some(entry) = self.entries.remove(id) {
            self.bytes -= entry.signed.bytes();
            self.nonces.remove(&(entry.signed.body().signer, entry.signed.body().nonce));
        }
    }

    /// All that wait: disputes first, then as they came, and never a nonce before a lower one of the same signer.
    pub fn in_order(&self) -> Vec<Signed<Transaction>> {
        let mut turns: Vec<(bool, u64, PeerKey, u64)> = self
            .entries
            .values()
            .map(|e| {
                let body = e.signed.body();
                (!body.body.is_dispute_lane(), e.sequence, body.signer, body.nonce)
            })
            .collect();
        turns.sort_unstable();
        let mut done: BTreeMap<PeerKey, u64> = BTreeMap::new();
        let mut ordered = Vec::with_capacity(turns.len());
        for (_, _, signer, nonce) in turns {
            let from = done.get(&signer).map_or(0, |last| last + 1);
            if from > nonce {
                continue;
            }
            let ids = self.nonces.range((signer, from)..=(signer, nonce)).map(|(_, id)| id);
            ordered.extend(ids.filter_map(|id| self.entries.get(id)).map(|entry| entry.signed.clone()));
            done.insert(signer, nonce);
        }
        ordered
    }

    /// Local ones, and anybody's disputes, that have waited at least so long: whoever proposes next may not have heard
    /// of them. Local ones come first, then as they came.
    pub fn unconfirmed(&self, at_least: Duration) -> Vec<Signed<Transaction>> {
        let is_ours = |e: &Entry| e.origin == Origin::Local || e.signed.body().body.is_dispute_lane();
        let mut late: Vec<&Entry> =
            self.entries.values().filter(|e| is_ours(e) && e.since.elapsed() >= at_least).collect();
        late.sort_by_key(|e| (e.origin != Origin::Local, e.sequence));
        late.into_iter().map(|entry| entry.signed.clone()).collect()
    }

    /// Those that have waited too long for nonces that never came.
    pub fn stale(&self, waiting: &[Digest]) -> Vec<Digest> {
        let is_stale = |id: &&Digest| self.entries.get(id).is_some_and(|e| e.since.elapsed() > GAP_PATIENCE);
        waiting.iter().filter(is_stale).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Mempool, NONCES_AHEAD_MAX, Origin, Refusal};
    use ed25519_dalek::SigningKey;
    use retrace_ledger::{Amount, Body, Signed, Stake, Timeout, Transaction};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::peer_key;
    use std::time::Duration;

    fn signed(name: u8, nonce: u64, body: Body) -> Signed<Transaction> {
        let key = SigningKey::from_bytes(&[name; 32]);
        let transaction = Transaction { network: Digest([1; 32]), signer: peer_key(&key), nonce, body };
        Signed::sign(transaction, &key).expect("the key is the signer's")
    }

    fn stake(name: u8, nonce: u64, amount: u64) -> Signed<Transaction> {
        signed(name, nonce, Body::Stake(Stake { amount: Amount(amount) }))
    }

    /// W-4.2: every reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut pool = Mempool::default();
        pool.insert(stake(1, 5, 1), Origin::Peer);
        let rows = [
            (stake(1, 5, 1), None, Refusal::UnknownSigner),
            (stake(1, 5, 1), Some(5), Refusal::Known),
            (stake(1, 4, 1), Some(5), Refusal::NonceUsed { next: 5, found: 4 }),
            (
                stake(1, 5 + NONCES_AHEAD_MAX, 1),
                Some(5),
                Refusal::NonceTooFar { next: 5, found: 5 + NONCES_AHEAD_MAX },
            ),
            (stake(1, 5, 2), Some(5), Refusal::NonceTaken { nonce: 5 }),
        ];
        for (signed, next, expected) in rows {
            assert_eq!(pool.check(&signed, Origin::Peer, next), Err(expected));
        }
        assert_eq!(pool.check(&stake(1, 6, 1), Origin::Peer, Some(5)), Ok(()));
    }

    /// W-4.2: strangers fill three quarters of the room, disputes and this process's own the rest.
    #[test]
    fn room_is_kept_for_disputes_and_for_this_process() {
        let mut pool = Mempool::default();
        let mut nonce = 0;
        let limit = loop {
            let next = stake(1, nonce, 1);
            if pool.check(&next, Origin::Peer, Some(nonce)) == Err(Refusal::Full) {
                break nonce;
            }
            pool.insert(next, Origin::Peer);
            nonce += 1;
        };
        assert_eq!(limit as usize, super::COUNT_MAX - super::COUNT_MAX / 4);
        let dispute = signed(2, 1, Body::Timeout(Timeout { dispute: Digest([2; 32]) }));
        assert_eq!(pool.check(&dispute, Origin::Peer, Some(1)), Ok(()));
        assert_eq!(pool.check(&stake(2, 1, 1), Origin::Local, Some(1)), Ok(()));
    }

    /// W-2.5, W-1.9: what is pushed again is this process's own, then disputes of others, and nothing else of others.
    #[test]
    fn disputes_of_others_are_pushed_again() {
        let mut pool = Mempool::default();
        let dispute = signed(2, 1, Body::Timeout(Timeout { dispute: Digest([2; 32]) }));
        pool.insert(dispute.clone(), Origin::Peer);
        pool.insert(stake(3, 1, 1), Origin::Peer);
        pool.insert(stake(1, 1, 1), Origin::Local);
        assert_eq!(pool.unconfirmed(Duration::ZERO), [stake(1, 1, 1), dispute]);
        assert!(pool.unconfirmed(Duration::from_secs(60)).is_empty());
    }

    /// W-4.2: disputes first, and each signer's nonces in order whatever order they came in.
    #[test]
    fn order_is_by_lane_then_arrival_then_nonce() {
        let mut pool = Mempool::default();
        for (name, nonce) in [(1, 3), (2, 1), (1, 2)] {
            pool.insert(stake(name, nonce, 1), Origin::Peer);
        }
        pool.insert(signed(2, 2, Body::Timeout(Timeout { dispute: Digest([2; 32]) })), Origin::Peer);
        let order: Vec<(u8, u64)> = pool
            .in_order()
            .iter()
            .map(|s| {
                let is_first = s.body().signer == peer_key(&SigningKey::from_bytes(&[1; 32]));
                (if is_first { 1 } else { 2 }, s.body().nonce)
            })
            .collect();
        assert_eq!(order, [(2, 1), (2, 2), (1, 2), (1, 3)]);
        let ids: Vec<Digest> = pool.in_order().iter().map(Signed::id).collect();
        ids.iter().for_each(|id| pool.remove(id));
        assert!(pool.is_empty() && pool.bytes == 0 && pool.nonces.is_empty());
    }
}
