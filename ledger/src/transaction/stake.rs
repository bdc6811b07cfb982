//! `stake`: balance becomes bonded stake (L-2.5).

use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};

/// The signer bonds part of its balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stake {
    /// How much.
    pub amount: Amount,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StakeInvalid {
    /// Nothing to bond.
    #[error("the amount is zero")]
    Zero,
    /// More than the balance.
    #[error("the balance is {balance}, {needed} are needed")]
    Balance {
        /// The balance.
        balance: Amount,
        /// The amount.
        needed: Amount,
    },
}

impl Stake {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), StakeInvalid> {
        if self.amount == Amount::ZERO {
            return Err(StakeInvalid::Zero);
        }
        let balance = stage.state.accounts.get(&from.signer).map_or(Amount::ZERO, |a| a.balance);
        if balance < self.amount {
            return Err(StakeInvalid::Balance { balance, needed: self.amount });
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        stage.state.bond(&from.signer, self.amount)?;
        stage.say(Event::Staked { peer: from.signer, amount: self.amount });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Stake, StakeInvalid};
    use crate::amount::Amount;
    use crate::tests::fixture::{AUDITOR, World, key};
    use crate::transaction::{Body, TransactionInvalid};
    use crate::{Event, Role};

    fn stake(amount: u64) -> Body {
        Body::Stake(Stake { amount: Amount(amount) })
    }

    /// L-2.5, L-2.3: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let rows = [
            (0, StakeInvalid::Zero),
            (5_001, StakeInvalid::Balance { balance: Amount(5_000), needed: Amount(5_001) }),
        ];
        for (amount, expected) in rows {
            assert_eq!(world.refusal(AUDITOR, stake(amount)), Some(TransactionInvalid::Stake(expected)));
        }
        let events = world.play(AUDITOR, stake(5_000));
        assert_eq!(events, [Event::Staked { peer: key(AUDITOR), amount: Amount(5_000) }]);
        let account = world.account(AUDITOR);
        assert_eq!((account.balance, account.bonded, account.nonce), (Amount(0), Amount(25_000), 1));
        assert_eq!((account.role, account.free_stake()), (Role::Auditor, Amount(25_000)));
    }
}
