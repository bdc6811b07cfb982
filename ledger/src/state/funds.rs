//! Every movement of value: nothing appears, and what disappears is burned (L-2.4).

use super::State;
use crate::amount::{Amount, Moment};
use crate::fault::Fault;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

fn add(to: &mut Amount, amount: Amount) -> Result<(), Fault> {
    *to = to.plus(amount).ok_or(Fault::Funds)?;
    Ok(())
}

fn take(from: &mut Amount, amount: Amount) -> Result<(), Fault> {
    *from = from.minus(amount).ok_or(Fault::Funds)?;
    Ok(())
}

impl State {
    fn account_edit(
        &mut self,
        key: &PeerKey,
        edit: impl FnOnce(&mut super::Account) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut account = *self.accounts.want(key)?;
        edit(&mut account)?;
        self.accounts.put(*key, account);
        Ok(())
    }

    /// Balance to stake.
    pub(crate) fn bond(&mut self, key: &PeerKey, amount: Amount) -> Result<(), Fault> {
        self.account_edit(key, |account| {
            take(&mut account.balance, amount)?;
            add(&mut account.bonded, amount)
        })
    }

    /// Balance to another account, which is made if there is none.
    pub(crate) fn transfer(&mut self, from: &PeerKey, to: &PeerKey, amount: Amount) -> Result<(), Fault> {
        self.spend(from, amount)?;
        if self.accounts.get(to).is_none() {
            let account = super::Account::made_at(self.now()?.height);
            self.accounts.put(*to, account);
        }
        self.account_edit(to, |account| add(&mut account.balance, amount))
    }

    /// Free stake to unbonding stake; all of that is released when `until` is past.
    pub(crate) fn unbond(&mut self, key: &PeerKey, amount: Amount, until: Moment) -> Result<(), Fault> {
        self.account_edit(key, |account| {
            if account.free_stake() < amount {
                return Err(Fault::Funds);
            }
            take(&mut account.bonded, amount)?;
            account.unbonding_until = until;
            add(&mut account.unbonding, amount)
        })
    }

    /// Unbonding stake to the balance; gives how much.
    pub(crate) fn release(&mut self, key: &PeerKey) -> Result<Amount, Fault> {
        let amount = self.accounts.want(key)?.unbonding;
        self.account_edit(key, |account| {
            take(&mut account.unbonding, amount)?;
            add(&mut account.balance, amount)
        })?;
        Ok(amount)
    }

    /// Locks free stake.
    pub(crate) fn lock(&mut self, key: &PeerKey, amount: Amount) -> Result<(), Fault> {
        self.account_edit(key, |account| {
            if account.free_stake() < amount {
                return Err(Fault::Funds);
            }
            add(&mut account.locked, amount)
        })
    }

    /// Unlocks stake.
    pub(crate) fn unlock(&mut self, key: &PeerKey, amount: Amount) -> Result<(), Fault> {
        self.account_edit(key, |account| take(&mut account.locked, amount))
    }

    /// Burns locked stake, but for `share`, which goes to another's balance.
    pub(crate) fn slash_locked(
        &mut self,
        key: &PeerKey,
        amount: Amount,
        to: &PeerKey,
        share: Amount,
    ) -> Result<(), Fault> {
        self.unlock(key, amount)?;
        self.account_edit(key, |account| take(&mut account.bonded, amount))?;
        self.account_edit(to, |account| add(&mut account.balance, share))?;
        self.burn(amount.minus(share).ok_or(Fault::Funds)?)
    }

    /// Burns free stake, at most what there is; gives what was burned.
    pub(crate) fn slash_free(&mut self, key: &PeerKey, amount: Amount) -> Result<Amount, Fault> {
        let amount = amount.min(self.accounts.want(key)?.free_stake());
        self.account_edit(key, |account| take(&mut account.bonded, amount))?;
        self.burn(amount)?;
        Ok(amount)
    }

    /// Stake that a validator's equivocation can cost: what is free, and what is on its way back to the balance.
    pub(crate) fn slashable(&self, key: &PeerKey) -> Amount {
        let of = |account: &super::Account| account.free_stake().plus(account.unbonding);
        self.accounts.get(key).and_then(of).unwrap_or(Amount::ZERO)
    }

    /// Burns free stake and then stake that is on its way back, at most what there is; gives what was burned.
    pub(crate) fn slash_any(&mut self, key: &PeerKey, amount: Amount) -> Result<Amount, Fault> {
        let free = self.slash_free(key, amount)?;
        let rest = amount.minus(free).ok_or(Fault::Funds)?.min(self.accounts.want(key)?.unbonding);
        self.account_edit(key, |account| take(&mut account.unbonding, rest))?;
        self.burn(rest)?;
        free.plus(rest).ok_or(Fault::Funds)
    }

    /// Locks free stake and then stake that is on its way back, which is bonded again for it; at most what there is.
    /// Gives what was locked.
    pub(crate) fn hold_any(&mut self, key: &PeerKey, amount: Amount) -> Result<Amount, Fault> {
        let amount = amount.min(self.slashable(key));
        let free = self.accounts.want(key)?.free_stake();
        let back = amount.minus(free.min(amount)).ok_or(Fault::Funds)?;
        self.account_edit(key, |account| {
            take(&mut account.unbonding, back)?;
            add(&mut account.bonded, back)?;
            add(&mut account.locked, amount)
        })?;
        Ok(amount)
    }

    fn burn(&mut self, amount: Amount) -> Result<(), Fault> {
        let mut now = *self.now()?;
        add(&mut now.burned, amount)?;
        self.now.put((), now);
        Ok(())
    }

    /// Balance out of an account; whoever calls puts it somewhere.
    pub(crate) fn spend(&mut self, key: &PeerKey, amount: Amount) -> Result<(), Fault> {
        self.account_edit(key, |account| take(&mut account.balance, amount))
    }

    /// A run's escrow to a balance.
    pub(crate) fn pay(&mut self, run: &Digest, to: &PeerKey, amount: Amount) -> Result<(), Fault> {
        let mut progress = *self.progress.want(run)?;
        take(&mut progress.escrow, amount)?;
        self.progress.put(*run, progress);
        self.account_edit(to, |account| add(&mut account.balance, amount))
    }

    /// All value: balances, stake, escrows and what was burned; it never changes (L-2.4).
    pub fn total_value(&self) -> Option<Amount> {
        let accounts = self.accounts.iter();
        let held = accounts.map(|(_, account)| account.balance.plus(account.bonded)?.plus(account.unbonding));
        let escrows = self.progress.iter().map(|(_, progress)| Some(progress.escrow));
        let burned = self.now().ok().map(|now| now.burned);
        held.chain(escrows).chain([burned]).try_fold(Amount::ZERO, |sum, part| sum.plus(part?))
    }

    /// All value at genesis.
    pub fn genesis_value(&self) -> Amount {
        self.total
    }
}
