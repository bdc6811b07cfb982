//! What happened in a block, for those who watch: nothing here is read by a rule (L-8.4).

use crate::amount::{Amount, Height, Moment};
use crate::genesis::Role;
use crate::keys::RegisteredKeys;
use crate::run::{AttestedPart, ClaimStatus, VerdictResult};
use crate::vote::VoteKind;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::game::{MoveKind, Question};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Finding, Side, Unit};

/// Why stake was slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SlashReason {
    /// A dispute proved the claim wrong.
    Lie,
    /// The accused of a dispute let its clock run out.
    Silence,
    /// A match verdict on a unit that was disproved.
    FalseVerdict,
    /// The challenger of a dispute lost it.
    FalseChallenge,
    /// The accused gave two answers to one question.
    Contradiction,
}

/// Why somebody was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RewardReason {
    /// A verified segment.
    Segment,
    /// A segment that was verified before the accusation that tainted its round.
    Insured,
    /// A verdict that the outcome agrees with.
    Verdict,
    /// A proved lie.
    Bounty,
    /// Half the bond of a challenger that lost.
    Defense,
    /// What a finished run did not need.
    Refund,
}

/// How a dispute ended.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Ending {
    /// The referee judged.
    Judged {
        /// Who won.
        winner: Side,
        /// The wrong element or term, when the challenger won.
        finding: Option<Finding>,
    },
    /// A clock ran out.
    TimedOut {
        /// Who won.
        winner: Side,
    },
    /// Another dispute proved the claim wrong first.
    Overtaken {
        /// Which.
        by: Digest,
    },
    /// The accused gave another answer than before: it lost.
    Contradicted,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Event {
    /// Stake was bonded.
    Staked {
        /// Whose.
        peer: PeerKey,
        /// How much.
        amount: Amount,
    },
    /// A run was opened.
    RunOpened {
        /// Run.
        run: Digest,
        /// Who pays.
        sponsor: PeerKey,
        /// Base of round 0.
        base: Digest,
        /// Value put aside.
        escrow: Amount,
    },
    /// A round opened.
    RoundOpened {
        /// Run.
        run: Digest,
        /// Round.
        round: u32,
        /// The base that it starts from.
        base: Digest,
        /// Data order.
        beacon: [u8; 32],
        /// Trainer of each slot.
        assignments: Vec<Option<PeerKey>>,
    },
    /// A trainer committed.
    Committed {
        /// Run.
        run: Digest,
        /// Round.
        round: u32,
        /// Slot.
        slot: u16,
        /// Trainer.
        trainer: PeerKey,
        /// The commitment's id.
        commitment: Digest,
    },
    /// An assigned slot had no commitment when the round closed.
    SlotMissed {
        /// Run.
        run: Digest,
        /// Round.
        round: u32,
        /// Slot.
        slot: u16,
        /// Trainer.
        trainer: PeerKey,
    },
    /// A round closed.
    RoundClosed {
        /// Run.
        run: Digest,
        /// Round.
        round: u32,
        /// Commitments in it.
        commitments: u16,
    },
    /// A claim's units were drawn.
    Drawn {
        /// Run.
        run: Digest,
        /// Round.
        round: u32,
        /// Commitment or base claim.
        claim: Digest,
        /// Drawn units.
        units: Vec<Unit>,
        /// Drawn verifiers of each unit.
        verifiers: Vec<Vec<PeerKey>>,
    },
    /// A verifier gave a verdict.
    Verdict {
        /// Claim.
        claim: Digest,
        /// Unit.
        unit: Unit,
        /// Whose.
        verifier: PeerKey,
        /// What it found.
        result: VerdictResult,
    },
    /// A dispute was opened.
    DisputeOpened {
        /// Dispute.
        dispute: Digest,
        /// Run.
        run: Digest,
        /// Claim.
        claim: Digest,
        /// Unit.
        unit: Unit,
        /// Who signed it.
        accused: PeerKey,
        /// Who disputes it.
        challenger: PeerKey,
    },
    /// A move was played.
    Moved {
        /// Dispute.
        dispute: Digest,
        /// Number of the move.
        number: u16,
        /// Who moved.
        side: Side,
        /// What kind of move.
        kind: MoveKind,
        /// Bytes of the move with its signature.
        bytes: u64,
    },
    /// A dispute ended.
    DisputeEnded {
        /// Dispute.
        dispute: Digest,
        /// How.
        ending: Ending,
        /// Moves played.
        moves: u16,
        /// Bytes of all moves.
        posted_bytes: u64,
        /// Bytes of the judging transaction; 0 when there was none.
        judging_bytes: u32,
    },
    /// A claim was decided.
    Settled {
        /// Run.
        run: Digest,
        /// Claim.
        claim: Digest,
        /// Verified or convicted.
        status: ClaimStatus,
    },
    /// Stake was slashed.
    Slashed {
        /// Whose.
        peer: PeerKey,
        /// For which claim.
        claim: Digest,
        /// And which unit of it.
        unit: Unit,
        /// How much.
        amount: Amount,
        /// Why.
        reason: SlashReason,
        /// The part that was not burned.
        bounty: Amount,
    },
    /// Somebody was paid.
    Rewarded {
        /// Run.
        run: Digest,
        /// Who.
        peer: PeerKey,
        /// How much.
        amount: Amount,
        /// Why.
        reason: RewardReason,
    },
    /// A base was claimed.
    BasePosted {
        /// Run.
        run: Digest,
        /// The round that starts from it.
        round: u32,
        /// The claim's id.
        claim: Digest,
        /// The claimed root.
        root: Digest,
        /// Who claims it.
        poster: PeerKey,
        /// False when it contradicts the standing claim.
        standing: bool,
    },
    /// A commitment that was merged is convicted: what was made from its merge is tainted.
    Tainted {
        /// Run.
        run: Digest,
        /// The commitment.
        claim: Digest,
        /// Its round: its base is clean, its merge is not taken.
        round: u32,
        /// The tainted rounds.
        rounds: Vec<u32>,
        /// Trainers of these are paid for what was verified before this height.
        accused_at: Height,
        /// The run's head, after it returned if it had to.
        head: Digest,
    },
    /// The round of a verified commitment of an optimistic run is over: it is paid for, or is not because of a taint.
    Decided {
        /// Run.
        run: Digest,
        /// The commitment.
        claim: Digest,
        /// Its trainer.
        trainer: PeerKey,
        /// What that gets; the reward itself follows, if there is one.
        paid: Amount,
    },
    /// A base was accepted: the run's new head.
    BaseAccepted {
        /// Run.
        run: Digest,
        /// The round that starts from it.
        round: u32,
        /// The root.
        root: Digest,
    },
    /// A run is finished.
    RunFinished {
        /// Run.
        run: Digest,
        /// The last accepted base.
        head: Digest,
    },
    /// A validator did not propose when it was its turn.
    PassedOver {
        /// The validator's account.
        validator: PeerKey,
        /// Up to this height it stands at the end of the order.
        absent_until: Height,
    },
    /// A validator signed two votes that contradict each other.
    Equivocated {
        /// The validator's account.
        validator: PeerKey,
        /// Height of the votes.
        height: Height,
        /// Their round.
        round: u32,
        /// Their kind.
        kind: VoteKind,
        /// What it cost: all of it is burned.
        amount: Amount,
        /// Who showed them.
        reporter: PeerKey,
    },
    /// Balance went to another account.
    Transferred {
        /// Whose.
        from: PeerKey,
        /// To whom.
        to: PeerKey,
        /// How much.
        amount: Amount,
    },
    /// An account took a role and registered keys.
    Registered {
        /// Whose.
        peer: PeerKey,
        /// The role.
        role: Role,
        /// The keys.
        keys: Option<RegisteredKeys>,
        /// From this height on they count.
        in_force: Height,
    },
    /// Stake is on its way back to a balance.
    Unbonding {
        /// Whose.
        peer: PeerKey,
        /// How much more.
        amount: Amount,
        /// All that is on its way is there when this is past.
        until: Moment,
    },
    /// Stake is back in a balance.
    Unbonded {
        /// Whose.
        peer: PeerKey,
        /// How much.
        amount: Amount,
    },
    /// A validator attested to a part of a commitment.
    Attested {
        /// Run.
        run: Digest,
        /// Commitment.
        claim: Digest,
        /// Part.
        part: AttestedPart,
        /// The validator's account.
        validator: PeerKey,
        /// True for the one with which more than two thirds of the power was reached.
        suffices: bool,
    },
    /// A commitment is void: too few validators attested to a part of it in time.
    Voided {
        /// Run.
        run: Digest,
        /// Commitment.
        claim: Digest,
        /// Whose.
        trainer: PeerKey,
        /// The part.
        part: AttestedPart,
        /// The part of its lock that was burned; the rest is free.
        burned: Amount,
    },
    /// A dispute has a place: its clocks run.
    DisputeStarted {
        /// Dispute.
        dispute: Digest,
        /// Claim.
        claim: Digest,
    },
    /// Somebody will dispute something.
    Sealed {
        /// Who.
        peer: PeerKey,
        /// The seal.
        seal: Digest,
    },
    /// The accused signed two answers to one question.
    Contradicted {
        /// Claim.
        claim: Digest,
        /// Unit.
        unit: Unit,
        /// Who signed both.
        accused: PeerKey,
        /// Dispute of one answer.
        first: Digest,
        /// Dispute of the other.
        second: Digest,
        /// The question.
        question: Question,
    },
    /// So much of the trainers' stake was convicted that the slashes of a run are deferred from here on.
    BreakerOn {
        /// Run.
        run: Digest,
        /// Locks of the convictions that count.
        slashed: Amount,
        /// The trainers' stake.
        stake: Amount,
        /// It is off when this is past.
        until: Moment,
    },
    /// A slash is due, and waits.
    SlashDeferred {
        /// Run.
        run: Digest,
        /// Its number in the run.
        number: u32,
        /// Whose.
        peer: PeerKey,
        /// For which claim.
        claim: Digest,
        /// And which unit of it.
        unit: Unit,
        /// How much is locked for it.
        amount: Amount,
        /// Why.
        reason: SlashReason,
    },
    /// A validator voted for an amnesty.
    AmnestyVoted {
        /// Run.
        run: Digest,
        /// The validator's account.
        validator: PeerKey,
        /// What is to be excused.
        name: String,
        /// True for the one with which more than two thirds of the power was reached.
        suffices: bool,
    },
    /// A deferred slash will not be executed.
    SlashForgiven {
        /// Run.
        run: Digest,
        /// Its number in the run.
        number: u32,
        /// Whose.
        peer: PeerKey,
        /// How much is free again.
        amount: Amount,
        /// Under which name.
        name: String,
    },
    /// The slashes of a run are no longer deferred.
    BreakerOff {
        /// Run.
        run: Digest,
        /// How many were executed.
        executed: u32,
    },
    /// An account's delegation counts from now on; evidence needs it with its signature.
    Delegated {
        /// The delegation.
        signed: SignedDelegation,
    },
}
