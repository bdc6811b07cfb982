//! Decided blocks: applied with their certificate in one synced batch; then the next height begins (W-1.4, W-1.6).

use super::super::certificate::{accusations, to_engine, to_ledger};
use super::super::context::{Height, Retrace};
use super::super::engine::BATCH;
use super::super::error::ConsensusError;
use super::super::pace::hold;
use super::{App, Waiting, blocking};
use malachite_app_channel::Reply;
use malachite_app_channel::app::engine::host::{HeightParams, Next};
use malachite_app_channel::app::types::MisbehaviorEvidence;
use malachite_app_channel::app::types::sync::RawDecidedValue;
use malachite_core_types::CommitCertificate;
use retrace_ledger::{BlockError, Height as LedgerHeight, encode};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Longest wait for other validators before the first height.
const MEETING: Duration = Duration::from_secs(3);
/// Bytes of decided blocks in one answer; one block more may come on top.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

impl App {
    /// Applies a decided block. One that is applied already, as after a crash between the two, is done.
    pub(super) async fn on_decided(
        &mut self,
        certificate: &CommitCertificate<Retrace>,
    ) -> Result<(), ConsensusError> {
        let (height, id) = (certificate.height.0, certificate.value_id.0);
        if self.ledger.head().height.0 < height {
            let lost = || ConsensusError::Lost { height, block: id };
            let block = self.kept.block(height, &id).ok_or_else(lost)?;
            let certificate = to_ledger(certificate).ok_or_else(lost)?;
            let applied = blocking(|| self.ledger.apply(&block, &certificate));
            applied.map_err(|reason| ConsensusError::Ledger { height, reason })?;
        }
        self.anchor = self.told.get(&id).copied().unwrap_or_else(Instant::now);
        blocking(|| self.kept.forget(height));
        self.shared.decided(height);
        let (_, set, _) = self.parameters();
        self.doorkeeper.follow(&set).await;
        Ok(())
    }

    /// A height is over: accuses those who voted twice, then lets the next one begin. Only its proposer waits; the
    /// others are ready before it proposes.
    pub(super) fn on_finalized(
        &mut self,
        height: Height,
        evidence: &MisbehaviorEvidence<Retrace>,
        reply: Reply<Next<Retrace>>,
    ) {
        for accusation in accusations(self.network, evidence) {
            tracing::warn!(%height, "a validator voted twice: it is accused");
            self.ledger.accuse(accusation);
        }
        let (_, set, _) = self.parameters();
        let is_ours = set.proposer(0).is_some_and(|validator| validator.address == self.own);
        // While we catch up, others propose: nobody waits for us.
        if is_ours && self.synced != height.0 {
            self.waiting = Some(Waiting::Next { reply, admitted: self.ledger.admitted() });
            return;
        }
        self.begin(reply);
    }

    fn begin(&mut self, reply: Reply<Next<Retrace>>) {
        let (height, _, parameters) = self.parameters();
        drop(reply.send(Next::Start(height, parameters)));
    }

    pub(super) fn on_ready(&mut self, reply: Reply<(Height, HeightParams<Retrace>)>) {
        self.waiting = Some(Waiting::First { reply, until: Instant::now() + MEETING });
    }

    /// Looks again at what the engine waits for.
    pub(super) async fn wake(&mut self) {
        match self.waiting.take() {
            Some(Waiting::Next { reply, admitted }) => {
                if hold(self.anchor, Instant::now(), self.ledger.has_pending()).is_some() {
                    self.waiting = Some(Waiting::Next { reply, admitted });
                } else {
                    self.begin(reply);
                }
            }
            Some(Waiting::First { reply, until }) => {
                let (height, set, parameters) = self.parameters();
                self.doorkeeper.follow(&set).await;
                // A proposal sent to nobody is sent once and gone: it is worth a moment to have somebody there.
                if Instant::now() < until && !self.has_quorum(&set).await {
                    self.waiting = Some(Waiting::First { reply, until });
                } else {
                    drop(reply.send((height, parameters)));
                }
            }
            None => {}
        }
    }

    /// Decided blocks for a peer that catches up: at most a batch, from the first height on, without a gap.
    pub(super) fn on_get_decided(
        &self,
        range: RangeInclusive<Height>,
    ) -> Result<Vec<RawDecidedValue<Retrace>>, ConsensusError> {
        let mut values = Vec::new();
        let mut room = ANSWER_BYTES;
        for height in (range.start().0..=range.end().0).take(BATCH) {
            let found = blocking(|| self.ledger.block(LedgerHeight(height)));
            let found = found.map_err(|fault| self.ledger_error(BlockError::Fault(fault)))?;
            let Some((block, certificate)) = found else { break };
            let bytes = encode(&block);
            let Some(left) = room.checked_sub(bytes.len()) else { break };
            room = left;
            values.push(RawDecidedValue::new(bytes.into(), to_engine(&certificate)));
        }
        Ok(values)
    }
}
