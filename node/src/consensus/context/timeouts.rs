//! How long a step of a round may take (W-1.6).

use super::Retrace;
use malachite_core_types::{self as engine, Timeout, TimeoutKind};
use std::time::Duration;

/// Longest time without a block when nothing is pending.
pub const HEARTBEAT: Duration = Duration::from_millis(1000);
/// Shortest time between two blocks.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// What a proposal has in a round whose proposer answers at once.
const PROPOSE: Duration = Duration::from_millis(500);
/// What the votes of others have, once two thirds have voted for different things.
const VOTE: Duration = Duration::from_millis(250);
/// What a proposal has more in each later round.
const PROPOSE_MORE: Duration = Duration::from_millis(250);
/// What votes have more in each later round.
const VOTE_MORE: Duration = Duration::from_millis(125);
/// After this long in one step, votes are sent again.
const REBROADCAST: Duration = Duration::from_millis(2500);
/// No step has more.
const LONGEST: Duration = Duration::from_secs(10);

/// The timeouts of a height: all heights have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts;

impl engine::Timeouts<Retrace> for Timeouts {
    fn duration_for(&self, timeout: Timeout) -> Duration {
        let round = timeout.round.as_u32().unwrap_or(0);
        let grown = |first: Duration, more: Duration, rounds: u32| {
            first.saturating_add(more.saturating_mul(rounds)).min(LONGEST)
        };
        match timeout.kind {
            // The first proposer may hold its block back until the heartbeat; a later one has no reason to.
            TimeoutKind::Propose if round == 0 => HEARTBEAT + PROPOSE,
            TimeoutKind::Propose => grown(PROPOSE, PROPOSE_MORE, round - 1),
            TimeoutKind::Prevote | TimeoutKind::Precommit => grown(VOTE, VOTE_MORE, round),
            TimeoutKind::Rebroadcast => grown(REBROADCAST, PROPOSE_MORE, round),
            TimeoutKind::FinalizeHeight(duration) => duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use malachite_core_types::{Round, Timeouts as _};

    fn of(timeout: Timeout) -> u128 {
        Timeouts.duration_for(timeout).as_millis()
    }

    /// W-1.6: the first proposer has its heartbeat on top; later rounds grow and end at ten seconds.
    #[test]
    fn later_rounds_have_more_time() {
        let propose = |round| of(Timeout::propose(Round::new(round)));
        assert_eq!([propose(0), propose(1), propose(2), propose(500)], [1500, 500, 750, 10_000]);
        let prevote = |round| of(Timeout::prevote(Round::new(round)));
        assert_eq!([prevote(0), prevote(4), prevote(u32::MAX)], [250, 750, 10_000]);
        assert_eq!(of(Timeout::rebroadcast(Round::ZERO)), 2500);
    }
}
