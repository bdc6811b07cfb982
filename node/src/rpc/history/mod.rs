//! A bounded memory of what changed on every account and where each dispute's moves are, for asking (W-3.8).
//!
//! The ledger keeps states and blocks; "what was I ever paid, and why" is a question about all blocks. A thread reads
//! the stored blocks and events from the first one on, then every new one. When the memory is full the oldest
//! changes go first, and answers say from which height on they are whole.

mod entry;
mod kept;
mod read;

pub use entry::{Change, ContradictionNote, Effect, Entry, MoveNote};

use super::limits::{
    CONTRADICTIONS_KEPT_MAX, DELEGATIONS_KEPT_MAX, DELEGATIONS_TRIED_MAX, HISTORY_MAX, MOVES_KEPT_MAX,
    TRANSACTIONS_KEPT_MAX,
};
use crate::network::Board;
use kept::Kept;
use read::{Noted, claim_facts, read};
use retrace_ledger::{Fault, Height, Signable};
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The history.
#[derive(Default)]
pub struct History {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The last height that was read.
    upto: u64,
    /// From this height on nothing is missing.
    whole_from: u64,
    /// Number of the first entry that is kept.
    first: u64,
    entries: VecDeque<Entry>,
    /// Numbers of each account's entries.
    by_account: BTreeMap<PeerKey, VecDeque<u64>>,
    moves: BTreeMap<Digest, Vec<MoveNote>>,
    /// Disputes in the order of their first moves.
    disputes: VecDeque<Digest>,
    moves_kept: usize,
    /// Contradictions by the dispute that convicted.
    contradictions: Kept<Digest, ContradictionNote, CONTRADICTIONS_KEPT_MAX>,
    /// Delegations by account and serial, also those that count no longer: evidence may need them.
    delegations: Kept<(PeerKey, u64), SignedDelegation, DELEGATIONS_KEPT_MAX>,
    /// Heights of transactions.
    included: Kept<Digest, u64, TRANSACTIONS_KEPT_MAX>,
}

/// What answers may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// From this height on nothing is missing.
    pub from: u64,
    /// The last height that was read.
    pub upto: u64,
}

/// Entries with their numbers, and whether there are more.
pub type Numbered = (Vec<(u64, Entry)>, bool);

impl History {
    fn look(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What answers may rely on.
    pub fn coverage(&self) -> Coverage {
        let inner = self.look();
        Coverage { from: inner.whole_from.max(1), upto: inner.upto }
    }

    /// An account's changes after the one of this number, oldest first.
    pub fn of(&self, account: &PeerKey, after: Option<u64>, limit: usize) -> Numbered {
        let inner = self.look();
        let Some(numbers) = inner.by_account.get(account) else { return (Vec::new(), false) };
        let start = after.map_or(0, |after| numbers.partition_point(|number| *number <= after));
        let found = numbers.range(start..).filter_map(|number| inner.numbered(*number));
        page(found, limit)
    }

    /// All slashes after the change of this number, oldest first.
    pub fn slashes(&self, after: Option<u64>, limit: usize) -> Numbered {
        let inner = self.look();
        let start = after.map_or(inner.first, |after| after.saturating_add(1).max(inner.first));
        let numbers = start..inner.first.saturating_add(inner.entries.len() as u64);
        let found = numbers.filter_map(|number| inner.numbered(number));
        page(found.filter(|(_, entry)| entry.change.is_slash()), limit)
    }

    /// The changes that one event made: of a slash, one.
    pub fn at(&self, height: u64, position: u32) -> Option<Entry> {
        let inner = self.look();
        let at = inner.entries.partition_point(|entry| (entry.height, entry.position) < (height, position));
        inner.entries.get(at).filter(|entry| (entry.height, entry.position) == (height, position)).copied()
    }

    /// The moves of a dispute, in order; none when they are older than the memory.
    pub fn moves(&self, dispute: &Digest) -> Option<Vec<MoveNote>> {
        self.look().moves.get(dispute).cloned()
    }

    /// The height of a transaction's block; none when it is in none, or in one that is older than the memory.
    pub fn included(&self, transaction: &Digest) -> Option<u64> {
        self.look().included.get(transaction).copied()
    }

    /// The contradiction by which a dispute convicted its claim; none where none did, or it is older than the memory.
    pub fn contradiction(&self, dispute: &Digest) -> Option<ContradictionNote> {
        self.look().contradictions.get(dispute).copied()
    }

    /// The newest delegations of an account that are remembered, by serial: as many as a request may try on moves.
    pub fn delegations(&self, account: &PeerKey) -> Vec<SignedDelegation> {
        let inner = self.look();
        let all: Vec<_> = inner.delegations.range((*account, 0)..=(*account, u64::MAX)).copied().collect();
        all[all.len().saturating_sub(DELEGATIONS_TRIED_MAX)..].to_vec()
    }

    /// Takes a block's transactions and changes; blocks come in order.
    fn take(&self, height: u64, transactions: Vec<Digest>, noted: Noted) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.upto = height;
        transactions.into_iter().for_each(|id| inner.included.put(id, height));
        noted.entries.into_iter().for_each(|entry| inner.push(entry));
        noted.moves.into_iter().for_each(|(dispute, note)| inner.note(dispute, note));
        noted.contradictions.into_iter().for_each(|(dispute, note)| inner.contradictions.put(dispute, note));
        for signed in noted.delegations {
            inner.delegations.put((signed.delegation.account, signed.delegation.serial), signed);
        }
    }
}

fn page(mut found: impl Iterator<Item = (u64, Entry)>, limit: usize) -> Numbered {
    let entries: Vec<(u64, Entry)> = found.by_ref().take(limit).collect();
    let more = found.next().is_some();
    (entries, more)
}

