//! One change of what an account is worth, with all that explains it (W-3.8).

use retrace_ledger::{Amount, RewardReason, SlashReason};
use retrace_verifier::digest::Digest;
use retrace_verifier::game::MoveKind;
use retrace_verifier::game::Question;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Side, Unit};

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Paid.
    Reward(RewardReason),
    /// Slashed; the bounty is the part that was not burned.
    Slash {
        /// Why.
        reason: SlashReason,
        /// The part that went to somebody.
        bounty: Amount,
    },
    /// Burned because it signed two votes that contradict each other.
    Equivocated,
    /// Another account sent it.
    Received {
        /// Which.
        from: PeerKey,
    },
    /// Another account got it.
    Sent {
        /// Which.
        to: PeerKey,
    },
    /// A run was opened: put aside for it.
    Escrowed,
    /// A commitment that nobody could fetch: the fixed cost of it.
    Voided,
    /// A verified commitment in a tainted round that gets nothing.
    Unpaid,
    /// Balance became stake.
    Bonded,
    /// Stake began its way back.
    Unbonding,
    /// Stake came back to the balance.
    Unbonded,
}

/// What a change does to balance and stake together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// More.
    Adds,
    /// Less.
    Takes,
    /// As much as before, elsewhere.
    Moves,
}

impl Change {
    /// What it does to balance and stake together.
    pub fn effect(&self) -> Effect {
        match self {
            Change::Reward(_) | Change::Received { .. } => Effect::Adds,
            Change::Slash { .. }
            | Change::Equivocated
            | Change::Sent { .. }
            | Change::Escrowed
            | Change::Voided => Effect::Takes,
            Change::Unpaid | Change::Bonded | Change::Unbonding | Change::Unbonded => Effect::Moves,
        }
    }

    /// Its name on the door.
    pub fn name(&self) -> &'static str {
        match self {
            Change::Reward(_) => "reward",
            Change::Slash { .. } | Change::Equivocated => "slash",
            Change::Received { .. } => "received",
            Change::Sent { .. } => "sent",
            Change::Escrowed => "escrowed",
            Change::Voided => "voided",
            Change::Unpaid => "unpaid",
            Change::Bonded => "bonded",
            Change::Unbonding => "unbonding",
            Change::Unbonded => "unbonded",
        }
    }

    /// Why, where the ledger says.
    pub fn reason(&self) -> Option<String> {
        match self {
            Change::Reward(reason) => Some(format!("{reason:?}")),
            Change::Slash { reason, .. } => Some(format!("{reason:?}")),
            Change::Equivocated => Some("Equivocation".into()),
            Change::Unpaid => Some("Tainted".into()),
            _ => None,
        }
    }

    /// True for stake that was slashed.
    pub fn is_slash(&self) -> bool {
        matches!(self, Change::Slash { .. } | Change::Equivocated)
    }

    /// The other account, where there is one.
    pub fn other(&self) -> Option<PeerKey> {
        match self {
            Change::Received { from: other } | Change::Sent { to: other } => Some(*other),
            _ => None,
        }
    }
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Height of the block.
    pub height: u64,
    /// Position of the event in it: with the height, the change's name.
    pub position: u32,
    /// Whose account.
    pub account: PeerKey,
    /// How much.
    pub amount: Amount,
    /// What.
    pub change: Change,
    /// The run.
    pub run: Option<Digest>,
    /// The round.
    pub round: Option<u32>,
    /// The claim.
    pub claim: Option<Digest>,
    /// The unit.
    pub unit: Option<Unit>,
    /// The dispute that decided it.
    pub dispute: Option<Digest>,
}

/// A move of a dispute, as it was seen in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveNote {
    /// Height of the block.
    pub height: u64,
    /// Number of the move.
    pub number: u16,
    /// Who moved.
    pub side: Side,
    /// What kind of move.
    pub kind: MoveKind,
    /// Its bytes.
    pub bytes: u64,
}

/// That a dispute convicted its claim by two answers of the accused, as it was seen in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContradictionNote {
    /// Height of the block.
    pub height: u64,
    /// Dispute of the other answer.
    pub first: Digest,
    /// What both answer.
    pub question: Question,
}
