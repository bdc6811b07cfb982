//! Transactions: one file each, with fields, reasons, check, apply and a table of tests (L-1.6).

mod amnesty;
mod attest;
mod base;
mod commit;
mod contradiction;
mod delegate;
mod dispute;
mod envelope;
mod equivocation;
mod open_run;
mod play;
mod register;
mod seal;
mod settle;
mod stake;
mod timeout;
mod transfer;
mod unbond;
mod verdict;

pub use amnesty::{Amnesty, AmnestyInvalid};
pub use attest::{Attest, AttestInvalid};
pub use base::{Base, BaseInvalid};
pub use commit::{Commit, CommitInvalid};
pub use contradiction::{Contradiction, ContradictionInvalid};
pub use delegate::{Delegate, DelegateInvalid};
pub use dispute::{Dispute, DisputeInvalid};
pub use envelope::EnvelopeInvalid;
pub use equivocation::{Equivocation, EquivocationInvalid};
pub use open_run::{OpenRun, OpenRunInvalid};
pub use play::{Play, PlayInvalid};
pub use register::{Register, RegisterInvalid, prove_possession};
pub use seal::{HeldSeal, Seal, SealInvalid, challenge_seal};
pub use settle::{Settle, SettleInvalid};
pub use stake::{Stake, StakeInvalid};
pub use timeout::{Timeout, TimeoutInvalid};
pub use transfer::{Transfer, TransferInvalid};
pub use unbond::{Unbond, UnbondInvalid};
pub use verdict::{Verdict, VerdictInvalid};

pub(crate) use unbond::release_unbonded;

use crate::envelope::{Signable, Signed};
use crate::fault::Fault;
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// What a transaction does. The position of a variant is its wire form: new ones go to the end.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Body {
    /// Balance becomes stake.
    Stake(Stake),
    /// A sponsor opens a run.
    OpenRun(Box<OpenRun>),
    /// A trainer commits to a segment.
    Commit(Box<Commit>),
    /// Somebody claims the next base.
    Base(Base),
    /// A verifier says what its replay gave.
    Verdict(Verdict),
    /// Somebody disputes a claim.
    Dispute(Box<Dispute>),
    /// A move of a dispute.
    Play(Box<Play>),
    /// A clock ran out.
    Timeout(Timeout),
    /// A claim's window is over.
    Settle(Settle),
    /// Balance goes to another account.
    Transfer(Transfer),
    /// An account takes a role, and binds keys.
    Register(Box<Register>),
    /// Stake goes back to the balance.
    Unbond(Unbond),
    /// A validator holds what a commitment rests on.
    Attest(Attest),
    /// A validator contradicted itself.
    Equivocation(Box<Equivocation>),
    /// Somebody will dispute something.
    Seal(Seal),
    /// An accused contradicted itself.
    Contradiction(Box<Contradiction>),
    /// An account's defense key.
    Delegate(Delegate),
    /// A validator votes to excuse deferred slashes.
    Amnesty(Amnesty),
}

impl Body {
    /// What it is called wherever it is named: in vectors, by the interface, to people.
    pub fn kind(&self) -> &'static str {
        match self {
            Body::Stake(_) => "stake",
            Body::OpenRun(_) => "open_run",
            Body::Commit(_) => "commit",
            Body::Base(_) => "base",
            Body::Verdict(_) => "verdict",
            Body::Dispute(_) => "dispute",
            Body::Play(_) => "play",
            Body::Timeout(_) => "timeout",
            Body::Settle(_) => "settle",
            Body::Transfer(_) => "transfer",
            Body::Register(_) => "register",
            Body::Unbond(_) => "unbond",
            Body::Attest(_) => "attest",
            Body::Equivocation(_) => "equivocation",
            Body::Seal(_) => "seal",
            Body::Contradiction(_) => "contradiction",
            Body::Delegate(_) => "delegate",
            Body::Amnesty(_) => "amnesty",
        }
    }

    /// True for what travels in the dispute lane.
    pub fn is_dispute_lane(&self) -> bool {
        matches!(
            self,
            Body::Dispute(_) | Body::Play(_) | Body::Timeout(_) | Body::Seal(_) | Body::Contradiction(_)
        )
    }
}

/// A transaction: who, where, which, what.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// Network.
    pub network: Digest,
    /// Whose account pays for it with a nonce.
    pub signer: PeerKey,
    /// One more than the signer's last.
    pub nonce: u64,
    /// What it does.
    pub body: Body,
}

impl Signable for Transaction {
    const SIGNATURE_CONTEXT: &'static str = "retrace v1 transaction";
    const ID_CONTEXT: &'static str = "retrace v1 transaction id";

    fn signer(&self) -> PeerKey {
        self.signer
    }
}

