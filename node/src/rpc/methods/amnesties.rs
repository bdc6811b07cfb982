//! `GET /v1/runs/{id}/breaker`: what a run's circuit breaker deferred, and who votes to excuse it (L-5.17, W-3.11).

use super::account::LedgerTime;
use super::breaker::{DeferredWords, deferred_words};
use crate::rpc::asked::{AFTER, Asked, LIMIT};
use crate::rpc::door::Door;
use crate::rpc::limits::PAGE_MAX;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{AmnestyVotes, State};
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A run's circuit breaker, with all that it ever deferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunBreaker {
    /// The run.
    pub run: String,
    /// It is off once this is past; none while it is off.
    pub on_until: Option<LedgerTime>,
    /// How often it went on.
    pub times: u32,
    /// Deferred slashes that are pending.
    pub pending: u32,
    /// Deferred slashes that were executed or forgiven.
    pub decided: u32,
    /// Stake of all validators of the next height.
    pub total_power: u64,
    /// The least power with which an amnesty is granted: more than two thirds of all.
    pub power_needed: u64,
    /// The votes, by time that the breaker was on, from 1. Times without a vote are left out; of very many, the first.
    pub amnesties: Vec<AmnestyWords>,
    /// Deferred slashes, by number.
    pub slashes: Vec<DeferredWords>,
    /// The `after` of the next page of slashes; none at the end.
    pub next: Option<u64>,
}

/// The votes for amnesties while a breaker was on once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmnestyWords {
    /// For which time that it was on.
    pub time: u32,
    /// The name under which slashes were forgiven; none if none were.
    pub granted: Option<String>,
    /// Height at which they were.
    pub granted_at: Option<u64>,
    /// Power of the votes for each name, as the validators of the next height have it.
    pub names: Vec<NamePower>,
    /// The latest vote of each validator, in the order of their first ones.
    pub votes: Vec<VoteWords>,
}

/// What an amnesty has so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamePower {
    /// Its name.
    pub name: String,
    /// Power of the votes for it.
    pub power: u64,
}

/// A vote for an amnesty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoteWords {
    /// The validator's account.
    pub validator: String,
    /// What it excuses.
    pub name: String,
    /// Height at which it was given.
    pub at: u64,
    /// Its power at the next height; 0 for one that is a validator no longer.
    pub power: u64,
}

pub(in crate::rpc) fn row() -> Row {
    let says = "A run's circuit breaker: deferred slashes, votes to excuse them, granted amnesties";
    Row::look("/v1/runs/{id}/breaker", says, &[LIMIT, AFTER], look)
}

fn look(door: &Door, asked: &Asked) -> Result<RunBreaker, Refused> {
    let (id, page) = (asked.digest("id")?, asked.page()?);
    let after = page.after_number()?;
    let found = door.board.read(|state| run_breaker(state, &id, after, page.limit));
    found.ok_or_else(|| Refused::unknown("run", id))
}

/// The breaker of a run, and its deferred slashes after the one of this number; none without such a run.
pub fn run_breaker(state: &State, run: &Digest, after: Option<u64>, limit: usize) -> Option<RunBreaker> {
    state.run(run)?;
    let breaker = state.breaker(run).cloned().unwrap_or_default();
    let first = after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
    let later = (0u32..).zip(state.deferred_slashes(run)).skip(first);
    let mut slashes: Vec<DeferredWords> =
        later.take(limit.saturating_add(1)).map(|(n, slash)| deferred_words(n, slash)).collect();
    let more = slashes.len() > limit;
    slashes.truncate(limit);
    let total_power = state.validators().iter().fold(0u64, |sum, one| sum.saturating_add(one.power));
    let times = (1..=breaker.times).rev();
    let voted = times.filter_map(|time| Some(amnesty_words(state, time, state.amnesty(run, time)?)));
    let mut amnesties: Vec<AmnestyWords> = voted.take(PAGE_MAX).collect();
    amnesties.reverse();
    Some(RunBreaker {
        run: run.to_string(),
        on_until: breaker.on_until.map(LedgerTime::from),
        times: breaker.times,
        pending: breaker.deferred.saturating_sub(breaker.decided),
        decided: breaker.decided,
        total_power,
        power_needed: power_needed(total_power),
        amnesties,
        next: slashes.last().filter(|_| more).map(|slash| u64::from(slash.number)),
        slashes,
    })
}

/// Three times it is above twice all of it.
fn power_needed(total: u64) -> u64 {
    u64::try_from(u128::from(total) * 2 / 3 + 1).unwrap_or(u64::MAX)
}

fn amnesty_words(state: &State, time: u32, all: &AmnestyVotes) -> AmnestyWords {
    let power: BTreeMap<_, u64> = state.validators().iter().map(|one| (one.account, one.power)).collect();
    let votes: Vec<VoteWords> = all
        .votes
        .iter()
        .map(|vote| VoteWords {
            validator: vote.validator.to_string(),
            name: vote.name.clone(),
            at: vote.at.0,
            power: power.get(&vote.validator).copied().unwrap_or(0),
        })
        .collect();
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    for vote in &votes {
        let sum = names.entry(&vote.name).or_default();
        *sum = sum.saturating_add(vote.power);
    }
    let names = names.into_iter().map(|(name, power)| NamePower { name: name.into(), power }).collect();
    AmnestyWords {
        time,
        granted: all.granted.as_ref().map(|(name, _)| name.clone()),
        granted_at: all.granted.as_ref().map(|(_, at)| at.0),
        names,
        votes,
    }
}

#[cfg(test)]
mod tests {
    use super::power_needed;

    /// W-3.11, L-5.17: an amnesty needs the least power of which three times are above twice all of it.
    #[test]
    fn more_than_two_thirds_are_needed() {
        for (total, needed) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (300, 201), (301, 201), (302, 202)] {
            assert_eq!(power_needed(total), needed, "{total}");
            assert!(3 * needed > 2 * total && 3 * (needed - 1) <= 2 * total);
        }
        assert_eq!(power_needed(u64::MAX), 12_297_829_382_473_034_411);
    }
}
