//! Votes and proposals: what a validator signs. A vote's signed bytes are the ledger's (L-9.4, W-1.1).

use super::types::{Address, BlockId, Height, Value};
use super::{Retrace, Sig};
use borsh::io::{Error, ErrorKind, Read, Result as IoResult, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use malachite_core_types::{self as engine, NilOrVal, Round, SignedExtension, VoteType};
use retrace_ledger::{Height as LedgerHeight, Unchecked, Vote as LedgerVote, VoteKind};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::message;

/// A vote for a block or for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Prevote or precommit.
    pub kind: VoteType,
    /// The block, or none.
    pub block: NilOrVal<BlockId>,
    /// Who votes.
    pub validator: Address,
}

impl Vote {
    /// The vote as the ledger knows it, which is what is signed; none for a vote of no round.
    pub fn ledger(&self, network: Digest) -> Option<LedgerVote> {
        Some(LedgerVote {
            network,
            height: LedgerHeight(self.height.0),
            round: self.round.as_u32()?,
            kind: match self.kind {
                VoteType::Prevote => VoteKind::Prevote,
                VoteType::Precommit => VoteKind::Precommit,
            },
            block: match self.block {
                NilOrVal::Nil => None,
                NilOrVal::Val(BlockId(id)) => Some(id),
            },
            validator: self.validator.0,
        })
    }

    /// A vote with its signature in the ledger's form, as evidence wants it.
    pub fn evidence(&self, network: Digest, signature: Sig) -> Option<Unchecked<LedgerVote>> {
        Some(Unchecked { body: self.ledger(network)?, signature: signature.into() })
    }
}

/// On the wire a vote is the ledger's without the network: every network has channels of its own.
impl BorshSerialize for Vote {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        let round = self.round.as_u32().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        (self.height, round, self.kind, self.block, self.validator).serialize(writer)
    }
}

impl BorshDeserialize for Vote {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Vote> {
        let (height, round) = <(Height, u32)>::deserialize_reader(reader)?;
        let (kind, block, validator) = BorshDeserialize::deserialize_reader(reader)?;
        Ok(Vote { height, round: Round::new(round), kind, block, validator })
    }
}

impl engine::Vote<Retrace> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockId> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<BlockId> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.validator
    }

    // Votes carry no extensions: every height is started with the policy that forbids them.
    fn extension(&self) -> Option<&SignedExtension<Retrace>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Retrace>> {
        None
    }

    fn extend(self, _: SignedExtension<Retrace>) -> Vote {
        self
    }
}

/// A proposal of a value in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The value.
    pub value: Value,
    /// The round in which two thirds prevoted it, if it is proposed again.
    pub pol_round: Round,
    /// Who proposes.
    pub proposer: Address,
}

/// Domain of a proposal's signature.
pub const PROPOSAL_CONTEXT: &str = "retrace v1 proposal";

impl Proposal {
    /// What names the proposal in the sign state: two that differ in anything are two proposals.
    pub fn name(&self, network: &Digest) -> Digest {
        Digest(message(PROPOSAL_CONTEXT, &(network, self)))
    }
}

impl engine::Proposal<Retrace> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}
