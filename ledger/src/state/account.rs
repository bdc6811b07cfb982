//! An account: what a stake key holds (L-2.3).

use crate::amount::Amount;
use crate::genesis::{GenesisAccount, Role};
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
    /// Nonce of the last transaction; 0 before the first.
    pub nonce: u64,
    /// Role.
    pub role: Role,
    /// Its other keys.
    pub registered: Option<RegisteredKeys>,
}

impl Account {
    /// The account at genesis.
    pub(crate) fn at_genesis(account: &GenesisAccount) -> Account {
        Account {
            balance: account.balance,
            bonded: account.bonded,
            locked: Amount::ZERO,
            nonce: 0,
            role: account.role,
            registered: account.registered,
        }
    }

    /// Stake that nothing has locked.
    pub fn free_stake(&self) -> Amount {
        self.bonded.minus(self.locked).unwrap_or(Amount::ZERO)
    }

    /// True when it has any stake.
    pub fn is_bonded(&self) -> bool {
        self.bonded > Amount::ZERO
    }
}
