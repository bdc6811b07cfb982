//! The state: typed tables, each a column family of canonical bytes (L-7.1).
//!
//! ```text
//! tag  table      key                    value
//! 0    now        ()                     height, time, credit, beacon, burned value
//! 1    accounts   stake key              balance, bonded and locked stake, nonce, role, keys
//! 2    runs       run                    terms and pins, never changed
//! 3    progress   run                    phase, round, base, escrow
//! 4    rounds     run, round             base, beacon, slots, standing claim
//! 5    claims     claim                  commitment or base, status, draw, open disputes
//! 6    verdicts   claim, unit            verdicts in order
//! 7    disputes   dispute                parties, bond, clock of the challenger, status
//! 8    games      dispute                the game
//! 9    answers    claim, unit, question  the accused's first answer
//! 10   turns      stake key              turns to propose that were missed
//! 11   attestations   claim, part        what validators said that they hold
//! 12   equivocations  stake key, height  the transaction that showed two contradicting votes
//! 13   defenses   claim                  the accused's one clock
//! 14   caseloads  stake key              disputes that are played, and that are queued
//! 15   seals      stake key              seals that can be opened
//! 16   delegations  stake key            its delegation that counts
//! 20   breakers   run                    what counts for it, until when it is on
//! 21   deferred   run, number            slashes that it deferred, and what became of them
//! 22   amnesties  run, time              validators' votes to forgive them
//! ```

mod account;
mod funds;
mod key;
mod proof;
mod read;
mod table;
mod tree;

pub use account::Account;
pub use key::StateKey;
pub use proof::{ProofError, StateProof, verify};
pub use table::Row;

pub(crate) use proof::prove;
use table::Table;
pub(crate) use tree::{TreeUpdate, root_at, update};

use crate::amount::{Amount, Height, Moment};
use crate::beacon::{Beacon, genesis_beacon};
use crate::fault::Fault;
use crate::genesis::{Genesis, GenesisError, Params};
use crate::run::{
    AmnestyVotes, Answer, Attestations, AttestedPart, Breaker, Caseload, ClaimRecord, Defense, DeferredSlash,
    DisputeRecord, Progress, Round, Run, VerdictRecord,
};
use crate::transaction::HeldSeal;
use crate::turns::Turns;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::game::Question;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Game, Unit};

// Tags of the tables; they are wire forms, and no tag is ever given to another table.
const NOW: u8 = 0;
const ACCOUNTS: u8 = 1;
const RUNS: u8 = 2;
const PROGRESS: u8 = 3;
const ROUNDS: u8 = 4;
const CLAIMS: u8 = 5;
const VERDICTS: u8 = 6;
const DISPUTES: u8 = 7;
const GAMES: u8 = 8;
const ANSWERS: u8 = 9;
const TURNS: u8 = 10;
const ATTESTATIONS: u8 = 11;
const EQUIVOCATIONS: u8 = 12;
const DEFENSES: u8 = 13;
const CASELOADS: u8 = 14;
const SEALS: u8 = 15;
const DELEGATIONS: u8 = 16;
const BREAKERS: u8 = 20;
const DEFERRED: u8 = 21;
const AMNESTIES: u8 = 22;

/// What every block changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Now {
    /// Height of the last block.
    pub height: Height,
    /// Its time.
    pub time_ms: u64,
    /// Time credited by all blocks.
    pub credited_ms: u64,
    /// Its beacon.
    pub beacon: Beacon,
    /// The beacon of the block before it.
    pub beacon_before: Beacon,
    /// Value that was burned.
    pub burned: Amount,
    /// Bytes of its dispute transactions.
    pub lane_bytes: u32,
}

impl Now {
    /// The ledger's own time.
    pub fn moment(&self) -> Moment {
        Moment { height: self.height, credited_ms: self.credited_ms }
    }
}

/// The whole state of a network.
#[derive(Clone, Debug)]
pub struct State {
    network: Digest,
    params: Params,
    total: Amount,
    pub(crate) now: Table<(), Now>,
    pub(crate) accounts: Table<PeerKey, Account>,
    pub(crate) runs: Table<Digest, Run>,
    pub(crate) progress: Table<Digest, Progress>,
    pub(crate) rounds: Table<(Digest, u32), Round>,
    pub(crate) claims: Table<Digest, ClaimRecord>,
    pub(crate) verdicts: Table<(Digest, Unit), Vec<VerdictRecord>>,
    pub(crate) disputes: Table<Digest, DisputeRecord>,
    pub(crate) games: Table<Digest, Game>,
    pub(crate) answers: Table<(Digest, Unit, Question), Answer>,
    pub(crate) turns: Table<PeerKey, Turns>,
    pub(crate) attestations: Table<(Digest, AttestedPart), Attestations>,
    pub(crate) equivocations: Table<(PeerKey, Height), Digest>,
    pub(crate) defenses: Table<Digest, Defense>,
    pub(crate) caseloads: Table<PeerKey, Caseload>,
    pub(crate) seals: Table<PeerKey, Vec<HeldSeal>>,
    pub(crate) breakers: Table<Digest, Breaker>,
    pub(crate) deferred: Table<(Digest, u32), DeferredSlash>,
    pub(crate) amnesties: Table<(Digest, u32), AmnestyVotes>,
    pub(crate) delegations: Table<PeerKey, SignedDelegation>,
}

