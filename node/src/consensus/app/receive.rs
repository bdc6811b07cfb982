//! Blocks that others propose: put together, judged, on disk before the engine hears that we have them (W-1.4).

use super::super::assembly::Assembled;
use super::super::context::{Address, Height, Init, Part, PartRefused, Retrace, ValidatorSet, Value};
use super::super::error::ConsensusError;
use super::super::judge::{Verdict, check, judge, now_ms, open, welcome};
use super::{App, blocking};
use malachite_app_channel::app::engine::host::SyncedValueOutcome;
use malachite_app_channel::app::streaming::StreamMessage;
use malachite_app_channel::app::types::{PeerId, ProposedValue};
use malachite_core_types::{Round, Validity};
use retrace_ledger::limits::BLOCK_BYTES_MAX;
use retrace_ledger::{Block, BlockError, CheckedBlock, Height as LedgerHeight, decode, encoded_len};
use std::collections::btree_map::Entry;
use std::time::Instant;

/// Heights after the next of which whole blocks are held until it is their turn.
const AHEAD: u64 = 2;
/// How many of them.
const HELD_MAX: usize = 4;

impl App {
    /// Takes a part; gives the value if its block is whole and judged.
    pub(super) fn on_part(
        &mut self,
        publisher: PeerId,
        part: StreamMessage<Part>,
    ) -> Result<Option<ProposedValue<Retrace>>, ConsensusError> {
        let (head, set) = self.ledger.standing();
        let (next, set) = (head.height.after(1).0, ValidatorSet::of(&set));
        let network = self.network;
        let is_welcome = |init: &Init| match init.height.0 {
            found if found == next => welcome(init, &network, &set),
            found if (next..=next + AHEAD).contains(&found) => Ok(()),
            found => Err(PartRefused::Height { found }),
        };
        let taken = match self.assembly.take(publisher, part, Instant::now(), is_welcome) {
            Ok(Some(assembled)) if assembled.init.height.0 == next => self.receive(assembled, &set)?,
            Ok(Some(assembled)) => {
                self.hold(assembled);
                Ok(None)
            }
            Ok(None) => Ok(None),
            Err(refused) => Err(refused),
        };
        Ok(taken.unwrap_or_else(|refused| {
            self.refuse(publisher, refused);
            None
        }))
    }

    fn refuse(&self, publisher: PeerId, refused: PartRefused) {
        // A late part of a stream that is over is what a slow peer sends: it is counted, and no more.
        tracing::debug!(peer = %publisher, reason = %refused, "a proposal's part is refused");
        self.ledger.refused("proposal_part", refused.name());
    }

    fn hold(&mut self, assembled: Assembled) {
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(assembled);
    }

    /// Judges a whole block of the next height. Only what the block's id commits to can make it invalid.
    fn receive(
        &mut self,
        assembled: Assembled,
        set: &ValidatorSet,
    ) -> Result<Result<Option<ProposedValue<Retrace>>, PartRefused>, ConsensusError> {
        let init = assembled.init;
        let (height, id) = (init.height.0, init.value.block.0);
        let validity = if self.kept.block(height, &id).is_some() {
            Validity::Valid
        } else {
            if let Err(refused) = self.shares.take(&init) {
                return Ok(Err(refused));
            }
            let block = match blocking(|| open(&assembled)) {
                Ok(block) => block,
                Err(refused) => return Ok(Err(refused)),
            };
            let verdict = blocking(|| judge(self.ledger.as_ref(), &init, block, now_ms()));
            match verdict.map_err(|fault| self.ledger_error(BlockError::Fault(fault)))? {
                Verdict::Valid(block) => {
                    blocking(|| self.kept.keep(*block)).map_err(|source| self.disk_error(source))?;
                    Validity::Valid
                }
                Verdict::Invalid => Validity::Invalid,
                Verdict::Late => return Ok(Err(PartRefused::Height { found: height })),
            }
        };
        self.told.entry(id).or_insert_with(Instant::now);
        let proposer = set.proposer(init.round).map_or(init.sender, |validator| validator.address);
        Ok(Ok(Some(ProposedValue {
            height: init.height,
            round: Round::new(init.round),
            valid_round: Round::from(init.valid_round),
            proposer,
            value: init.value,
            validity,
        })))
    }

    /// A round begins: the engine hears of the blocks of this height that it does not know yet, those from before a
    /// restart and those that came early.
    pub(super) fn on_round(
        &mut self,
        height: Height,
        round: Round,
    ) -> Result<Vec<ProposedValue<Retrace>>, ConsensusError> {
        if self.shared.begin(height.0, round.as_u32().unwrap_or(0)) {
            self.told.clear();
            self.shares.clear();
        }
        let (head, set) = self.ledger.standing();
        let set = ValidatorSet::of(&set);
        let mut values = Vec::new();
        if head.height.after(1).0 == height.0 {
            let early = self.held.extract_if(.., |held| held.init.height == height);
            for assembled in early.collect::<Vec<_>>() {
                if welcome(&assembled.init, &self.network, &set).is_ok() {
                    values.extend(self.receive(assembled, &set)?.unwrap_or(None));
                }
            }
        }
        self.held.retain(|held| held.init.height > height);
        let proposer = round.as_u32().and_then(|round| set.proposer(round));
        let proposer = proposer.map_or(self.own, |validator| validator.address);
        for block in self.kept.at(height.0) {
            if let Entry::Vacant(vacant) = self.told.entry(block.id()) {
                vacant.insert(Instant::now());
                values.push(valid(height, round, proposer, block, encoded_len(&block.wire())));
            }
        }
        Ok(values)
    }

    /// Judges a decided block that a peer sent, whose certificate the engine has verified.
    pub(super) fn on_synced(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: &[u8],
    ) -> Result<SyncedValueOutcome<Retrace>, ConsensusError> {
        let decoded = decode::<Block>(bytes, BLOCK_BYTES_MAX).ok().map(CheckedBlock::check);
        let Some(Ok(block)) = decoded.filter(|_| !bytes.is_empty()) else {
            self.ledger.refused("synced_block", "malformed");
            return Ok(SyncedValueOutcome::PeerFault);
        };
        if block.header().height != LedgerHeight(height.0) {
            self.ledger.refused("synced_block", "height");
            return Ok(SyncedValueOutcome::PeerFault);
        }
        let mut value = valid(height, round, proposer, &block, bytes.len());
        if self.kept.block(height.0, &block.id()).is_none() && self.ledger.head().height.0 < height.0 {
            let verdict = blocking(|| check(self.ledger.as_ref(), block));
            match verdict.map_err(|fault| self.ledger_error(BlockError::Fault(fault)))? {
                Verdict::Valid(block) => {
                    blocking(|| self.kept.keep(*block)).map_err(|source| self.disk_error(source))?;
                }
                Verdict::Invalid => {
                    tracing::error!(%height, "two thirds decided a block that is invalid here");
                    value.validity = Validity::Invalid;
                }
                Verdict::Late => return Ok(SyncedValueOutcome::LocalTransientError),
            }
        }
        self.synced = height.0;
        Ok(SyncedValueOutcome::Verdict(value))
    }
}

fn valid(
    height: Height,
    round: Round,
    proposer: Address,
    block: &CheckedBlock,
    bytes: usize,
) -> ProposedValue<Retrace> {
    ProposedValue {
        height,
        round,
        valid_round: Round::Nil,
        proposer,
        value: Value::of(block, bytes),
        validity: Validity::Valid,
    }
}
