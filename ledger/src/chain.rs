//! A chain: state, store and head together, for a proposer and for whoever replays its blocks (L-8.2).

use crate::amount::Height;
use crate::apply::{Footing, apply, begin, end, root, run};
use crate::beacon::{next_beacon, prove_beacon};
use crate::block::{Block, BlockError, BlockInvalid, CheckedBlock, Header, transactions_hash};
use crate::certificate::Certificate;
use crate::codec::{decode, encode};
use crate::envelope::Signed;
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::{Genesis, GenesisError};
use crate::keys::ProposerSecrets;
use crate::lane::{Room, is_full, is_lane};
use crate::limits::{BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX};
use crate::state::{State, StateKey, StateProof, prove};
use crate::store::{Batch, Store};
use crate::transaction::{EnvelopeInvalid, Transaction, TransactionInvalid};
use crate::turns::take_turns;
use crate::validators::ValidatorSet;
use borsh::BorshDeserialize;
use retrace_verifier::digest::Digest;

/// The last block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height; 0 before the first block.
    pub height: Height,
    /// Its id; the network's before the first block.
    pub id: Digest,
    /// The state root after it.
    pub state_root: Digest,
}

/// Why a chain cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The genesis is none.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The store cannot be read or written.
    #[error("fault: {0}")]
    Fault(#[from] Fault),
}

/// A block made of pending transactions, and what became of the others.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The block, signed.
    pub block: CheckedBlock,
    /// Invalid ones, with the reason.
    pub dropped: Vec<(Signed<Transaction>, TransactionInvalid)>,
    /// Those that found no room, in order.
    pub left: Vec<Signed<Transaction>>,
}

/// Pending transactions, sorted by what would become of them now.
#[derive(Clone, Debug, Default)]
pub struct Sifted {
    /// Those that the next block could hold, in order.
    pub valid: Vec<Signed<Transaction>>,
    /// Those whose nonce is ahead of their signer's, in order.
    pub waiting: Vec<Signed<Transaction>>,
    /// Invalid ones, with the reason.
    pub dropped: Vec<(Signed<Transaction>, TransactionInvalid)>,
}

/// A network's state as of its last block.
pub struct Chain {
    genesis: Genesis,
    state: State,
    store: Box<dyn Store>,
    head: Head,
}

impl Chain {
    /// Opens a chain: from genesis if the store is empty, otherwise where the store ends.
    pub fn open(genesis: Genesis, mut store: Box<dyn Store>) -> Result<Chain, ChainError> {
        genesis.check()?;
        let network = genesis.network();
        if let Some(height) = store.height()? {
            let state = State::load(&genesis, &store.rows()?)?;
            let id = match height {
                Height(0) => network,
                _ => block_at(store.as_ref(), height)?.ok_or(Fault::Corrupt { table: u8::MAX })?.id(),
            };
            let state_root = crate::state::root_at(store.as_ref(), height)?;
            return Ok(Chain { genesis, state, store, head: Head { height, id, state_root } });
        }
        let mut state = State::genesis(&genesis)?;
        let (rows, tree) = root(&mut state, store.as_ref())?;
        store.commit(Batch { rows, tree: tree.change, ..Batch::default() })?;
        state.keep();
        let head = Head { height: Height(0), id: network, state_root: tree.root };
        Ok(Chain { genesis, state, store, head })
    }

    /// The genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The network's id.
    pub fn network(&self) -> Digest {
        self.state.network()
    }

    /// The last block.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The state after the last block.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The next nonce of an account.
    pub fn next_nonce(&self, key: &retrace_verifier::signature::PeerKey) -> u64 {
        self.state.account(key).map_or(1, |account| account.nonce.saturating_add(1))
    }

    /// The validators of the next height.
    pub fn validators(&self) -> ValidatorSet {
        self.state.validators()
    }

    /// The block at a height.
    pub fn block(&self, height: Height) -> Result<Option<Block>, Fault> {
        block_at(self.store.as_ref(), height)
    }

    /// The certificate of a height.
    pub fn certificate(&self, height: Height) -> Result<Option<Certificate>, Fault> {
        stored(self.store.certificate(height)?, CERTIFICATE_BYTES_MAX)
    }

    /// What happened at a height; nothing at one that is not there.
    pub fn events(&self, height: Height) -> Result<Vec<Event>, Fault> {
        Ok(stored(self.store.events(height)?, usize::MAX)?.unwrap_or_default())
    }

    /// A proof of a row, or of its absence, under the head's state root (L-7.3).
    pub fn prove(&self, key: &StateKey) -> Result<StateProof, Fault> {
        prove(self.store.as_ref(), key, self.head.height)
    }

