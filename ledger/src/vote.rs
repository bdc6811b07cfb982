//! Votes: what a validator signs in a round of agreement on a height (L-9.4).

use crate::amount::Height;
use crate::envelope::Signable;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// The two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum VoteKind {
    /// The proposal is acceptable.
    Prevote,
    /// Two thirds found it so.
    Precommit,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Network.
    pub network: Digest,
    /// Height.
    pub height: Height,
    /// Round of agreement; a training round is another thing.
    pub round: u32,
    /// Which of the two.
    pub kind: VoteKind,
    /// Id of the block; none for "no block in this round".
    pub block: Option<Digest>,
    /// The validator's consensus key, which signs.
    pub validator: PeerKey,
}

impl Signable for Vote {
    const SIGNATURE_CONTEXT: &'static str = "retrace v1 vote";
    const ID_CONTEXT: &'static str = "retrace v1 vote id";

    fn signer(&self) -> PeerKey {
        self.validator
    }
}

impl Vote {
    /// True when an honest validator signs at most one of the two, because it votes once in a place (L-9.6).
    pub fn contradicts(&self, other: &Vote) -> bool {
        let place = |vote: &Vote| (vote.network, vote.height, vote.round, vote.kind, vote.validator);
        place(self) == place(other) && self.block != other.block
    }
}