/// Why a transaction is invalid: the sender's fault, and the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionInvalid {
    /// Size, network, signer or nonce.
    #[error("envelope: {0}")]
    Envelope(#[from] EnvelopeInvalid),
    /// Of a stake.
    #[error("stake: {0}")]
    Stake(#[from] StakeInvalid),
    /// Of an opening.
    #[error("open run: {0}")]
    OpenRun(#[from] OpenRunInvalid),
    /// Of a commitment.
    #[error("commit: {0}")]
    Commit(#[from] CommitInvalid),
    /// Of a base.
    #[error("base: {0}")]
    Base(#[from] BaseInvalid),
    /// Of a verdict.
    #[error("verdict: {0}")]
    Verdict(#[from] VerdictInvalid),
    /// Of a dispute.
    #[error("dispute: {0}")]
    Dispute(#[from] DisputeInvalid),
    /// Of a move.
    #[error("play: {0}")]
    Play(#[from] PlayInvalid),
    /// Of a time-out.
    #[error("timeout: {0}")]
    Timeout(#[from] TimeoutInvalid),
    /// Of a settlement.
    #[error("settle: {0}")]
    Settle(#[from] SettleInvalid),
    /// Of a transfer.
    #[error("transfer: {0}")]
    Transfer(#[from] TransferInvalid),
    /// Of a registration.
    #[error("register: {0}")]
    Register(#[from] RegisterInvalid),
    /// Of an unbonding.
    #[error("unbond: {0}")]
    Unbond(#[from] UnbondInvalid),
    /// Of an attestation.
    #[error("attest: {0}")]
    Attest(#[from] AttestInvalid),
    /// Of two votes.
    #[error("equivocation: {0}")]
    Equivocation(#[from] EquivocationInvalid),
    /// Of a seal.
    #[error("seal: {0}")]
    Seal(#[from] SealInvalid),
    /// Of two answers.
    #[error("contradiction: {0}")]
    Contradiction(#[from] ContradictionInvalid),
    /// Of a delegation.
    #[error("delegate: {0}")]
    Delegate(#[from] DelegateInvalid),
    /// Of a vote for an amnesty.
    #[error("amnesty: {0}")]
    Amnesty(#[from] AmnestyInvalid),
}

/// Theirs or ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Theirs.
    Invalid(TransactionInvalid),
    /// Ours.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

fn theirs<R: Into<TransactionInvalid>>(reason: R) -> Refused {
    Refused::Invalid(reason.into())
}

/// A body of which the check gives nothing that applying needs.
macro_rules! plain {
    ($stage:expr, $from:expr, $body:expr) => {{
        $body.check($stage, $from).map_err(theirs)?;
        $body.apply($stage, $from)?;
    }};
}

/// Checks a transaction and applies it. A refusal writes nothing (L-1.6).
pub(crate) fn execute(stage: &mut Stage<'_>, signed: &Signed<Transaction>) -> Result<(), Refused> {
    let transaction = signed.body();
    let from = Origin { signer: transaction.signer, id: signed.id(), bytes: signed.bytes() };
    envelope::check(stage, transaction, from).map_err(theirs)?;
    match &transaction.body {
        Body::Stake(body) => plain!(stage, from, body),
        Body::OpenRun(body) => {
            let plan = body.check(stage, from).map_err(theirs)?;
            body.apply(stage, from, plan)?;
        }
        Body::Commit(body) => {
            body.check(stage, from).map_err(theirs)?;
            body.apply(stage)?;
        }
        Body::Base(body) => {
            let plan = body.check(stage, from)?;
            body.apply(stage, plan)?;
        }
        Body::Verdict(body) => {
            let plan = body.check(stage, from).map_err(theirs)?;
            body.apply(stage, from, plan)?;
        }
        Body::Dispute(body) => {
            let plan = body.check(stage, from)?;
            body.apply(stage, from, plan)?;
        }
        Body::Play(body) => {
            let plan = body.check(stage, from).map_err(theirs)?;
            body.apply(stage, from, plan)?;
        }
        Body::Timeout(body) => {
            let plan = body.check(stage).map_err(theirs)?;
            body.apply(stage, plan)?;
        }
        Body::Settle(body) => {
            body.check(stage).map_err(theirs)?;
            body.apply(stage)?;
        }
        Body::Transfer(body) => plain!(stage, from, body),
        Body::Register(body) => plain!(stage, from, body),
        Body::Unbond(body) => plain!(stage, from, body),
        Body::Attest(body) => plain!(stage, from, body),
        Body::Equivocation(body) => {
            let validator = body.check(stage).map_err(theirs)?;
            body.apply(stage, from, validator)?;
        }
        Body::Seal(body) => plain!(stage, from, body),
        Body::Contradiction(body) => {
            let question = body.check(stage).map_err(theirs)?;
            body.apply(stage, question)?;
        }
        Body::Delegate(body) => {
            body.check(stage).map_err(theirs)?;
            body.apply(stage);
        }
        Body::Amnesty(body) => plain!(stage, from, body),
    }
    envelope::apply(stage, transaction)?;
    Ok(())
}
