//! Sums of an account's changes: by round and reason, and whether they explain what it holds.

use crate::rpc::methods::rewards::{ChangeWords, Rewards};
use serde::Serialize;

/// What an account's changes sum to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// By run, round, kind and reason, in the order of their first items.
    pub groups: Vec<Group>,
    /// Rewards.
    pub paid: u128,
    /// Slashes.
    pub slashed: u128,
    /// All that came.
    pub added: u128,
    /// All that went.
    pub taken: u128,
    /// Balance, stake and what is unbonding.
    pub holds: u128,
    /// True when genesis and changes sum to what the account holds.
    pub adds_up: bool,
}

/// Changes of one kind in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The run.
    pub run: Option<String>,
    /// The round.
    pub round: Option<u32>,
    /// What changed.
    pub kind: String,
    /// adds, takes or moves.
    pub effect: String,
    /// Why.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
    /// How much in all.
    pub amount: u128,
}

/// Sums an account's changes.
pub fn sums(of: &Rewards) -> Sums {
    let total = |is_in: &dyn Fn(&ChangeWords) -> bool| -> u128 {
        of.changes.iter().filter(|change| is_in(change)).map(|change| u128::from(change.amount)).sum()
    };
    let account = &of.account;
    let holds = [account.balance, account.bonded, account.unbonding].into_iter().map(u128::from).sum();
    let began = u128::from(of.genesis_balance) + u128::from(of.genesis_bonded);
    let (added, taken) = (total(&|c| c.effect == "adds"), total(&|c| c.effect == "takes"));
    Sums {
        groups: groups(&of.changes),
        paid: total(&|c| c.kind == "reward"),
        slashed: total(&|c| c.kind == "slash"),
        added,
        taken,
        holds,
        adds_up: began + added == holds + taken,
    }
}

fn groups(changes: &[ChangeWords]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        let is_same = |group: &&mut Group| {
            (&group.run, group.round) == (&change.run, change.round)
                && (&group.kind, &group.reason) == (&change.kind, &change.reason)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => {
                group.count += 1;
                group.amount += u128::from(change.amount);
            }
            None => groups.push(Group {
                run: change.run.clone(),
                round: change.round,
                kind: change.kind.clone(),
                effect: change.effect.clone(),
                reason: change.reason.clone(),
                count: 1,
                amount: change.amount.into(),
            }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::sums;
    use crate::rpc::methods::account::Account;
    use crate::rpc::methods::rewards::{ChangeWords, Rewards};

    fn change(kind: &str, effect: &str, amount: u64, round: Option<u32>) -> ChangeWords {
        ChangeWords {
            id: "1.1".into(),
            height: 1,
            account: "a".into(),
            kind: kind.into(),
            effect: effect.into(),
            amount,
            bounty: None,
            reason: None,
            other: None,
            run: None,
            round,
            claim: None,
            unit: None,
            dispute: None,
        }
    }

    fn rewards(balance: u64, changes: Vec<ChangeWords>) -> Rewards {
        let account = Account {
            key: "a".into(),
            role: "trainer".into(),
            balance,
            bonded: 50,
            locked: 10,
            unbonding: 7,
            unbonding_until: None,
            nonce: 0,
            since: 0,
            defense_key: None,
            delegation_serial: 0,
            registered: None,
        };
        Rewards {
            account,
            genesis_balance: 100,
            genesis_bonded: 0,
            whole_from: 1,
            upto: 9,
            changes,
            next: None,
        }
    }

    /// W-3.8: genesis and all changes sum to what the account holds, and moves within it change nothing.
    #[test]
    fn changes_explain_what_an_account_holds() {
        let changes = vec![
            change("bonded", "moves", 57, None),
            change("reward", "adds", 30, Some(0)),
            change("reward", "adds", 5, Some(0)),
            change("reward", "adds", 5, Some(1)),
            change("slash", "takes", 20, Some(1)),
        ];
        let found = sums(&rewards(63, changes.clone()));
        assert!(found.adds_up, "{found:?}");
        assert_eq!((found.paid, found.slashed, found.holds), (40, 20, 120));
        assert_eq!(found.groups.len(), 4);
        assert_eq!((found.groups[1].count, found.groups[1].amount), (2, 35));
        assert!(!sums(&rewards(64, changes)).adds_up);
    }
}
