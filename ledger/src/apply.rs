//! `apply`: one block changes the state, or is invalid and changes nothing (L-8.1).

use crate::beacon::next_beacon;
use crate::block::{BlockError, BlockInvalid, CheckedBlock, Header};
use crate::certificate::Certificate;
use crate::envelope::Signed;
use crate::event::Event;
use crate::fault::Fault;
use crate::run::drive;
use crate::stage::Stage;
use crate::state::{State, TreeUpdate, update};
use crate::store::Store;
use crate::transaction::{Refused, Transaction, TransactionInvalid, execute, release_unbonded};
use crate::turns::take_turns;
use crate::validators::ValidatorSet;
use retrace_verifier::digest::Digest;

/// What a block stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footing<'a> {
    /// The last block.
    pub parent: Digest,
    /// Why it is final; none for a block that is only tried.
    pub certificate: Option<&'a Certificate>,
}

/// A block's effects: staged in the state, not yet kept.
pub(crate) struct Applied {
    /// What happened.
    pub events: Vec<Event>,
    /// Changed rows.
    pub rows: Vec<crate::state::Row>,
    /// New root and nodes.
    pub tree: TreeUpdate,
}

/// Applies a block to the staged rows of `state`. On an error they are dropped.
pub(crate) fn apply(
    state: &mut State,
    store: &dyn Store,
    footing: Footing<'_>,
    block: &CheckedBlock,
) -> Result<Applied, BlockError> {
    state.discard();
    let applied = play(state, store, footing, block);
    if applied.is_err() {
        state.discard();
    }
    applied
}

fn play(
    state: &mut State,
    store: &dyn Store,
    footing: Footing<'_>,
    block: &CheckedBlock,
) -> Result<Applied, BlockError> {
    let header = block.header();
    let validators = state.validators();
    check_header(state, &footing.parent, &validators, header)?;
    if let Some(certificate) = footing.certificate {
        let checked = certificate.check_of(&block.id(), &header.network, &validators);
        checked.map_err(BlockInvalid::Certificate)?;
    }
    let mut events = Vec::new();
    take_turns(state, &mut events, &validators, header)?;
    begin(state, header)?;
    for (position, transaction) in block.transactions().iter().enumerate() {
        match run(state, &mut events, transaction)? {
            Ok(()) => {}
            Err(reason) => return Err(BlockInvalid::Transaction { position, reason }.into()),
        }
    }
    end(state, &mut events)?;
    let (rows, tree) = root(state, store)?;
    if tree.root != header.state_root {
        return Err(BlockInvalid::StateRoot.into());
    }
    Ok(Applied { events, rows, tree })
}

fn check_header(
    state: &State,
    parent: &Digest,
    validators: &ValidatorSet,
    header: &Header,
) -> Result<(), BlockError> {
    let now = state.now()?;
    if header.network != state.network() {
        return Err(BlockInvalid::Network.into());
    }
    let expected = now.height.after(1);
    if header.height != expected {
        return Err(BlockInvalid::Height { expected, found: header.height }.into());
    }
    if header.parent != *parent {
        return Err(BlockInvalid::Parent.into());
    }
    if header.time_ms <= now.time_ms {
        return Err(BlockInvalid::Time.into());
    }
    let proposer = validators.by_consensus(&header.proposer).ok_or(BlockInvalid::Proposer)?;
    let beacon = next_beacon(&proposer.vrf, &header.network, header.height, &now.beacon, &header.vrf_proof);
    if beacon.ok_or(BlockInvalid::Proof)? != header.beacon {
        return Err(BlockInvalid::Beacon.into());
    }
    Ok(())
}

/// Moves the state to the block's height, time and beacon (L-3.3).
pub(crate) fn begin(state: &mut State, header: &Header) -> Result<(), Fault> {
    let mut now = *state.now()?;
    let passed = header.time_ms.saturating_sub(now.time_ms);
    let lane_was_full = now.lane_bytes as usize >= crate::limits::DISPUTE_LANE_BYTES;
    let most = if lane_was_full { 0 } else { u64::from(state.params().block_credit_ms) };
    now.credited_ms = now.credited_ms.saturating_add(passed.min(most));
    now.height = header.height;
    now.time_ms = header.time_ms;
    now.beacon_before = now.beacon;
    now.beacon = header.beacon;
    now.lane_bytes = 0;
    state.now.put((), now);
    Ok(())
}

/// Runs one transaction; the inner error is the sender's.
pub(crate) fn run(
    state: &mut State,
    events: &mut Vec<Event>,
    transaction: &Signed<Transaction>,
) -> Result<Result<(), TransactionInvalid>, Fault> {
    match execute(&mut Stage::new(state, events)?, transaction) {
        Ok(()) => {
            if transaction.body().body.is_dispute_lane() {
                let bytes = u32::try_from(transaction.bytes()).unwrap_or(u32::MAX);
                state.now.change(&(), |now| now.lane_bytes = now.lane_bytes.saturating_add(bytes))?;
            }
            Ok(Ok(()))
        }
        Err(Refused::Invalid(reason)) => Ok(Err(reason)),
        Err(Refused::Fault(fault)) => Err(fault),
    }
}

/// What every block does after its transactions.
pub(crate) fn end(state: &mut State, events: &mut Vec<Event>) -> Result<(), Fault> {
    let mut stage = Stage::new(state, events)?;
    release_unbonded(&mut stage)?;
    drive(&mut stage)
}

/// Changed rows, and the state root with them.
pub(crate) fn root(
    state: &mut State,
    store: &dyn Store,
) -> Result<(Vec<crate::state::Row>, TreeUpdate), Fault> {
    let rows = state.changes();
    let version = state.now()?.height.0;
    let tree = update(store, &rows, version)?;
    Ok((rows, tree))
}
