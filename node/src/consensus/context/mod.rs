//! The engine's view of this ledger: its types, filled in with ours.

mod part;
mod scheme;
mod timeouts;
mod types;
mod validators;
mod vote;

use malachite_core_types::{Context, NilOrVal, Round, VoteType};

pub use part::{Init, PART_BYTES, Part, PartRefused};
pub use scheme::{Sig, StrictEd25519};
pub use timeouts::{HEARTBEAT, INTERVAL, Timeouts};
pub use types::{Address, BlockId, Height, Value};
pub use validators::{Validator, ValidatorSet};
pub use vote::{PROPOSAL_CONTEXT, Proposal, Vote};

/// The context.
#[derive(Clone, Copy, Debug)]
pub struct Retrace;

impl Context for Retrace {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = Timeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = StrictEd25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        validators::select(set, height, round)
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, proposer }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<BlockId>,
        validator: Address,
    ) -> Vote {
        Vote { height, round, kind: VoteType::Prevote, block, validator }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<BlockId>,
        validator: Address,
    ) -> Vote {
        Vote { height, round, kind: VoteType::Precommit, block, validator }
    }
}
