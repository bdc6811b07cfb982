//! `transfer`: balance goes to another account, which is made if there is none (L-2.6).

use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::keys::is_usable_key;
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::signature::PeerKey;

/// The signer pays part of its balance to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transfer {
    /// Stake key of the receiver.
    pub to: PeerKey,
    /// How much.
    pub amount: Amount,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferInvalid {
    /// Nothing to pay.
    #[error("the amount is zero")]
    Zero,
    /// The signer pays itself.
    #[error("the receiver is the signer")]
    ToSelf,
    /// Nobody could ever sign for the account.
    #[error("the receiver is no usable Ed25519 key")]
    Receiver,
    /// More than the balance.
    #[error("the balance is {balance}, {needed} are needed")]
    Balance {
        /// The balance.
        balance: Amount,
        /// The amount.
        needed: Amount,
    },
}

impl Transfer {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), TransferInvalid> {
        if self.amount == Amount::ZERO {
            return Err(TransferInvalid::Zero);
        }
        if self.to == from.signer {
            return Err(TransferInvalid::ToSelf);
        }
        if !is_usable_key(&self.to) {
            return Err(TransferInvalid::Receiver);
        }
        let balance = stage.state.accounts.get(&from.signer).map_or(Amount::ZERO, |a| a.balance);
        if balance < self.amount {
            return Err(TransferInvalid::Balance { balance, needed: self.amount });
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        stage.state.transfer(&from.signer, &self.to, self.amount)?;
        stage.say(Event::Transferred { from: from.signer, to: self.to, amount: self.amount });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Transfer, TransferInvalid};
    use crate::amount::Amount;
    use crate::tests::fixture::{AUDITOR, NOBODY, SPONSOR, World, key};
    use crate::transaction::{Body, Stake, TransactionInvalid};
    use crate::{Event, Role};
    use retrace_verifier::signature::PeerKey;

    fn transfer(to: PeerKey, amount: u64) -> Body {
        Body::Transfer(Transfer { to, amount: Amount(amount) })
    }

    /// L-2.6, L-2.3: each reason, in the order of the checks; the receiver need not exist, and acts from then on.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (balance, needed) = (Amount(5_000), Amount(5_001));
        let rows = [
            (key(AUDITOR), 0, TransferInvalid::Zero),
            (key(AUDITOR), 5_001, TransferInvalid::ToSelf),
            (PeerKey([0; 32]), 5_001, TransferInvalid::Receiver),
            (key(NOBODY), 5_001, TransferInvalid::Balance { balance, needed }),
        ];
        for (to, amount, expected) in rows {
            let found = world.refusal(AUDITOR, transfer(to, amount));
            assert_eq!(found, Some(TransactionInvalid::Transfer(expected)));
        }
        let events = world.play(AUDITOR, transfer(key(NOBODY), 3_000));
        let (from, to, amount) = (key(AUDITOR), key(NOBODY), Amount(3_000));
        assert_eq!(events, [Event::Transferred { from, to, amount }]);
        let made = world.account(NOBODY);
        assert_eq!((made.balance, made.nonce, made.role), (Amount(3_000), 0, Role::Auditor));
        world.play(NOBODY, Body::Stake(Stake { amount: Amount(1_000) }));
        world.play(NOBODY, transfer(key(SPONSOR), 2_000));
        assert_eq!(world.account(SPONSOR).balance, Amount(1_002_000));
        let left = world.account(NOBODY);
        assert_eq!((left.balance, left.bonded, left.nonce), (Amount(0), Amount(1_000), 2));
    }
}