impl Inner {
    fn numbered(&self, number: u64) -> Option<(u64, Entry)> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.get(at).map(|entry| (number, *entry))
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == HISTORY_MAX {
            self.forget_oldest();
        }
        let number = self.first.saturating_add(self.entries.len() as u64);
        self.by_account.entry(entry.account).or_default().push_back(number);
        self.entries.push_back(entry);
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.entries.pop_front() else { return };
        self.first += 1;
        self.whole_from = oldest.height.saturating_add(1);
        if let Some(numbers) = self.by_account.get_mut(&oldest.account) {
            numbers.pop_front();
            if numbers.is_empty() {
                self.by_account.remove(&oldest.account);
            }
        }
    }

    fn note(&mut self, dispute: Digest, note: MoveNote) {
        if !self.moves.contains_key(&dispute) {
            self.disputes.push_back(dispute);
        }
        self.moves.entry(dispute).or_default().push(note);
        self.moves_kept += 1;
        while self.moves_kept > MOVES_KEPT_MAX {
            let Some(oldest) = self.disputes.pop_front() else { break };
            self.moves_kept -= self.moves.remove(&oldest).map_or(0, |moves| moves.len());
        }
    }
}

/// Reads all stored blocks, then every new one, on a thread that ends with the board.
pub fn follow(board: Arc<Board>, history: Arc<History>) -> io::Result<()> {
    let work = move || {
        let mut upto = Height(0);
        while let Some(head) = board.wait_for_block(upto) {
            while upto < head && !board.is_stopped() {
                upto = upto.after(1);
                if let Err(fault) = read_block(&board, &history, upto) {
                    tracing::error!(height = upto.0, %fault, "the history of rewards stops here");
                    return;
                }
            }
        }
    };
    std::thread::Builder::new().name("rpc-history".into()).spawn(work).map(drop)
}

fn read_block(board: &Board, history: &History, height: Height) -> Result<(), Fault> {
    let events = board.events(height)?;
    let block = board.block(height)?;
    let transactions = block.iter().flat_map(|(block, _)| &block.transactions).map(|wire| wire.body.id());
    let noted = board.read(|state| read(height.0, &events, &|claim| claim_facts(state, claim)));
    history.take(height.0, transactions.collect(), noted);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read::Noted;
    use super::{Change, Entry, History, MoveNote};
    use crate::rpc::limits::{HISTORY_MAX, MOVES_KEPT_MAX};
    use retrace_ledger::{Amount, SlashReason};
    use retrace_verifier::Side;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::game::MoveKind;
    use retrace_verifier::signature::PeerKey;

    fn entry(height: u64, name: u8, change: Change) -> Entry {
        Entry {
            height,
            position: 0,
            account: PeerKey([name; 32]),
            amount: Amount(1),
            change,
            run: None,
            round: None,
            claim: None,
            unit: None,
            dispute: None,
        }
    }

    fn block(history: &History, height: u64, entries: Vec<Entry>) {
        history.take(height, vec![Digest([height as u8; 32])], Noted { entries, ..Noted::default() });
    }

    /// W-3.8, W-3.4: pages go on after the number of the last item, by account and over all slashes.
    #[test]
    fn pages_follow_each_other() {
        let history = History::default();
        let slash = Change::Slash { reason: SlashReason::Lie, bounty: Amount(0) };
        for height in 1..=10 {
            block(&history, height, vec![entry(height, 1, slash), entry(height, 2, Change::Bonded)]);
        }
        let (first, more) = history.of(&PeerKey([1; 32]), None, 6);
        assert!(more && first.len() == 6);
        let (rest, more) = history.of(&PeerKey([1; 32]), first.last().map(|(number, _)| *number), 6);
        assert!(!more && rest.len() == 4 && rest[0].1.height == 7);
        assert_eq!(history.of(&PeerKey([3; 32]), None, 6), (Vec::new(), false));
        let (slashes, more) = history.slashes(Some(first[1].0), 3);
        assert!(more && slashes[0].1.height == 3 && slashes.len() == 3);
        assert_eq!(history.at(4, 0).map(|entry| entry.account), Some(PeerKey([1; 32])));
        assert_eq!(history.at(4, 1), None);
        assert_eq!(
            (history.included(&Digest([4; 32])), history.included(&Digest([99; 32]))),
            (Some(4), None)
        );
    }

    /// W-3.8, W-3.2: a full memory forgets the oldest and says from where on it is whole.
    #[test]
    fn the_oldest_go_first() {
        let history = History::default();
        for height in 1..=HISTORY_MAX as u64 + 2 {
            block(&history, height, vec![entry(height, (height % 3) as u8, Change::Bonded)]);
        }
        let inner = history.look();
        assert_eq!((inner.entries.len(), inner.first), (HISTORY_MAX, 2));
        let kept: usize = inner.by_account.values().map(|numbers| numbers.len()).sum();
        assert_eq!(kept, HISTORY_MAX);
        drop(inner);
        assert_eq!(history.coverage().from, 3);
        let (first, _) = history.of(&PeerKey([1; 32]), None, 1);
        assert_eq!(first[0].1.height, 4);
        for dispute in 0..3 {
            for number in 0..=MOVES_KEPT_MAX as u64 / 3 {
                let note = MoveNote {
                    height: number,
                    number: 0,
                    side: Side::Accused,
                    kind: MoveKind::Open,
                    bytes: 1,
                };
                history.take(
                    9,
                    Vec::new(),
                    Noted { moves: vec![(Digest([dispute; 32]), note)], ..Noted::default() },
                );
            }
        }
        assert!(history.moves(&Digest([0; 32])).is_none() && history.moves(&Digest([2; 32])).is_some());
        assert!(history.look().moves_kept <= MOVES_KEPT_MAX);
    }
}
