//! The disputes of some parties that have not ended, followed from block to block by what happened (W-5.4).

use crate::network::Board;
use retrace_ledger::{DisputeRecord, Event, Height, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::collections::BTreeSet;

/// Blocks whose events are read one by one; whoever is further behind looks at all disputes once.
const BEHIND_MAX: u64 = 64;

/// Disputes that were opened and have not ended. Nothing of it is kept on disk: a process that begins looks at all.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The last height whose events were read.
    seen: Option<Height>,
    ids: BTreeSet<Digest>,
}

fn is_pending(state: &State, id: &Digest) -> bool {
    state.dispute(id).is_some_and(|record| record.status.is_pending())
}

impl Open {
    /// Those that have not ended, by id.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Digest> {
        self.ids.iter()
    }

    /// Goes on to the last block; gives what has ended since. The first time that is also what has ended of the disputes
    /// that `kept` names: those of which a process before this one has left something.
    pub(super) fn follow(
        &mut self,
        board: &Board,
        parties: &[PeerKey],
        kept: impl FnOnce() -> Vec<Digest>,
    ) -> Vec<Digest> {
        let mut left = Vec::new();
        match self.opened(board, parties) {
            Some((head, opened)) => {
                self.seen = Some(head);
                self.ids.extend(opened);
            }
            None => {
                left = kept();
                self.look_at_all(board, parties);
            }
        }
        board.read(|state| {
            let (open, mut ended): (BTreeSet<_>, Vec<_>) = (
                self.ids.iter().copied().filter(|id| is_pending(state, id)).collect(),
                self.ids.iter().copied().filter(|id| !is_pending(state, id)).collect(),
            );
            self.ids = open;
            // A dispute that this chain does not know may still come: what was signed in it is kept.
            left.retain(|id| state.dispute(id).is_some() && !is_pending(state, id));
            ended.extend(left);
            ended
        })
    }

    /// The head, and what was opened since the last height that was read; none where all are to be looked at.
    fn opened(&self, board: &Board, parties: &[PeerKey]) -> Option<(Height, Vec<Digest>)> {
        let (seen, head) = (self.seen?, board.height());
        if head.0.saturating_sub(seen.0) > BEHIND_MAX {
            return None;
        }
        let mut opened = Vec::new();
        for height in seen.0 + 1..=head.0 {
            // Events that cannot be read are no reason to miss a dispute: the state has it too.
            let events = board.events(Height(height)).ok()?;
            opened.extend(events.iter().filter_map(|event| match event {
                Event::DisputeOpened { dispute, accused, challenger, .. } => {
                    (parties.contains(accused) || parties.contains(challenger)).then_some(*dispute)
                }
                _ => None,
            }));
        }
        Some((head, opened))
    }

    fn look_at_all(&mut self, board: &Board, parties: &[PeerKey]) {
        let is_of = |record: &DisputeRecord| {
            parties.contains(&record.accused) || parties.contains(&record.challenger)
        };
        board.read(|state| {
            self.seen = state.now().ok().map(|now| now.height);
            let own = state.disputes().filter(|(_, record)| record.status.is_pending() && is_of(record));
            self.ids.extend(own.map(|(id, _)| id));
        });
    }
}
