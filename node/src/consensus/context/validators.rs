//! The validators of a height in proposer order, as the ledger gives them.

use super::types::Address;
use super::{Height, Retrace};
use malachite_core_types as engine;
use retrace_ledger::ValidatorSet as LedgerSet;
use retrace_verifier::signature::PeerKey;
use std::sync::Arc;

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its consensus key, as an address.
    pub address: Address,
    /// Its node key: the name of its peer.
    pub node: [u8; 32],
    /// Its weight: bonded stake.
    pub power: u64,
}

impl engine::Validator<Retrace> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PeerKey {
        &self.address.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The validators of one height. The order is the ledger's: absent ones come last (L-9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    order: Arc<[Validator]>,
    power: u64,
}

impl ValidatorSet {
    /// The ledger's set.
    pub fn of(set: &LedgerSet) -> ValidatorSet {
        let validators = set.iter().map(|validator| Validator {
            address: Address(validator.consensus),
            node: validator.node,
            power: validator.power,
        });
        ValidatorSet { order: validators.collect(), power: set.total_power() }
    }

    /// Who proposes in a round; none only if there is nobody.
    pub fn proposer(&self, round: u32) -> Option<&Validator> {
        let turn = (round as usize).checked_rem(self.order.len())?;
        self.order.get(turn)
    }

    /// In proposer order.
    pub fn iter(&self) -> impl Iterator<Item = &Validator> {
        self.order.iter()
    }

    /// True if the key is one of theirs.
    pub fn contains(&self, address: &Address) -> bool {
        self.order.iter().any(|validator| validator.address == *address)
    }

    /// The sum of their weights.
    pub fn power(&self) -> u64 {
        self.power
    }
}

impl engine::ValidatorSet<Retrace> for ValidatorSet {
    fn count(&self) -> usize {
        self.order.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.power
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.order.iter().find(|validator| validator.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.order.get(index)
    }
}

/// Whose turn a round is. The engine never asks this of an empty set: it refuses to start a height with one.
pub fn select(set: &ValidatorSet, _: Height, round: engine::Round) -> &Validator {
    let turn = round.as_u32().unwrap_or(0) as usize % set.order.len();
    &set.order[turn]
}
