//! Retrace's ledger: what everybody remembers, as one pure function of blocks.
//!
//! `apply(state, block)` gives the next state and events, or the reason why not. No floating-point type, no
//! clock, no thread, no disk: time is in headers, entropy is in the beacon, bytes are behind [`Store`]. The
//! rules have ids (L-*) in `specs/ledger.md`.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
#![warn(missing_docs)]

mod amount;
mod apply;
mod beacon;
mod block;
mod certificate;
mod chain;
mod codec;
pub mod econ;
mod envelope;
mod event;
pub mod evidence;
mod fault;
mod genesis;
mod keys;
pub mod lab;
mod lane;
pub mod limits;
mod run;
mod stage;
mod state;
mod store;
mod transaction;
mod turns;
mod validators;
mod vote;

#[cfg(test)]
mod tests;

pub use amount::{Amount, Height, Moment, Span};
pub use beacon::{Beacon, derived_beacon, genesis_beacon, next_beacon, prove_beacon, shuffled};
pub use block::{Block, BlockError, BlockInvalid, CheckedBlock, Header, transactions_hash};
pub use certificate::{Certificate, CertificateInvalid, CommitSignature};
pub use chain::{Chain, ChainError, Head, Proposal, Sifted};
pub use codec::{CodecError, decode, encode, encoded_len};
pub use envelope::{Signable, Signed, Unchecked};
pub use event::{Ending, Event, RewardReason, SlashReason};
pub use fault::Fault;
pub use genesis::{Genesis, GenesisAccount, GenesisError, Params, Role};
pub use keys::{ProposerSecrets, RegisteredKeys, VrfKey, VrfOutput, VrfProof, VrfSecret};
pub use run::{
    AmnestyVote, AmnestyVotes, Answer, Answered, Attestation, Attestations, AttestedPart, Audit, Breaker,
    Case, Caseload, ClaimRecord, ClaimStatus, Clock, Counted, Defense, DeferredSlash, DeferredStatus,
    DisputeRecord, DisputeStatus, Merging, Phase, Precedence, Progress, Round, Run, RunTerms, Slot, Taint,
    VerdictRecord, VerdictResult, attestation_key, drawn_verifiers, step_before,
};
pub use state::{Account, Now, ProofError, Row, State, StateKey, StateProof, verify};
pub use store::{Batch, MemoryStore, Store, TreeChange};
#[cfg(feature = "rocksdb")]
pub use store::{FORMAT as STORE_FORMAT, RocksOptions, RocksStore, StoreError};
pub use transaction::{
    Amnesty, AmnestyInvalid, Attest, AttestInvalid, Base, BaseInvalid, Body, Commit, CommitInvalid,
    Contradiction, ContradictionInvalid, Delegate, DelegateInvalid, Dispute, DisputeInvalid, EnvelopeInvalid,
    Equivocation, EquivocationInvalid, HeldSeal, OpenRun, OpenRunInvalid, Play, PlayInvalid, Register,
    RegisterInvalid, Seal, SealInvalid, Settle, SettleInvalid, Stake, StakeInvalid, Timeout, TimeoutInvalid,
    Transaction, TransactionInvalid, Transfer, TransferInvalid, Unbond, UnbondInvalid, Verdict,
    VerdictInvalid, challenge_seal, prove_possession,
};
pub use turns::Turns;
pub use validators::{Validator, ValidatorSet};
pub use vote::{Vote, VoteKind};
