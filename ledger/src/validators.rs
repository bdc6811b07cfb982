//! The validators of a height, in the order in which they propose (L-9.1, L-9.2).

use crate::amount::Height;
use crate::beacon::Beacon;
use crate::genesis::Role;
use crate::keys::VrfKey;
use crate::limits::VALIDATORS_MAX;
use crate::state::{Account, State};
use retrace_verifier::signature::{PeerKey, message};

/// One validator of a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Stake key: the account's name.
    pub account: PeerKey,
    /// Signs headers and votes.
    pub consensus: PeerKey,
    /// Makes the beacon.
    pub vrf: VrfKey,
    /// Names it on the network.
    pub node: [u8; 32],
    /// Weight of its vote: its bonded stake.
    pub power: u64,
}

impl Validator {
    /// None for an account that is no validator at this height.
    fn of(key: PeerKey, account: &Account, is_in_force: bool) -> Option<Validator> {
        let keys = account.registered?;
        let is_one = account.role == Role::Validator && account.is_bonded() && is_in_force;
        is_one.then_some(Validator {
            account: key,
            consensus: keys.consensus,
            vrf: keys.vrf,
            node: keys.node,
            power: account.bonded.0,
        })
    }
}

/// The validators of one height in the order in which they propose, those that were lately absent at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    height: Height,
    validators: Vec<Validator>,
}

impl ValidatorSet {
    /// The height.
    pub fn height(&self) -> Height {
        self.height
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Validator> {
        self.validators.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// True when nobody is left who could propose or vote.
    pub fn is_empty(&self) -> bool {
        self.validators.is_empty()
    }

    /// Power of all of them.
    pub fn total_power(&self) -> u64 {
        // Stakes of one network: their sum fits.
        self.iter().fold(0, |sum, validator| sum.saturating_add(validator.power))
    }

    /// True when those for whom it is true hold more than two thirds of the power.
    pub fn is_two_thirds(&self, is: impl Fn(&PeerKey) -> bool) -> bool {
        let those = self.iter().filter(|validator| is(&validator.account));
        let power: u128 = those.map(|validator| u128::from(validator.power)).sum();
        power * 3 > u128::from(self.total_power()) * 2
    }

    /// The validator that signs with this key.
    pub fn by_consensus(&self, key: &PeerKey) -> Option<&Validator> {
        self.iter().find(|validator| validator.consensus == *key)
    }

    /// The proposer of a round of this height; none when the set is empty.
    pub fn proposer(&self, round: u32) -> Option<&Validator> {
        let at = u64::from(round).checked_rem(self.validators.len() as u64)?;
        self.validators.get(at as usize)
    }

    /// Those whose turn is before this one's.
    pub(crate) fn before(&self, key: &PeerKey) -> impl Iterator<Item = &Validator> {
        self.iter().take_while(move |validator| validator.consensus != *key)
    }
}

/// A shuffle in which the next one is always drawn with a chance that follows its power (L-9.2).
fn shuffle(seed: &Beacon, height: Height, mut left: Vec<Validator>) -> Vec<Validator> {
    let mut order = Vec::with_capacity(left.len());
    for position in 0u32.. {
        let total = left.iter().fold(0u128, |sum, validator| sum + u128::from(validator.power));
        let hash = message("retrace v1 proposer order", &(seed, height, position));
        let mut low = [0; 16];
        low.copy_from_slice(&hash[..16]);
        // 128 bits over a total of at most 64: the bias is below 2^-64.
        let Some(mut ticket) = u128::from_le_bytes(low).checked_rem(total) else { break };
        let drawn = left.iter().position(|validator| {
            let power = u128::from(validator.power);
            let is_drawn = ticket < power;
            ticket = ticket.saturating_sub(power);
            is_drawn
        });
        order.extend(drawn.map(|at| left.remove(at)));
    }
    order
}

impl State {
    /// The validators of the next height, from the state after the last block.
    pub fn validators(&self) -> ValidatorSet {
        let Ok(now) = self.now() else {
            return ValidatorSet { height: Height(0), validators: Vec::new() };
        };
        let height = now.height.after(1);
        let of = |(key, account): (PeerKey, &Account)| {
            Validator::of(key, account, account.is_in_force(self.params(), height))
        };
        let mut chosen: Vec<Validator> = self.accounts().filter_map(of).collect();
        chosen.sort_by_key(|validator| (std::cmp::Reverse(validator.power), validator.account));
        chosen.truncate(VALIDATORS_MAX);
        chosen.sort_by_key(|validator| validator.account);
        let mut validators = shuffle(&now.beacon_before, height, chosen);
        // A stable sort: both parts keep the order of the shuffle.
        validators.sort_by_key(|validator| self.turns(&validator.account).is_absent(height));
        ValidatorSet { height, validators }
    }
}
