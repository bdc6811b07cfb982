//! Genesis: who holds what when a network begins, and its parameters (L-2.2).

use crate::amount::Amount;
use crate::econ::PPM;
use crate::keys::{Proposer, RegisteredKeys};
use crate::limits::{ACCOUNTS_MAX, BLOCK_CREDIT_MS_MAX, NAME_BYTES_MAX};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, message};

/// What an account is there for. Trainers are assigned slots, verifiers are drawn; the others are labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Role {
    /// Opens runs.
    Sponsor,
    /// Trains.
    Trainer,
    /// Replays drawn units.
    Verifier,
    /// Watches and disputes.
    Auditor,
}

/// An account at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisAccount {
    /// Stake key: the account's name.
    pub key: PeerKey,
    /// Free balance.
    pub balance: Amount,
    /// Bonded stake.
    pub bonded: Amount,
    /// Role.
    pub role: Role,
    /// The account's other keys.
    pub registered: Option<RegisteredKeys>,
}

/// Parameters of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Most time that a block credits, whatever its timestamp.
    pub block_credit_ms: u32,
    /// Share of a verifier's free stake that a match verdict on a disproved unit costs.
    pub false_verdict_ppm: u32,
}

impl Default for Params {
    fn default() -> Params {
        Params { block_credit_ms: BLOCK_CREDIT_MS_MAX, false_verdict_ppm: 100_000 }
    }
}

/// The beginning of a network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Name: lowercase letters, digits and dashes.
    pub name: String,
    /// Dishonest strategies exist only where this is set. The ledger carries it and does not read it.
    pub test_network: bool,
    /// Time of genesis, milliseconds since 1970.
    pub time_ms: u64,
    /// Who proposes every block.
    pub proposer: Proposer,
    /// Accounts, ascending by key.
    pub accounts: Vec<GenesisAccount>,
    /// Parameters.
    pub params: Params,
}

/// A genesis that no network can begin with, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The name is empty, too long or has other letters.
    #[error("the name must be 1 to {NAME_BYTES_MAX} lowercase letters, digits and dashes")]
    Name,
    /// The proposer's VRF key is none.
    #[error("the proposer's VRF key is no key")]
    ProposerKey,
    /// Too many accounts, or none.
    #[error("{found} accounts, there must be 1 to {ACCOUNTS_MAX}")]
    AccountCount {
        /// How many.
        found: usize,
    },
    /// Accounts are not strictly ascending by key.
    #[error("accounts are not strictly ascending by key at position {position}")]
    AccountOrder {
        /// Position of the first one out of order.
        position: usize,
    },
    /// An account's VRF key is none.
    #[error("the VRF key of account {position} is no key")]
    AccountKey {
        /// Position of the account.
        position: usize,
    },
    /// All value does not fit 64 bits.
    #[error("the sum of all value does not fit 64 bits")]
    Total,
    /// A block credits no time, or more than the limit.
    #[error("a block must credit 1 to {BLOCK_CREDIT_MS_MAX} ms")]
    BlockCredit,
    /// A rate above one.
    #[error("the cost of a false verdict is above one")]
    FalseVerdict,
}

impl Genesis {
    /// The network's id: a hash of everything here.
    pub fn network(&self) -> Digest {
        Digest(message("retrace v1 network", self))
    }

    /// All value there will ever be; none if it does not fit.
    pub fn total(&self) -> Option<Amount> {
        self.accounts.iter().try_fold(Amount::ZERO, |sum, a| sum.plus(a.balance)?.plus(a.bonded))
    }

    /// Checks it.
    pub fn check(&self) -> Result<(), GenesisError> {
        let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=NAME_BYTES_MAX).contains(&self.name.len()) || !self.name.bytes().all(is_letter) {
            return Err(GenesisError::Name);
        }
        if !self.proposer.vrf.is_valid() {
            return Err(GenesisError::ProposerKey);
        }
        let found = self.accounts.len();
        if !(1..=ACCOUNTS_MAX).contains(&found) {
            return Err(GenesisError::AccountCount { found });
        }
        if let Some(at) = self.accounts.windows(2).position(|pair| pair[0].key >= pair[1].key) {
            return Err(GenesisError::AccountOrder { position: at + 1 });
        }
        let has_bad_key = |a: &GenesisAccount| a.registered.is_some_and(|r| !r.vrf.is_valid());
        if let Some(position) = self.accounts.iter().position(has_bad_key) {
            return Err(GenesisError::AccountKey { position });
        }
        if self.total().is_none() {
            return Err(GenesisError::Total);
        }
        if !(1..=BLOCK_CREDIT_MS_MAX).contains(&self.params.block_credit_ms) {
            return Err(GenesisError::BlockCredit);
        }
        if self.params.false_verdict_ppm > PPM {
            return Err(GenesisError::FalseVerdict);
        }
        Ok(())
    }
}
