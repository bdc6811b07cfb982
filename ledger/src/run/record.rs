//! What the ledger remembers of runs, rounds, claims, verdicts and disputes (L-5.1).

use super::answer::Answered;
use super::clock::Clock;
use super::terms::RunTerms;
use crate::amount::{Amount, Height, Moment};
use crate::beacon::Beacon;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Outcome, ProgramPins, Unit};

/// A run as it was opened; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Run {
    /// Who pays.
    pub sponsor: PeerKey,
    /// The terms.
    pub terms: RunTerms,
    /// Pins of its programs, derived at the opening.
    pub pins: ProgramPins,
    /// Height of the opening.
    pub opened_at: Height,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Phase {
    /// The next round opens at this height, or at the first one with a trainer to assign.
    Opening(Height),
    /// Trainers work.
    Training,
    /// The round is closed and drawn at this height.
    Drawing(Height),
    /// Verdicts and disputes.
    Auditing,
    /// What is accepted is fixed; the next base is claimed and audited.
    Merging,
    /// The last round is merged; earlier ones are not over yet.
    Closing,
    /// Nothing more happens.
    Finished,
}

/// What changes about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Progress {
    /// Phase.
    pub phase: Phase,
    /// The current round.
    pub round: u32,
    /// The oldest round that is not over.
    pub oldest: u32,
    /// The accepted base that the next round starts from; the run's head.
    pub base: Digest,
    /// The round whose merge made it; none for the initial one.
    pub parent: Option<u32>,
    /// What is left of the sponsor's value.
    pub escrow: Amount,
}

/// A slot of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Slot {
    /// Its trainer; none when there were fewer trainers than slots.
    pub trainer: Option<PeerKey>,
    /// Its commitment.
    pub commitment: Option<Digest>,
}

/// Why a round's base is not one that anything goes on from (L-5.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Taint {
    /// The convicted commitment whose delta is in its base; the first one, if there are several.
    pub by: Digest,
    /// Its trainers are paid for what was verified before this height.
    pub accused_at: Height,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// The base that it starts from.
    pub base: Digest,
    /// The round whose merge made it; none for the initial one.
    pub parent: Option<u32>,
    /// Data order.
    pub beacon: Beacon,
    /// When it opened.
    pub opened: Moment,
    /// Commitments are accepted until this is past.
    pub deadline: Moment,
    /// Slots.
    pub slots: Vec<Slot>,
    /// When it closed.
    pub closed_at: Option<Height>,
    /// Commitments whose deltas it merges, in slot order; none before that is fixed.
    pub merged: Vec<Digest>,
    /// The standing claim of the next base.
    pub standing: Option<Digest>,
    /// Set when a lie is proved in what its base was made from.
    pub taint: Option<Taint>,
}

/// Whether a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ClaimStatus {
    /// Nothing is decided; it can be disputed.
    Open,
    /// A base that contradicts the standing one; their dispute decides.
    Rival,
    /// Its window is over: it is final.
    Verified,
    /// A dispute proved it wrong.
    Convicted {
        /// Which.
        dispute: Digest,
    },
    /// A rival whose dispute was lost or overtaken: never judged.
    Withdrawn,
    /// A commitment that too few validators attested to in time: never judged.
    Void,
}

/// The draw for a claim.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Audit {
    /// The beacon of the draw.
    pub beacon: Beacon,
    /// Verifiers that could be drawn, ascending.
    pub verifiers: Vec<PeerKey>,
    /// Drawn units.
    pub units: Vec<Unit>,
    /// The states that they start from have to be attested until this is past.
    pub published_by: Moment,
    /// The window is over when this is past: a window from the draw, or from when those states were attested.
    pub deadline: Moment,
}

/// A segment or a base that somebody signed and answers for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimRecord {
    /// The claim.
    pub claim: Claim,
    /// Its run.
    pub run: Digest,
    /// The round that it ends: a commitment's own, for a base the one before it.
    pub round: u32,
    /// Locked stake of its signer.
    pub lock: Amount,
    /// Status.
    pub status: ClaimStatus,
    /// When it was verified.
    pub verified_at: Option<Height>,
    /// When it was first accused: by a mismatch verdict of a drawn verifier or by a dispute.
    pub accused_at: Option<Height>,
    /// Height at which a base is drawn.
    pub draw_at: Option<Height>,
    /// The draw, once there was one.
    pub audit: Option<Audit>,
    /// Disputes over it that have not ended, queued or played, in order of opening.
    pub disputes: Vec<Digest>,
}

/// What a verifier found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum VerdictResult {
    /// The claimed roots are right.
    Match,
    /// They are not.
    Mismatch,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VerdictRecord {
    /// Whose.
    pub verifier: PeerKey,
    /// What it found.
    pub result: VerdictResult,
    /// Plain trace root of its replay.
    pub trace_root: Digest,
    /// True when the verifier was drawn for this unit.
    pub drawn: bool,
    /// When it was given: a mismatch of a drawn verifier is an accusation from then on (L-5.11).
    pub at: Height,
}

/// How far a dispute is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisputeStatus {
    /// Moves are due.
    Open,
    /// Played out or timed out.
    Ended(Outcome),
    /// Another dispute proved the claim wrong first: the bond is back.
    Overtaken {
        /// Which.
        by: Digest,
    },
    /// It waits for a place among the disputes that its accused plays at once.
    Queued,
    /// The accused gave two answers to one question, the second of them in this dispute.
    Contradicted,
}

/// Since when an accusation stands: the earliest one gets the bounty (L-5.11). At one height verdicts come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Precedence {
    /// Height of the mismatch verdict, of the seal, or of the rival base.
    pub height: Height,
    /// False for a verdict.
    pub sealed: bool,
}

/// A dispute's accounts; its moves are in the [`retrace_verifier::Game`] of the same id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DisputeRecord {
    /// Run.
    pub run: Digest,
    /// Disputed claim.
    pub claim: Digest,
    /// Disputed unit.
    pub unit: Unit,
    /// Who signed it.
    pub accused: PeerKey,
    /// Who disputes it.
    pub challenger: PeerKey,
    /// Locked stake of the challenger.
    pub bond: Amount,
    /// The challenger's own base claim, when the dispute came from it.
    pub rival: Option<Digest>,
    /// Opened at.
    pub opened: Moment,
    /// Since when the accusation stands.
    pub precedence: Precedence,
    /// Started at; none while it is queued.
    pub started: Option<Moment>,
    /// The challenger's clock; the accused has one for the claim.
    pub clock: Clock,
    /// What the accused answered in it that another dispute over the unit may ask too.
    pub answers: Vec<Answered>,
    /// Status.
    pub status: DisputeStatus,
    /// Bytes of the judging transaction; 0 before.
    pub judging_bytes: u32,
}

impl Round {
    /// The commitments in its slots, in their order.
    pub fn commitments(&self) -> impl Iterator<Item = Digest> {
        self.slots.iter().filter_map(|slot| slot.commitment)
    }
}

impl DisputeStatus {
    /// True while it is queued or played.
    pub fn is_pending(&self) -> bool {
        matches!(self, DisputeStatus::Open | DisputeStatus::Queued)
    }
}

impl ClaimRecord {
    /// Who answers for it.
    pub fn signer(&self) -> PeerKey {
        self.claim.signer()
    }

    /// True while nothing is decided about it.
    pub fn is_open(&self) -> bool {
        self.status == ClaimStatus::Open
    }

    /// True for a segment.
    pub fn is_segment(&self) -> bool {
        matches!(self.claim, Claim::Segment(_))
    }
}
