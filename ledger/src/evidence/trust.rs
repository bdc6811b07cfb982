//! Whom a reader of evidence trusts: the ledger's word is the word of its validators (L-7.7).

use crate::genesis::{Genesis, GenesisError};
use crate::state::State;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// A validator that a reader trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedValidator {
    /// Its consensus key: what it signs votes with.
    pub key: PeerKey,
    /// Its power, relative to that of the others.
    pub power: u64,
}

/// The validators of one network that a reader trusts, for the time of the block that he reads of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    network: Digest,
    validators: Vec<TrustedValidator>,
    total: u64,
    is_genesis: bool,
}

/// Validators that cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not strictly ascending.
    #[error("the trusted validators are not strictly ascending by key at position {position}")]
    Order {
        /// Position of the first one out of order.
        position: usize,
    },
    /// Nothing is more than two thirds of nothing.
    #[error("the trusted validators have no power")]
    None,
    /// Above 64 bits.
    #[error("the power of the trusted validators does not fit 64 bits")]
    Power,
    /// The genesis is none.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
}

impl Trust {
    /// Those of genesis with their stakes there: as good as the network's own for as long as they are the same.
    pub fn genesis(genesis: &Genesis) -> Result<Trust, TrustError> {
        let set = State::genesis(genesis)?.validators();
        let of = |v: &crate::Validator| TrustedValidator { key: v.consensus, power: v.power };
        let mut validators: Vec<TrustedValidator> = set.iter().map(of).collect();
        validators.sort_by_key(|validator| validator.key);
        Ok(Trust { is_genesis: true, ..Trust::set(genesis.network(), validators)? })
    }

    /// Those that the reader names, strictly ascending by key.
    pub fn set(network: Digest, validators: Vec<TrustedValidator>) -> Result<Trust, TrustError> {
        if let Some(at) = validators.windows(2).position(|pair| pair[0].key >= pair[1].key) {
            return Err(TrustError::Order { position: at + 1 });
        }
        let total = validators.iter().try_fold(0u64, |sum, validator| sum.checked_add(validator.power));
        match total.ok_or(TrustError::Power)? {
            0 => Err(TrustError::None),
            total => Ok(Trust { network, validators, total, is_genesis: false }),
        }
    }

    /// The network.
    pub fn network(&self) -> Digest {
        self.network
    }

    /// True for the validators of genesis.
    pub fn is_genesis(&self) -> bool {
        self.is_genesis
    }

    /// The validators, ascending by key.
    pub fn validators(&self) -> &[TrustedValidator] {
        &self.validators
    }

    /// The power of a key; none for one that is not trusted.
    pub fn power(&self, key: &PeerKey) -> Option<u64> {
        let at = self.validators.binary_search_by_key(key, |validator| validator.key).ok()?;
        self.validators.get(at).map(|validator| validator.power)
    }

    /// The power of all of them.
    pub fn total_power(&self) -> u64 {
        self.total
    }
}
