//! Certificates: more than two thirds of a height's power precommitted one block (L-9.5).

use crate::amount::Height;
use crate::envelope::Signable;
use crate::validators::ValidatorSet;
use crate::vote::{Vote, VoteKind};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError, verify};

/// One validator's precommit; what it signed follows from the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CommitSignature {
    /// The validator's consensus key.
    pub validator: PeerKey,
    /// Its signature of the vote.
    pub signature: Signature,
}

/// Why a block is final.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// Height.
    pub height: Height,
    /// The round in which it was agreed.
    pub round: u32,
    /// Id of the block.
    pub block: Digest,
    /// Precommits, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// A certificate that shows nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateInvalid {
    /// Another height's.
    #[error("the certificate is of height {found}, not of {expected}")]
    Height {
        /// The height of the validators.
        expected: Height,
        /// The certificate's.
        found: Height,
    },
    /// Another block's.
    #[error("the certificate is another block's")]
    Block,
    /// Not in order, or twice the same.
    #[error("the signatures are not strictly ascending by validator at position {position}")]
    Order {
        /// Position of the first one out of order.
        position: usize,
    },
    /// Somebody else signed.
    #[error("{validator} is no validator of this height")]
    UnknownValidator {
        /// Who.
        validator: PeerKey,
    },
    /// A signature does not verify.
    #[error("precommit: {0}")]
    Signature(SignatureError),
    /// Too few.
    #[error("a power of {found} signed, more than two thirds of {total} are needed")]
    Power {
        /// Power of those that signed.
        found: u64,
        /// Power of all.
        total: u64,
    },
}

impl Certificate {
    /// Checks it against the validators of its height.
    pub fn check(&self, network: &Digest, set: &ValidatorSet) -> Result<(), CertificateInvalid> {
        self.check_of(&self.block, network, set)
    }

    /// Checks that it is this block's.
    pub fn check_of(
        &self,
        block: &Digest,
        network: &Digest,
        set: &ValidatorSet,
    ) -> Result<(), CertificateInvalid> {
        if self.height != set.height() {
            return Err(CertificateInvalid::Height { expected: set.height(), found: self.height });
        }
        let power = |key: &PeerKey| set.by_consensus(key).map(|validator| validator.power);
        self.check_power(block, network, power, set.total_power())
    }

    /// Checks that it is this block's, against keys that have a power; `total` is the power of all of them.
    pub(crate) fn check_power(
        &self,
        block: &Digest,
        network: &Digest,
        power: impl Fn(&PeerKey) -> Option<u64>,
        total: u64,
    ) -> Result<(), CertificateInvalid> {
        if self.block != *block {
            return Err(CertificateInvalid::Block);
        }
        let pairs = self.signatures.windows(2);
        if let Some(at) = pairs.into_iter().position(|pair| pair[0].validator >= pair[1].validator) {
            return Err(CertificateInvalid::Order { position: at + 1 });
        }
        // All are known before any is verified: at most as many signatures are checked as there are validators.
        let known = |signed: &CommitSignature| {
            let validator = signed.validator;
            power(&validator).ok_or(CertificateInvalid::UnknownValidator { validator })
        };
        let powers: Vec<u64> = self.signatures.iter().map(known).collect::<Result<_, _>>()?;
        for signed in &self.signatures {
            let vote = self.vote(network, signed.validator);
            verify(&signed.validator, Vote::SIGNATURE_CONTEXT, &vote, &signed.signature)
                .map_err(CertificateInvalid::Signature)?;
        }
        let found = powers.into_iter().fold(0, u64::saturating_add);
        if u128::from(found) * 3 > u128::from(total) * 2 {
            return Ok(());
        }
        Err(CertificateInvalid::Power { found, total })
    }

    /// What a validator signed if it is in this certificate.
    pub fn vote(&self, network: &Digest, validator: PeerKey) -> Vote {
        Vote {
            network: *network,
            height: self.height,
            round: self.round,
            kind: VoteKind::Precommit,
            block: Some(self.block),
            validator,
        }
    }
}
