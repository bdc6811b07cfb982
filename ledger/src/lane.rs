//! The dispute lane: a share of every block that others cannot take while disputes want it (L-8.3).

use crate::envelope::Signed;
use crate::limits::{DISPUTE_LANE_BYTES, DISPUTE_LANE_TRANSACTIONS, TRANSACTION_BYTES_MAX, TRANSACTIONS_MAX};
use crate::transaction::Transaction;

/// A number of transactions and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    bytes: usize,
    count: usize,
}

impl Load {
    fn of<'a>(transactions: impl Iterator<Item = &'a Signed<Transaction>>) -> Load {
        transactions.fold(Load::default(), Load::with)
    }

    fn with(self, one: &Signed<Transaction>) -> Load {
        Load { bytes: self.bytes.saturating_add(one.bytes()), count: self.count.saturating_add(1) }
    }

    fn is_full_lane(self) -> bool {
        self.bytes >= DISPUTE_LANE_BYTES
    }
}

/// True for a transaction of the lane.
pub(crate) fn is_lane(transaction: &Signed<Transaction>) -> bool {
    transaction.body().body.is_dispute_lane()
}

/// True when these carry so many dispute transactions that no more need to find room (L-3.3).
pub(crate) fn is_full(transactions: &[Signed<Transaction>]) -> bool {
    Load::of(transactions.iter().filter(|one| is_lane(one))).is_full_lane()
}

/// The room of a block while it is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    bytes: usize,
    taken: Load,
    /// Dispute transactions in the block.
    lane: Load,
    /// Dispute transactions that are pending and not in the block.
    wanted: Load,
}

impl Room {
    /// Room for so many bytes of transactions; `pending` are all that may come.
    pub(crate) fn new(bytes: usize, pending: &[Signed<Transaction>]) -> Room {
        let wanted = Load::of(pending.iter().filter(|one| is_lane(one)));
        Room { bytes, taken: Load::default(), lane: Load::default(), wanted }
    }

    /// What is kept for disputes. The last of them may begin below the lane's bytes and end above.
    fn kept(&self) -> Load {
        if self.lane.is_full_lane() {
            return Load::default();
        }
        let bytes = (DISPUTE_LANE_BYTES + TRANSACTION_BYTES_MAX).saturating_sub(self.lane.bytes);
        let count = DISPUTE_LANE_TRANSACTIONS.saturating_sub(self.lane.count);
        Load { bytes: bytes.min(self.wanted.bytes), count: count.min(self.wanted.count) }
    }

    /// True when the lane takes no more while others wait.
    pub(crate) fn lane_is_full(&self) -> bool {
        self.lane.is_full_lane()
    }

    /// Whether there is room for a transaction.
    pub(crate) fn holds(&self, one: &Signed<Transaction>) -> bool {
        let kept = if is_lane(one) { Load::default() } else { self.kept() };
        let with = self.taken.with(one);
        with.bytes.saturating_add(kept.bytes) <= self.bytes
            && with.count.saturating_add(kept.count) <= TRANSACTIONS_MAX
    }

    /// Takes a transaction that there is room for.
    pub(crate) fn take(&mut self, one: &Signed<Transaction>) {
        self.taken = self.taken.with(one);
        if is_lane(one) {
            self.lane = self.lane.with(one);
            self.wanted.bytes = self.wanted.bytes.saturating_sub(one.bytes());
            self.wanted.count = self.wanted.count.saturating_sub(1);
        }
    }
}
