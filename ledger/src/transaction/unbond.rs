//! `unbond`: free stake goes back to the balance, after a while in which it still answers (L-2.8).

use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};

/// The signer takes back part of its free stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unbond {
    /// How much.
    pub amount: Amount,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnbondInvalid {
    /// Nothing to take back.
    #[error("the amount is zero")]
    Zero,
    /// More than what nothing has locked.
    #[error("free stake is {free}, {needed} are needed")]
    FreeStake {
        /// Free stake.
        free: Amount,
        /// The amount.
        needed: Amount,
    },
    /// Nobody would be left to agree on a block.
    #[error("the last validator of the network keeps some of its stake")]
    LastValidator,
}

impl Unbond {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), UnbondInvalid> {
        if self.amount == Amount::ZERO {
            return Err(UnbondInvalid::Zero);
        }
        let account = stage.state.accounts.get(&from.signer);
        let (free, bonded) = account.map_or_else(Default::default, |a| (a.free_stake(), a.bonded));
        if free < self.amount {
            return Err(UnbondInvalid::FreeStake { free, needed: self.amount });
        }
        if bonded == self.amount {
            let validators = stage.state.validators();
            let mut accounts = validators.iter().map(|validator| validator.account);
            if validators.len() == 1 && accounts.any(|account| account == from.signer) {
                return Err(UnbondInvalid::LastValidator);
            }
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        let until = stage.now.after(stage.state.params().unbond_span);
        stage.state.unbond(&from.signer, self.amount, until)?;
        stage.say(Event::Unbonding { peer: from.signer, amount: self.amount, until });
        Ok(())
    }
}

/// Gives back all stake whose time of unbonding is over, in order of account; at the end of every block.
pub(crate) fn release_unbonded(stage: &mut Stage<'_>) -> Result<(), Fault> {
    let accounts = stage.state.accounts.iter();
    let is_due = |account: &crate::state::Account| {
        account.unbonding > Amount::ZERO && account.unbonding_until.is_past(stage.now)
    };
    let due: Vec<_> = accounts.filter(|(_, account)| is_due(account)).map(|(peer, _)| peer).collect();
    for peer in due {
        let amount = stage.state.release(&peer)?;
        stage.say(Event::Unbonded { peer, amount });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Unbond, UnbondInvalid};
    use crate::amount::{Amount, Height, Span};
    use crate::tests::fixture::{
        AUDITOR, SPONSOR, VALIDATOR, World, commit, count, genesis, genesis_of, key,
    };
    use crate::transaction::{Body, TransactionInvalid};
    use crate::{Event, Moment};

    fn unbond(amount: u64) -> Body {
        Body::Unbond(Unbond { amount: Amount(amount) })
    }

    /// L-2.8: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let free_stake =
            |free, needed| UnbondInvalid::FreeStake { free: Amount(free), needed: Amount(needed) };
        let rows = [
            (AUDITOR, 0, UnbondInvalid::Zero),
            (SPONSOR, 1, free_stake(0, 1)),
            (AUDITOR, 20_001, free_stake(20_000, 20_001)),
            (VALIDATOR, 30_001, free_stake(30_000, 30_001)),
            (VALIDATOR, 30_000, UnbondInvalid::LastValidator),
        ];
        for (name, amount, expected) in rows {
            let found = world.refusal(name, unbond(amount));
            assert_eq!(found, Some(TransactionInvalid::Unbond(expected)));
        }
        assert_eq!(world.refusal(VALIDATOR, unbond(29_999)), None);
        // What a commitment has locked does not unbond.
        let run = world.training();
        let (name, signed) = world.commitment(&run, 0, 7);
        world.play(name, commit(signed));
        let found = world.refusal(name, unbond(40_001));
        assert_eq!(found, Some(TransactionInvalid::Unbond(free_stake(40_000, 40_001))));
        assert_eq!(world.refusal(name, unbond(40_000)), None);
    }

    /// L-2.8, L-3.3: stake comes back once heights and credited time are past; a second unbonding starts the clock of both anew.
    #[test]
    fn stake_comes_back() {
        let mut genesis = genesis();
        genesis.params.unbond_span = Span { heights: 13, ms: 13_000 };
        let mut world = World::of(genesis);
        let events = world.play(AUDITOR, unbond(5_000));
        let until = Moment { height: Height(14), credited_ms: 14_000 };
        assert_eq!(events, [Event::Unbonding { peer: key(AUDITOR), amount: Amount(5_000), until }]);
        let account = world.account(AUDITOR);
        assert_eq!((account.bonded, account.unbonding), (Amount(15_000), Amount(5_000)));
        world.wait(6);
        world.play(AUDITOR, unbond(1_000));
        let unbonded = |e: &Event| matches!(e, Event::Unbonded { .. });
        let waited = world.wait(13);
        assert_eq!((count(&waited, unbonded), world.height()), (0, Height(21)));
        assert_eq!(world.account(AUDITOR).balance, Amount(5_000));
        assert_eq!(world.wait(1), [Event::Unbonded { peer: key(AUDITOR), amount: Amount(6_000) }]);
        let account = world.account(AUDITOR);
        assert_eq!((account.balance, account.bonded), (Amount(11_000), Amount(14_000)));
        assert_eq!(account.unbonding, Amount(0));
    }

    /// L-2.8: of two validators one may leave; two that try in one block are not both let go.
    #[test]
    fn one_validator_stays() {
        let mut world = World::of(genesis_of(&[(VALIDATOR, 30_000), (101, 40_000)]));
        let pending = vec![world.sign(VALIDATOR, unbond(30_000)), world.sign(101, unbond(40_000))];
        let proposal = world.propose(pending);
        assert_eq!(proposal.block.transactions().len(), 1);
        assert_eq!(proposal.dropped[0].1, TransactionInvalid::Unbond(UnbondInvalid::LastValidator));
        world.apply(&proposal.block);
        assert_eq!(world.validators(), [101]);
    }
}
