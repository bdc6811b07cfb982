//! A run's circuit breaker as the door says it: until when it is on, and what it deferred (L-5.17).

use super::account::LedgerTime;
use retrace_ledger::{Breaker, DeferredSlash, DeferredStatus, State};
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A run's circuit breaker, which went on at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BreakerWords {
    /// It is off once this is past; none while it is off.
    pub on_until: Option<LedgerTime>,
    /// How often it went on.
    pub times: u32,
    /// Slashes that are pending.
    pub pending: Vec<DeferredWords>,
    /// Deferred slashes that were executed.
    pub executed: u32,
    /// Deferred slashes that an amnesty forgave.
    pub forgiven: u32,
    /// The name under which the last ones were forgiven; none if they were not.
    pub amnesty: Option<String>,
    /// Validators that have voted for an amnesty since it last went on: `/v1/runs/{id}/breaker` tells for which.
    pub votes: u32,
}

/// A slash that a breaker deferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeferredWords {
    /// Its number in the run.
    pub number: u32,
    /// Whose stake.
    pub account: String,
    /// How much of it.
    pub amount: u64,
    /// Why.
    pub reason: String,
    /// The dispute that decided it.
    pub dispute: String,
    /// Height at which it was deferred.
    pub deferred_at: u64,
    /// pending, executed or forgiven.
    pub status: String,
    /// Height at which it was executed or forgiven.
    pub decided_at: Option<u64>,
}

pub(super) fn deferred_words(number: u32, slash: &DeferredSlash) -> DeferredWords {
    let (status, decided_at) = match slash.status {
        DeferredStatus::Pending => ("pending", None),
        DeferredStatus::Executed { at } => ("executed", Some(at.0)),
        DeferredStatus::Forgiven { at } => ("forgiven", Some(at.0)),
    };
    DeferredWords {
        number,
        account: slash.peer.to_string(),
        amount: slash.amount.0,
        reason: format!("{:?}", slash.reason),
        dispute: slash.dispute.to_string(),
        deferred_at: slash.at.0,
        status: status.into(),
        decided_at,
    }
}

/// The deferred slashes that a dispute decided.
pub(super) fn deferred_for(state: &State, run: &Digest, dispute: &Digest) -> Vec<DeferredWords> {
    let all = (0u32..).zip(state.deferred_slashes(run));
    all.filter(|(_, slash)| slash.dispute == *dispute).map(|(n, slash)| deferred_words(n, slash)).collect()
}

/// The breaker of a run; none if it never went on.
pub fn breaker_words(state: &State, run: &Digest) -> Option<BreakerWords> {
    let breaker: &Breaker = state.breaker(run).filter(|breaker| breaker.times > 0)?;
    let all: Vec<DeferredWords> =
        (0u32..).zip(state.deferred_slashes(run)).map(|(n, slash)| deferred_words(n, slash)).collect();
    let count = |status: &str| all.iter().filter(|slash| slash.status == status).count() as u32;
    let (executed, forgiven) = (count("executed"), count("forgiven"));
    let votes = state.amnesty(run, breaker.times);
    Some(BreakerWords {
        on_until: breaker.on_until.map(LedgerTime::from),
        times: breaker.times,
        executed,
        forgiven,
        amnesty: votes.and_then(|votes| votes.granted.as_ref()).map(|(name, _)| name.clone()),
        votes: votes.map_or(0, |votes| u32::try_from(votes.votes.len()).unwrap_or(u32::MAX)),
        pending: all.into_iter().filter(|slash| slash.status == "pending").collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::deferred_words;
    use retrace_ledger::{Amount, DeferredSlash, DeferredStatus, Height, SlashReason};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::PeerKey;

    /// L-5.17, W-3.1: a deferred slash says whose it is, why, and what became of it.
    #[test]
    fn deferred_slashes_say_what_became_of_them() {
        let words = |status| {
            let slash = DeferredSlash {
                dispute: Digest([1; 32]),
                peer: PeerKey([2; 32]),
                amount: Amount(700),
                bounty_to: None,
                reason: SlashReason::Lie,
                at: Height(9),
                status,
            };
            let words = deferred_words(3, &slash);
            assert_eq!((words.number, words.amount, words.reason.as_str()), (3, 700, "Lie"));
            assert_eq!((words.account, words.deferred_at), (PeerKey([2; 32]).to_string(), 9));
            (words.status, words.decided_at)
        };
        assert_eq!(words(DeferredStatus::Pending), ("pending".into(), None));
        assert_eq!(words(DeferredStatus::Executed { at: Height(12) }), ("executed".into(), Some(12)));
        assert_eq!(words(DeferredStatus::Forgiven { at: Height(11) }), ("forgiven".into(), Some(11)));
    }
}
