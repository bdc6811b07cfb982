//! What all parts of a process share: the chain, the pending transactions, the blobs, and word of every block (W-4.1).

mod admit;
mod apply;
#[cfg(test)]
mod tests;

pub use apply::moves_of;

use super::held::Held;
use super::journal::Journal;
use super::mempool::{Mempool, Origin};
use super::metrics::Metrics;
use crate::home::{Blobs, Home, HomeError};
use retrace_ledger::evidence::{ClockBundle, NoClockBundle};
use retrace_ledger::{
    Block, Certificate, Chain, Event, Fault, Genesis, Head, Height, Signed, State, Transaction, ValidatorSet,
};
use retrace_verifier::digest::Digest;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Blocks and transactions that a slow listener may be behind before it misses some, and reads them from the chain.
const BACKLOG: usize = 1024;

/// A block that was applied; the board has the rest of it.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    /// Its height.
    pub height: Height,
    /// Its id.
    pub id: Digest,
}

/// What became of a transaction, as far as this process remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for a block.
    Pending,
    /// It is in a block.
    Included {
        /// Which.
        height: Height,
    },
    /// It can be in no block any more.
    Refused {
        /// Why.
        reason: String,
    },
    /// This process has not heard of it, or has forgotten.
    Unknown,
}

struct Inner {
    chain: Chain,
    mempool: Mempool,
    held: Held,
    fates: BTreeMap<Digest, Fate>,
    settled: VecDeque<Digest>,
    judge_us: BTreeMap<Digest, u64>,
    failure: Option<(String, String)>,
    stopped: bool,
}

/// The shared board.
pub struct Board {
    inner: Mutex<Inner>,
    changed: Condvar,
    home: Home,
    blobs: Mutex<Blobs>,
    journal: Journal,
    metrics: Metrics,
    genesis: Genesis,
    network: Digest,
    applied: broadcast::Sender<Applied>,
    admitted: broadcast::Sender<Arc<Signed<Transaction>>>,
}

impl Board {
    /// A board over an opened chain and its home; transactions that an earlier process acknowledged are pending again.
    pub fn new(chain: Chain, home: Home) -> Result<Board, HomeError> {
        let journal = Journal::open(home.path().join("pending"))?;
        let (genesis, network, blobs) = (chain.genesis().clone(), chain.network(), home.blobs());
        let metrics = Metrics::default();
        metrics.height.set(chain.head().height.0 as i64);
        let inner = Inner {
            chain,
            mempool: Mempool::default(),
            held: Held::default(),
            fates: BTreeMap::new(),
            settled: VecDeque::new(),
            judge_us: BTreeMap::new(),
            failure: None,
            stopped: false,
        };
        let board = Board {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            home,
            blobs: Mutex::new(blobs),
            journal,
            metrics,
            genesis,
            network,
            applied: broadcast::channel(BACKLOG).0,
            admitted: broadcast::channel(BACKLOG).0,
        };
        for signed in board.journal.read()? {
            let id = signed.id();
            if board.take_in(signed, Origin::Local, false).is_err() {
                board.journal.forget(&id);
            }
        }
        Ok(board)
    }

    /// A role that panics is a fault of this process, not a state of the ledger: the others may still read it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network's genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The network's id.
    pub fn network(&self) -> Digest {
        self.network
    }

    /// The home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The blobs; readers ask the network for those that are not here, once there is one.
    pub fn blobs(&self) -> Blobs {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where blobs that are not here come from.
    pub fn fetch_blobs_from(&self, source: Arc<dyn crate::home::Source>) {
        let blobs = self.home.blobs().with_source(source);
        *self.blobs.lock().unwrap_or_else(PoisonError::into_inner) = blobs;
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Reads the state after the last block.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(self.lock().chain.state())
    }

    /// The last block.
    pub fn head(&self) -> Head {
        self.lock().chain.head()
    }

    /// That an accused's clock ran out, as the last block has it.
    pub fn clock_bundle(&self, dispute: &Digest) -> Result<ClockBundle, NoClockBundle> {
        ClockBundle::of(&self.lock().chain, dispute)
    }

    /// Height of the last block.
    pub fn height(&self) -> Height {
        self.head().height
    }

    /// The validators of the next height.
    pub fn validators(&self) -> ValidatorSet {
        self.lock().chain.validators()
    }

    /// The last block and the validators of the next height, read together.
    pub fn standing(&self) -> (Head, ValidatorSet) {
        let inner = self.lock();
        (inner.chain.head(), inner.chain.validators())
    }

    /// The block at a height, with what proves that it was decided.
    pub fn block(&self, height: Height) -> Result<Option<(Block, Certificate)>, Fault> {
        let inner = self.lock();
        Ok(inner.chain.block(height)?.zip(inner.chain.certificate(height)?))
    }

    /// What happened in the block at a height.
    pub fn events(&self, height: Height) -> Result<Vec<Event>, Fault> {
        self.lock().chain.events(height)
    }

    /// Word of every block applied from now on.
    pub fn applied(&self) -> broadcast::Receiver<Applied> {
        self.applied.subscribe()
    }

    /// Microseconds that the referee took to judge a dispute, if this process saw it.
    pub fn judge_us(&self, dispute: &Digest) -> Option<u64> {
        self.lock().judge_us.get(dispute).copied()
    }

    /// Waits until there is a block after `seen`; none once this process stops.
    pub fn wait_for_block(&self, seen: Height) -> Option<Height> {
        let mut inner = self.lock();
        while !inner.stopped && inner.chain.head().height <= seen {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        (!inner.stopped).then(|| inner.chain.head().height)
    }

    /// Waits for a block after `seen`, or for word that somebody cannot go on, at most `patience`.
    pub fn wait_a_while(&self, seen: Height, patience: Duration) -> Height {
        let inner = self.lock();
        let still = |i: &mut Inner| !i.stopped && i.failure.is_none() && i.chain.head().height <= seen;
        let waited = self.changed.wait_timeout_while(inner, patience, still);
        waited.unwrap_or_else(PoisonError::into_inner).0.chain.head().height
    }

    /// Waits until something is pending, at most `patience`.
    pub fn wait_for_pending(&self, patience: Duration) {
        let inner = self.lock();
        let still = |i: &mut Inner| i.mempool.is_empty() && !i.stopped;
        drop(self.changed.wait_timeout_while(inner, patience, still));
    }

    /// Stops this process's parts.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// True once they should stop.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// A part cannot go on: whoever watches should know.
    pub fn fail(&self, part: &str, reason: &str) {
        tracing::error!(part, reason, "cannot go on");
        self.lock().failure.get_or_insert_with(|| (part.into(), reason.into()));
        self.changed.notify_all();
    }

    /// The first part that could not go on, and why.
    pub fn failure(&self) -> Option<(String, String)> {
        self.lock().failure.clone()
    }
}
