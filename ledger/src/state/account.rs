//! An account: what a stake key holds (L-2.3).

use crate::amount::{Amount, Height, Moment};
use crate::genesis::{GenesisAccount, Params, Role};
use crate::keys::RegisteredKeys;
use borsh::{BorshDeserialize, BorshSerialize};

/// The account of a stake key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Free to spend.
    pub balance: Amount,
    /// Stake, locked or not.
    pub bonded: Amount,
    /// The part of the stake that commitments, bases and disputes have locked.
    pub locked: Amount,
    /// Stake on its way back to the balance; it can still be slashed.
    pub unbonding: Amount,
    /// When it is there.
    pub unbonding_until: Moment,
    /// Nonce of the last transaction; 0 before the first.
    pub nonce: u64,
    /// Role.
    pub role: Role,
    /// Its other keys.
    pub registered: Option<RegisteredKeys>,
    /// Height at which role and keys were registered; 0 in genesis.
    pub since: Height,
}

impl Account {
    /// The account at genesis.
    pub(crate) fn at_genesis(account: &GenesisAccount) -> Account {
        Account {
            balance: account.balance,
            bonded: account.bonded,
            locked: Amount::ZERO,
            unbonding: Amount::ZERO,
            unbonding_until: Moment::default(),
            nonce: 0,
            role: account.role,
            registered: account.registered,
            since: Height(0),
        }
    }

    /// The account that a first transfer makes.
    pub(crate) fn made_at(height: Height) -> Account {
        Account {
            balance: Amount::ZERO,
            bonded: Amount::ZERO,
            locked: Amount::ZERO,
            unbonding: Amount::ZERO,
            unbonding_until: Moment::default(),
            nonce: 0,
            role: Role::Auditor,
            registered: None,
            since: height,
        }
    }

    /// All stake: bonded, and on its way back.
    pub fn stake(&self) -> Amount {
        // All value of a network fits 64 bits.
        self.bonded.plus(self.unbonding).unwrap_or(self.bonded)
    }

    /// Stake that nothing has locked.
    pub fn free_stake(&self) -> Amount {
        self.bonded.minus(self.locked).unwrap_or(Amount::ZERO)
    }

    /// True when role and keys count at a height: after a delay, so that nobody makes keys to fit a beacon that is
    /// known; those of genesis count as old (L-9.1).
    pub fn is_in_force(&self, params: &Params, height: Height) -> bool {
        self.since == Height(0) || self.since.after(u64::from(params.key_delay)) <= height
    }

    /// True when it has any stake.
    pub fn is_bonded(&self) -> bool {
        self.bonded > Amount::ZERO
    }
}
