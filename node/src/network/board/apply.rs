//! Blocks: built of what is pending, tried, and applied once they are decided (W-4.1).

use super::{Applied, Board, Fate, Inner};
use retrace_ledger::{BlockError, Body, Certificate, CheckedBlock, Fault, ProposerSecrets, Signed, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::{Move, SignedMove};
use std::time::Instant;

/// Settled transactions whose fate is remembered.
const FATES_MAX: usize = 16_384;

impl Board {
    /// Builds the next block of what is pending; nothing is applied.
    pub fn build(&self, secrets: &ProposerSecrets, time_ms: u64) -> Result<CheckedBlock, BlockError> {
        let mut inner = self.lock();
        let pending = inner.mempool.in_order();
        Ok(inner.chain.propose(secrets, time_ms, pending)?.block)
    }

    /// Checks a block against the last one; nothing is applied.
    pub fn check(&self, block: &CheckedBlock) -> Result<(), BlockError> {
        self.lock().chain.check(block)
    }

    /// A dispute transaction that a checked block leaves out although it was valid here for long and has room (W-1.9).
    pub fn omission(&self, block: &CheckedBlock) -> Result<Option<Digest>, Fault> {
        let inner = &mut *self.lock();
        let overdue = inner.held.overdue(block.header().height);
        let held: Vec<_> = overdue.filter_map(|id| inner.mempool.get(id).cloned()).collect();
        inner.chain.omission(block, &held)
    }

    /// Applies a decided block: it is on disk when this returns. One that was applied before is no error.
    pub fn apply(&self, block: &CheckedBlock, certificate: &Certificate) -> Result<(), BlockError> {
        let mut inner = self.lock();
        let head = inner.chain.head();
        if block.header().height <= head.height {
            let stored = inner.chain.block(block.header().height)?;
            if stored.is_some_and(|stored| stored.id() == block.id()) {
                return Ok(());
            }
        }
        let judged = time_judges(inner.chain.state(), block);
        inner.chain.apply(block, certificate)?;
        inner.judge_us.extend(judged);
        self.settle(&mut inner, block)?;
        let head = inner.chain.head();
        self.metrics.height.set(head.height.0 as i64);
        self.metrics.pending.set(inner.mempool.len() as i64);
        self.metrics.transactions.inc_by(block.transactions().len() as u64);
        drop(inner);
        self.changed.notify_all();
        drop(self.applied.send(Applied { height: head.height, id: block.id() }));
        Ok(())
    }

    /// Takes out of the pool what the block included, and what can be in no later one.
    fn settle(&self, inner: &mut Inner, block: &CheckedBlock) -> Result<(), Fault> {
        let height = block.header().height;
        let included: Vec<Digest> = block.transactions().iter().map(Signed::id).collect();
        for id in included {
            self.close(inner, id, Fate::Included { height });
        }
        let pending = inner.mempool.in_order();
        if pending.is_empty() {
            inner.held.look(height, [].into_iter());
            return Ok(());
        }
        let sifted = inner.chain.sift(pending)?;
        inner.held.look(height, sifted.valid.iter());
        for (signed, reason) in sifted.dropped {
            self.close(inner, signed.id(), Fate::Refused { reason: reason.to_string() });
        }
        let waiting: Vec<Digest> = sifted.waiting.iter().map(Signed::id).collect();
        for id in inner.mempool.stale(&waiting) {
            let reason = "the nonces before it never came".to_string();
            self.close(inner, id, Fate::Refused { reason });
        }
        Ok(())
    }

    fn close(&self, inner: &mut Inner, id: Digest, fate: Fate) {
        inner.mempool.remove(&id);
        self.journal.forget(&id);
        if inner.fates.insert(id, fate).is_none() {
            inner.settled.push_back(id);
        }
        if inner.settled.len() > FATES_MAX
            && let Some(oldest) = inner.settled.pop_front()
        {
            inner.fates.remove(&oldest);
        }
    }
}

/// The moves of disputes in a block.
pub fn moves_of(block: &CheckedBlock) -> Vec<SignedMove> {
    let moves = block.transactions().iter().filter_map(|signed| match &signed.body().body {
        Body::Play(play) => Some(play.signed.clone()),
        _ => None,
    });
    moves.collect()
}

/// Judges each judging move of the block once more beside the ledger, to say how long that takes.
fn time_judges(state: &State, block: &CheckedBlock) -> Vec<(Digest, u64)> {
    let judges = moves_of(block).into_iter().filter(|m| matches!(m.body, Move::Judge(_)));
    let timed = judges.filter_map(|signed| {
        let mut game = state.game(&signed.dispute)?.clone();
        let start = Instant::now();
        game.play(&signed).ok()?;
        Some((signed.dispute, start.elapsed().as_micros() as u64))
    });
    timed.collect()
}
