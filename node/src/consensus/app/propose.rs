//! Our own proposals: built once for a round, on disk before anybody hears of them, then sent as parts (W-1.3, W-1.4).

use super::super::context::{BlockId, Height, Init, Part, Retrace, Value};
use super::super::error::ConsensusError;
use super::super::judge::now_ms;
use super::{App, blocking};
use malachite_app_channel::app::types::LocallyProposedValue;
use malachite_app_channel::{NetworkMsg, Reply};
use malachite_core_types::Round;
use retrace_ledger::{CheckedBlock, ProposerSecrets, encode};
use std::sync::Arc;
use std::time::Instant;

impl App {
    /// Answers with a block for this round: the same one whenever it is asked, after a restart too.
    pub(super) async fn on_get_value(
        &mut self,
        height: Height,
        round: Round,
        reply: Reply<LocallyProposedValue<Retrace>>,
    ) -> Result<(), ConsensusError> {
        let Some(number) = round.as_u32() else { return Ok(()) };
        if self.ledger.head().height.0 >= height.0 {
            // The ledger has this height from elsewhere: the reply is dropped, which ends this engine.
            return Ok(());
        }
        let block = match self.kept.answer(height.0, number) {
            Some(block) => block,
            None => self.build(number)?,
        };
        let bytes = encode(&block.wire());
        let value = Value::of(&block, bytes.len());
        self.told.entry(block.id()).or_insert_with(Instant::now);
        drop(reply.send(LocallyProposedValue::new(height, round, value)));
        self.send(height, number, None, value, &bytes).await;
        Ok(())
    }

    fn build(&mut self, round: u32) -> Result<Arc<CheckedBlock>, ConsensusError> {
        let secrets = ProposerSecrets { signing: self.keys.consensus.clone(), vrf: self.keys.vrf.clone() };
        let built = blocking(|| self.ledger.build(&secrets, now_ms()));
        let block = built.map_err(|reason| self.ledger_error(reason))?;
        let kept = blocking(|| self.kept.keep_answer(round, block));
        kept.map_err(|source| self.disk_error(source))
    }

    /// Sends a block again that we know.
    pub(super) async fn on_restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        id: BlockId,
    ) {
        let (Some(number), Some(block)) = (round.as_u32(), self.kept.block(height.0, &id.0)) else {
            tracing::warn!(%height, %round, block = %id, "asked to send a block that is not kept");
            return;
        };
        let bytes = encode(&block.wire());
        let value = Value::of(&block, bytes.len());
        self.send(height, number, valid_round.as_u32(), value, &bytes).await;
    }

    async fn send(
        &mut self,
        height: Height,
        round: u32,
        valid_round: Option<u32>,
        value: Value,
        bytes: &[u8],
    ) {
        let position = (height, round, valid_round);
        let init = Init::sign(&self.network, &self.keys.consensus, position, value, bytes);
        for part in Part::stream(init, bytes, now_ms()) {
            if self.to_network.send(NetworkMsg::PublishProposalPart(part)).await.is_err() {
                // The engine is ending; the loop will notice.
                return;
            }
        }
    }

    pub(super) fn disk_error(&self, source: std::io::Error) -> ConsensusError {
        ConsensusError::Io { path: self.kept.folder().to_path_buf(), source }
    }
}
