//! Genesis: who holds what when a network begins, and its parameters (L-2.2).

use crate::amount::{Amount, Span};
use crate::econ::PPM;
use crate::keys::RegisteredKeys;
use crate::limits::{
    ACCOUNTS_MAX, BLOCK_CREDIT_MS_MAX, BREAKER_WINDOW, KEY_DELAY, NAME_BYTES_MAX, SPAN_MAX, SPAN_MIN,
};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, message};
use std::collections::BTreeSet;

/// What an account is there for. Trainers are assigned slots, verifiers are drawn, validators vote; the others are
/// labels.
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
    /// Proposes blocks and votes on them.
    Validator,
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
    /// Heights before a role and keys that were registered after genesis are in force.
    pub key_delay: u32,
    /// From the unbonding of stake to its release.
    pub unbond_span: Span,
    /// From a draw to the end of the time in which validators attest to what was drawn.
    pub attest_span: Span,
    /// Share of a validator's stake that two contradicting votes cost.
    pub equivocation_ppm: u32,
    /// Share of a commitment's lock that it costs to withhold what was committed to.
    pub void_ppm: u32,
    /// Price of a byte of dispute transactions, in millionths of a unit of value.
    pub lane_byte_price_ppm: u32,
    /// Share of the trainers' stake above which the slashes of a run are deferred.
    pub breaker_ppm: u32,
    /// Heights within which its convictions are counted.
    pub breaker_window: u32,
    /// For how long its slashes are deferred.
    pub breaker_span: Span,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            block_credit_ms: BLOCK_CREDIT_MS_MAX,
            false_verdict_ppm: 100_000,
            key_delay: 8,
            unbond_span: Span { heights: 120, ms: 120_000 },
            attest_span: Span { heights: 10, ms: 10_000 },
            equivocation_ppm: 50_000,
            void_ppm: 10_000,
            lane_byte_price_ppm: 1_000,
            // Exactly a third is not more than a third.
            breaker_ppm: 333_334,
            breaker_window: 40,
            breaker_span: Span { heights: 40, ms: 40_000 },
        }
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
    VrfKey {
        /// Position of the account.
        position: usize,
    },
    /// An account's consensus key is none.
    #[error("the consensus key of account {position} is no usable Ed25519 key")]
    ConsensusKey {
        /// Position of the account.
        position: usize,
    },
    /// Two accounts have a registered key in common.
    #[error("account {position} registers a key that an account before it has")]
    SharedKey {
        /// Position of the second one.
        position: usize,
    },
    /// Nobody can propose the first block.
    #[error("there must be an account with role validator, registered keys and bonded stake")]
    NoValidators,
    /// All value does not fit 64 bits.
    #[error("the sum of all value does not fit 64 bits")]
    Total,
    /// A block credits no time, or more than the limit.
    #[error("a block must credit 1 to {BLOCK_CREDIT_MS_MAX} ms")]
    BlockCredit,
    /// A rate above one.
    #[error("the cost of a false verdict is above one")]
    FalseVerdict,
    /// New keys are in force at once, or never.
    #[error("new keys must be in force after {} to {} heights", KEY_DELAY.0, KEY_DELAY.1)]
    KeyDelay,
    /// Unbonding takes no time, or for ever.
    #[error("the span of unbonding is out of its limits")]
    UnbondSpan,
    /// Attesting takes no time, or for ever.
    #[error("the span of attesting is out of its limits")]
    AttestSpan,
    /// A rate above one.
    #[error("the cost of an equivocation is above one")]
    Equivocation,
    /// A rate above one.
    #[error("the cost of a void commitment is above one")]
    Void,
    /// A rate above one.
    #[error("the share of the trainers' stake for a breaker is above one")]
    BreakerShare,
    /// Convictions are counted over no heights, or too many.
    #[error("a breaker must count convictions over {} to {} heights", BREAKER_WINDOW.0, BREAKER_WINDOW.1)]
    BreakerWindow,
    /// Slashes are deferred for no time, or for ever.
    #[error("the span of a breaker is out of its limits")]
    BreakerSpan,
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
        self.check_accounts()?;
        if self.total().is_none() {
            return Err(GenesisError::Total);
        }
        self.params.check()
    }

    fn check_accounts(&self) -> Result<(), GenesisError> {
        let found = self.accounts.len();
        if !(1..=ACCOUNTS_MAX).contains(&found) {
            return Err(GenesisError::AccountCount { found });
        }
        if let Some(at) = self.accounts.windows(2).position(|pair| pair[0].key >= pair[1].key) {
            return Err(GenesisError::AccountOrder { position: at + 1 });
        }
        let first = |is: &mut dyn FnMut(RegisteredKeys) -> bool| {
            self.accounts.iter().position(|account| account.registered.is_some_and(&mut *is))
        };
        if let Some(position) = first(&mut |keys| !keys.vrf.is_valid()) {
            return Err(GenesisError::VrfKey { position });
        }
        if let Some(position) = first(&mut |keys| !keys.has_usable_consensus_key()) {
            return Err(GenesisError::ConsensusKey { position });
        }
        let (mut vrf, mut consensus, mut node) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut is_shared = |keys: RegisteredKeys| {
            let is_new = [vrf.insert(keys.vrf), consensus.insert(keys.consensus), node.insert(keys.node)];
            is_new.contains(&false)
        };
        if let Some(position) = first(&mut is_shared) {
            return Err(GenesisError::SharedKey { position });
        }
        let is_validator = |account: &GenesisAccount| {
            let is_able = account.registered.is_some() && account.bonded > Amount::ZERO;
            account.role == Role::Validator && is_able
        };
        if !self.accounts.iter().any(is_validator) {
            return Err(GenesisError::NoValidators);
        }
        Ok(())
    }
}

impl Params {
    fn check(&self) -> Result<(), GenesisError> {
        if !(1..=BLOCK_CREDIT_MS_MAX).contains(&self.block_credit_ms) {
            return Err(GenesisError::BlockCredit);
        }
        if self.false_verdict_ppm > PPM {
            return Err(GenesisError::FalseVerdict);
        }
        if !(KEY_DELAY.0..=KEY_DELAY.1).contains(&self.key_delay) {
            return Err(GenesisError::KeyDelay);
        }
        if !self.unbond_span.is_within(SPAN_MIN, SPAN_MAX) {
            return Err(GenesisError::UnbondSpan);
        }
        if !self.attest_span.is_within(SPAN_MIN, SPAN_MAX) {
            return Err(GenesisError::AttestSpan);
        }
        if self.equivocation_ppm > PPM {
            return Err(GenesisError::Equivocation);
        }
        if self.void_ppm > PPM {
            return Err(GenesisError::Void);
        }
        if self.breaker_ppm > PPM {
            return Err(GenesisError::BreakerShare);
        }
        if !(BREAKER_WINDOW.0..=BREAKER_WINDOW.1).contains(&self.breaker_window) {
            return Err(GenesisError::BreakerWindow);
        }
        if !self.breaker_span.is_within(SPAN_MIN, SPAN_MAX) {
            return Err(GenesisError::BreakerSpan);
        }
        Ok(())
    }
}