/// Does the same to every table.
macro_rules! each_table {
    ($state:expr, $table:ident => $body:expr) => {{
        let $table = &mut $state.now;
        $body;
        let $table = &mut $state.accounts;
        $body;
        let $table = &mut $state.runs;
        $body;
        let $table = &mut $state.progress;
        $body;
        let $table = &mut $state.rounds;
        $body;
        let $table = &mut $state.claims;
        $body;
        let $table = &mut $state.verdicts;
        $body;
        let $table = &mut $state.disputes;
        $body;
        let $table = &mut $state.games;
        $body;
        let $table = &mut $state.answers;
        $body;
        let $table = &mut $state.turns;
        $body;
        let $table = &mut $state.attestations;
        $body;
        let $table = &mut $state.equivocations;
        $body;
        let $table = &mut $state.defenses;
        $body;
        let $table = &mut $state.caseloads;
        $body;
        let $table = &mut $state.seals;
        $body;
        let $table = &mut $state.breakers;
        $body;
        let $table = &mut $state.deferred;
        $body;
        let $table = &mut $state.amnesties;
        $body;
        let $table = &mut $state.delegations;
        $body;
    }};
}

impl State {
    fn empty(genesis: &Genesis) -> Result<State, GenesisError> {
        genesis.check()?;
        Ok(State {
            network: genesis.network(),
            params: genesis.params,
            total: genesis.total().ok_or(GenesisError::Total)?,
            now: Table::new(NOW),
            accounts: Table::new(ACCOUNTS),
            runs: Table::new(RUNS),
            progress: Table::new(PROGRESS),
            rounds: Table::new(ROUNDS),
            claims: Table::new(CLAIMS),
            verdicts: Table::new(VERDICTS),
            disputes: Table::new(DISPUTES),
            games: Table::new(GAMES),
            answers: Table::new(ANSWERS),
            turns: Table::new(TURNS),
            attestations: Table::new(ATTESTATIONS),
            equivocations: Table::new(EQUIVOCATIONS),
            defenses: Table::new(DEFENSES),
            caseloads: Table::new(CASELOADS),
            seals: Table::new(SEALS),
            breakers: Table::new(BREAKERS),
            deferred: Table::new(DEFERRED),
            amnesties: Table::new(AMNESTIES),
            delegations: Table::new(DELEGATIONS),
        })
    }

    /// The state before the first block; its rows are staged (L-2.2).
    pub fn genesis(genesis: &Genesis) -> Result<State, GenesisError> {
        let mut state = State::empty(genesis)?;
        let beacon = genesis_beacon(&state.network);
        let now = Now {
            height: Height(0),
            time_ms: genesis.time_ms,
            credited_ms: 0,
            beacon,
            beacon_before: beacon,
            burned: Amount::ZERO,
            lane_bytes: 0,
        };
        state.now.put((), now);
        for account in &genesis.accounts {
            state.accounts.put(account.key, Account::at_genesis(account));
        }
        Ok(state)
    }

    /// The state from stored rows.
    pub(crate) fn load(genesis: &Genesis, rows: &[Row]) -> Result<State, Fault> {
        let mut state = State::empty(genesis).map_err(|_| Fault::Corrupt { table: 0 })?;
        for (key, value) in rows {
            let mut taken = false;
            each_table!(state, table => taken |= table.load(key, value)?);
            if !taken {
                return Err(Fault::Corrupt { table: key.first().copied().unwrap_or(u8::MAX) });
            }
        }
        state.now.want(&())?;
        Ok(state)
    }

    /// Staged rows that differ from what is kept, in order of key.
    pub(crate) fn changes(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        each_table!(self, table => rows.extend(table.changes()));
        rows.sort();
        rows
    }

    /// Keeps the staged rows.
    pub(crate) fn keep(&mut self) {
        each_table!(self, table => table.keep());
    }

    /// Drops the staged rows.
    pub(crate) fn discard(&mut self) {
        each_table!(self, table => table.discard());
    }

    /// The network's id.
    pub fn network(&self) -> Digest {
        self.network
    }

    /// The network's parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Height, time, beacon.
    pub fn now(&self) -> Result<&Now, Fault> {
        self.now.want(&())
    }
}