    /// Tries a block on the last one: all that [`Chain::apply`] checks but the certificate. Nothing is kept.
    pub fn check(&mut self, block: &CheckedBlock) -> Result<(), BlockError> {
        let footing = Footing { parent: self.head.id, certificate: None };
        let applied = apply(&mut self.state, self.store.as_ref(), footing, block);
        self.state.discard();
        applied.map(|_| ())
    }

    /// Applies a block that the certificate shows to be final: all of it, or nothing and the reason.
    pub fn apply(
        &mut self,
        block: &CheckedBlock,
        certificate: &Certificate,
    ) -> Result<Vec<Event>, BlockError> {
        let footing = Footing { parent: self.head.id, certificate: Some(certificate) };
        let applied = apply(&mut self.state, self.store.as_ref(), footing, block)?;
        let height = block.header().height;
        let batch = Batch {
            height,
            block: Some(encode(&block.wire())),
            certificate: Some(encode(certificate)),
            events: Some(encode(&applied.events)),
            rows: applied.rows,
            tree: applied.tree.change,
        };
        if let Err(fault) = self.store.commit(batch) {
            self.state.discard();
            return Err(fault.into());
        }
        self.state.keep();
        self.head = Head { height, id: block.id(), state_root: applied.tree.root };
        Ok(applied.events)
    }

    /// Checks and applies a block and its certificate from bytes, as a process does that replays a log.
    pub fn apply_bytes(&mut self, block: &[u8], certificate: &[u8]) -> Result<Vec<Event>, BlockError> {
        let block = decode(block, BLOCK_BYTES_MAX).map_err(BlockInvalid::Codec)?;
        let certificate = decode(certificate, CERTIFICATE_BYTES_MAX).map_err(BlockInvalid::Codec)?;
        self.apply(&CheckedBlock::check(block)?, &certificate)
    }

    /// Tries pending transactions in their order on the next block, at the latest moment that it can have (L-8.5).
    pub fn sift(&mut self, pending: Vec<Signed<Transaction>>) -> Result<Sifted, Fault> {
        self.state.discard();
        let sifted = self.sort(pending);
        self.state.discard();
        sifted
    }

    fn sort(&mut self, pending: Vec<Signed<Transaction>>) -> Result<Sifted, Fault> {
        let credit_ms = u64::from(self.state.params().block_credit_ms);
        self.state.now.change(&(), |now| {
            now.height = now.height.after(1);
            now.credited_ms = now.credited_ms.saturating_add(credit_ms);
        })?;
        let (mut sifted, mut events) = (Sifted::default(), Vec::new());
        for transaction in pending {
            match run(&mut self.state, &mut events, &transaction)? {
                Ok(()) => sifted.valid.push(transaction),
                Err(TransactionInvalid::Envelope(EnvelopeInvalid::Nonce { expected, found }))
                    if found > expected =>
                {
                    sifted.waiting.push(transaction);
                }
                Err(reason) => sifted.dropped.push((transaction, reason)),
            }
        }
        Ok(sifted)
    }

    /// The first of these dispute transactions that a checked block leaves out although it could hold it (L-8.3).
    /// Nothing is kept.
    pub fn omission(
        &mut self,
        block: &CheckedBlock,
        held: &[Signed<Transaction>],
    ) -> Result<Option<Digest>, Fault> {
        let is_next = block.header().parent == self.head.id;
        if held.is_empty() || !is_next || is_full(block.transactions()) {
            return Ok(None);
        }
        self.state.discard();
        let found = self.first_omitted(block, held);
        self.state.discard();
        found
    }

    fn first_omitted(
        &mut self,
        block: &CheckedBlock,
        held: &[Signed<Transaction>],
    ) -> Result<Option<Digest>, Fault> {
        let (validators, mut events) = (self.validators(), Vec::new());
        take_turns(&mut self.state, &mut events, &validators, block.header())?;
        begin(&mut self.state, block.header())?;
        for transaction in block.transactions() {
            if run(&mut self.state, &mut events, transaction)?.is_err() {
                return Ok(None);
            }
        }
        for transaction in held.iter().filter(|one| is_lane(one)) {
            if run(&mut self.state, &mut events, transaction)?.is_ok() {
                return Ok(Some(transaction.id()));
            }
        }
        Ok(None)
    }

    /// Builds the next block of pending transactions, in their order; it is not applied (L-8.3).
    ///
    /// A time that is not later than the last block's is moved to the next millisecond.
    pub fn propose(
        &mut self,
        secrets: &ProposerSecrets,
        time_ms: u64,
        pending: Vec<Signed<Transaction>>,
    ) -> Result<Proposal, BlockError> {
        self.state.discard();
        let proposal = self.build(secrets, time_ms, pending);
        self.state.discard();
        proposal
    }

