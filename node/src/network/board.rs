//! What all roles share: the chain, the pending transactions, and word of every block.

use crate::home::{Blobs, Home, HomeError};
use ed25519_dalek::SigningKey;
use retrace_ledger::{Body, Chain, Event, Height, Signed, State, Transaction};
use retrace_verifier::SignedMove;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What those who watch are told of.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A block was applied.
    Block {
        /// Its height.
        height: Height,
        /// What happened in it.
        events: Vec<Event>,
        /// The moves of disputes in it.
        moves: Vec<SignedMove>,
        /// Microseconds that the referee took, for each judging move in it.
        judge_us: Vec<(Digest, u64)>,
    },
    /// A role cannot go on.
    Failed {
        /// Its name.
        role: String,
        /// Why.
        reason: String,
    },
}

struct Inner {
    chain: Chain,
    pending: Vec<Signed<Transaction>>,
    stopped: bool,
}

/// The shared board.
pub struct Board {
    inner: Mutex<Inner>,
    changed: Condvar,
    home: Home,
    notices: Mutex<Sender<Notice>>,
}

impl Board {
    /// A board over an opened chain and its home.
    pub fn new(chain: Chain, home: Home, notices: Sender<Notice>) -> Board {
        let inner = Inner { chain, pending: Vec::new(), stopped: false };
        Board { inner: Mutex::new(inner), changed: Condvar::new(), home, notices: Mutex::new(notices) }
    }

    /// A role that panics is a fault of this process, not a state of the ledger: the others may still read it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The blobs.
    pub fn blobs(&self) -> Blobs {
        self.home.blobs()
    }

    /// Reads the state after the last block.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(self.lock().chain.state())
    }

    /// Height of the last block.
    pub fn height(&self) -> Height {
        self.lock().chain.head().height
    }

    /// True while a transaction of this key waits for a block: its sender should wait too.
    pub fn is_waiting(&self, key: &PeerKey) -> bool {
        self.lock().pending.iter().any(|signed| signed.body().signer == *key)
    }

    /// Signs a transaction with the next nonce and submits it.
    pub fn submit(&self, key: &SigningKey, body: Body) {
        let mut inner = self.lock();
        let signer = peer_key(key);
        let waiting = inner.pending.iter().filter(|signed| signed.body().signer == signer).count() as u64;
        let nonce = inner.chain.next_nonce(&signer) + waiting;
        let transaction = Transaction { network: inner.chain.network(), signer, nonce, body };
        inner.pending.extend(Signed::sign(transaction, key));
        drop(inner);
        self.changed.notify_all();
    }

    /// Waits until there is a block after `seen`; none once the network has stopped.
    pub fn wait_for_block(&self, seen: Height) -> Option<Height> {
        let mut inner = self.lock();
        while !inner.stopped && inner.chain.head().height <= seen {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        (!inner.stopped).then(|| inner.chain.head().height)
    }

    /// Stops the network.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// True once the network has stopped.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Tells those who watch; nobody watching is no reason to stop.
    pub fn tell(&self, notice: Notice) {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        drop(notices.send(notice));
    }

    /// Waits for pending transactions, at most `patience`, and takes them.
    pub(super) fn take_pending(&self, patience: std::time::Duration) -> Vec<Signed<Transaction>> {
        let mut inner = self.lock();
        if inner.pending.is_empty() && !inner.stopped {
            let waited =
                self.changed.wait_timeout_while(inner, patience, |i| i.pending.is_empty() && !i.stopped);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.pending.clone()
    }

    /// Runs the proposer's work on the chain; transactions in `taken` are pending no more.
    pub(super) fn advance<T>(
        &self,
        taken: &[Digest],
        work: impl FnOnce(&mut Chain) -> Result<T, HomeError>,
    ) -> Result<T, HomeError> {
        let mut inner = self.lock();
        let result = work(&mut inner.chain);
        inner.pending.retain(|signed| !taken.contains(&signed.id()));
        drop(inner);
        self.changed.notify_all();
        result
    }
}
