//! What the ledger remembers of runs, rounds, claims, verdicts and disputes (L-5.1).

use super::terms::RunTerms;
use crate::amount::{Amount, Height, Moment, Span};
use crate::beacon::Beacon;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Outcome, ProgramPins, Side, Unit};

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
    /// All segments are decided; the next base is claimed and audited.
    Merging,
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
    /// The accepted base that the current round starts from; the run's head.
    pub base: Digest,
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

/// A round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// The base that it starts from.
    pub base: Digest,
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
    /// The standing claim of the next base.
    pub standing: Option<Digest>,
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
    /// Height at which a base is drawn.
    pub draw_at: Option<Height>,
    /// The draw, once there was one.
    pub audit: Option<Audit>,
    /// Open disputes over it.
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
}

/// The chess clocks of a dispute: each side has one budget for all its moves (L-3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clocks {
    /// Budget of each side.
    pub budget: Span,
    /// What the accused has used in its earlier moves.
    pub accused: Span,
    /// What the challenger has used in its earlier moves.
    pub challenger: Span,
    /// Since when the side to move is to move.
    pub since: Moment,
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
    /// Clocks.
    pub clocks: Clocks,
    /// Status.
    pub status: DisputeStatus,
    /// Bytes of the judging transaction; 0 before.
    pub judging_bytes: u32,
}

impl Clocks {
    /// Full clocks, running from `now`.
    pub fn start(budget: Span, now: Moment) -> Clocks {
        Clocks { budget, accused: Span::default(), challenger: Span::default(), since: now }
    }

    /// What a side has used up to `now`, being to move.
    pub fn used(&self, side: Side, now: Moment) -> Span {
        let before = match side {
            Side::Accused => self.accused,
            Side::Challenger => self.challenger,
        };
        before.plus(now.since(self.since))
    }

    /// True when the side to move has used more than its budget, in heights **and** in credited time.
    pub fn has_expired(&self, side: Side, now: Moment) -> bool {
        self.used(side, now).exceeds(self.budget)
    }

    /// Stops the clock of the side that moved and starts the next turn.
    pub fn press(&mut self, side: Side, now: Moment) {
        let used = self.used(side, now);
        match side {
            Side::Accused => self.accused = used,
            Side::Challenger => self.challenger = used,
        }
        self.since = now;
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