    fn build(
        &mut self,
        secrets: &ProposerSecrets,
        time_ms: u64,
        pending: Vec<Signed<Transaction>>,
    ) -> Result<Proposal, BlockError> {
        let mut header = self.draft(secrets, time_ms)?;
        let validators = self.validators();
        validators.by_consensus(&header.proposer).ok_or(BlockInvalid::Proposer)?;
        let mut events = Vec::new();
        take_turns(&mut self.state, &mut events, &validators, &header)?;
        begin(&mut self.state, &header)?;
        let bytes = BLOCK_BYTES_MAX - crate::codec::encoded_len(&header) - HEADER_ROOM;
        let Filled { taken, dropped, left } = self.fill(bytes, &mut events, pending)?;
        end(&mut self.state, &mut events)?;
        let ids: Vec<Digest> = taken.iter().map(Signed::id).collect();
        header.transactions = transactions_hash(&ids);
        header.state_root = root(&mut self.state, self.store.as_ref())?.1.root;
        let header = Signed::sign(header, &secrets.signing).ok_or(BlockInvalid::Proposer)?;
        let block = CheckedBlock::of(header, taken)?;
        Ok(Proposal { block, dropped, left })
    }

    /// Runs pending transactions in their order, and those of the dispute lane that were left over once more: what is
    /// invalid before another may be valid after it, and what finds the lane full may find room that nobody wants.
    fn fill(
        &mut self,
        bytes: usize,
        events: &mut Vec<Event>,
        pending: Vec<Signed<Transaction>>,
    ) -> Result<Filled, Fault> {
        let mut room = Room::new(bytes, &pending);
        let (mut filled, mut others_left, mut again) = (Filled::default(), Vec::new(), Vec::new());
        for transaction in pending {
            let is_lane = is_lane(&transaction);
            if is_lane && (room.lane_is_full() || !room.holds(&transaction)) {
                again.push(transaction);
            } else if !is_lane && (!others_left.is_empty() || !room.holds(&transaction)) {
                others_left.push(transaction);
            } else {
                match run(&mut self.state, events, &transaction)? {
                    Ok(()) => filled.take(&mut room, transaction),
                    Err(_) if is_lane => again.push(transaction),
                    Err(reason) => filled.dropped.push((transaction, reason)),
                }
            }
        }
        for transaction in again {
            if !room.holds(&transaction) {
                filled.left.push(transaction);
                continue;
            }
            match run(&mut self.state, events, &transaction)? {
                Ok(()) => filled.take(&mut room, transaction),
                Err(reason) => filled.dropped.push((transaction, reason)),
            }
        }
        filled.left.append(&mut others_left);
        Ok(filled)
    }

    /// The next header, still without transactions and state.
    fn draft(&self, secrets: &ProposerSecrets, time_ms: u64) -> Result<Header, BlockError> {
        let now = *self.state.now()?;
        let (network, height) = (self.network(), now.height.after(1));
        let vrf_proof = prove_beacon(&secrets.vrf, &network, height, &now.beacon);
        let beacon = next_beacon(&secrets.vrf.key(), &network, height, &now.beacon, &vrf_proof);
        Ok(Header {
            network,
            height,
            time_ms: time_ms.max(now.time_ms.saturating_add(1)),
            parent: self.head.id,
            transactions: Digest([0; 32]),
            state_root: Digest([0; 32]),
            beacon: beacon.ok_or(BlockInvalid::Proof)?,
            vrf_proof,
            proposer: secrets.consensus(),
        })
    }
}

/// Pending transactions, sorted by what became of them in a block.
#[derive(Default)]
struct Filled {
    taken: Vec<Signed<Transaction>>,
    dropped: Vec<(Signed<Transaction>, TransactionInvalid)>,
    left: Vec<Signed<Transaction>>,
}

impl Filled {
    fn take(&mut self, room: &mut Room, transaction: Signed<Transaction>) {
        room.take(&transaction);
        self.taken.push(transaction);
    }
}

/// Bytes of a block beside header and transactions: a signature and a count.
const HEADER_ROOM: usize = 64 + 4;

fn block_at(store: &dyn Store, height: Height) -> Result<Option<Block>, Fault> {
    stored(store.block(height)?, BLOCK_BYTES_MAX)
}

/// What this process wrote itself; other bytes are a fault.
fn stored<T: BorshDeserialize>(bytes: Option<Vec<u8>>, limit: usize) -> Result<Option<T>, Fault> {
    let value = bytes.map(|bytes| decode(&bytes, limit)).transpose();
    value.map_err(|_| Fault::Corrupt { table: u8::MAX })
}
