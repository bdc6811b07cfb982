//! What a peer may cost: points for what was refused, budgets for what it asks, waits between dials (W-2.3).

use super::refused::POINTS_MAX;
use std::time::{Duration, Instant};

/// How long a peer is dropped the first time; each further time twice as long.
const DROP_FIRST: Duration = Duration::from_secs(30);
/// Most doublings.
const DROP_DOUBLINGS_MAX: u32 = 7;
/// Time in which one point is forgiven.
const FORGIVEN_IN: Duration = Duration::from_secs(1);

/// Points of one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    points: u32,
    at: Instant,
    drops: u32,
    dropped_until: Option<Instant>,
}

impl Standing {
    pub(super) fn new(now: Instant) -> Standing {
        Standing { points: 0, at: now, drops: 0, dropped_until: None }
    }

    fn forgive(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs() / FORGIVEN_IN.as_secs();
        self.points = self.points.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
        self.at += FORGIVEN_IN * u32::try_from(passed).unwrap_or(0);
    }

    /// Adds points; true if the peer is to be dropped from now on.
    pub(super) fn blame(&mut self, points: u32, now: Instant) -> bool {
        self.forgive(now);
        self.points = self.points.saturating_add(points);
        if self.points < POINTS_MAX || self.is_dropped(now) {
            return false;
        }
        self.dropped_until = Some(now + DROP_FIRST * (1 << self.drops.min(DROP_DOUBLINGS_MAX)));
        self.drops += 1;
        self.points = 0;
        true
    }

    /// True while no connection with the peer is kept.
    pub(super) fn is_dropped(&self, now: Instant) -> bool {
        self.dropped_until.is_some_and(|until| now < until)
    }

    /// True when nothing about it is worth remembering.
    pub(super) fn is_clean(&self, now: Instant) -> bool {
        let settled = now.saturating_duration_since(self.at).as_secs() >= u64::from(self.points);
        settled && self.dropped_until.is_none_or(|until| now > until + DROP_FIRST * 4)
    }
}

/// So many units in a second, and as many at once after a pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    per_second: u64,
    left: i64,
    at: Instant,
}

impl Budget {
    pub(super) fn new(per_second: u64, now: Instant) -> Budget {
        Budget { per_second, left: i64::try_from(per_second).unwrap_or(i64::MAX), at: now }
    }

    fn refill(&mut self, now: Instant) {
        let micros = now.saturating_duration_since(self.at).as_micros();
        let gained = micros.saturating_mul(u128::from(self.per_second)) / 1_000_000;
        if gained > 0 {
            let most = i64::try_from(self.per_second).unwrap_or(i64::MAX);
            self.left = self.left.saturating_add(i64::try_from(gained).unwrap_or(i64::MAX)).min(most);
            self.at = now;
        }
    }

    /// True when anything is left. What is spent is known only afterwards, so a budget may be overdrawn once.
    pub(super) fn has_left(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left > 0
    }

    /// True when more than a second's worth is owed.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.left < -i64::try_from(self.per_second).unwrap_or(i64::MAX)
    }

    /// Spends.
    pub(super) fn spend(&mut self, units: u64) {
        self.left = self.left.saturating_sub(i64::try_from(units).unwrap_or(i64::MAX));
    }
}

/// First wait after a failed dial.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Waits between attempts, each twice the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    failures: u32,
    due: Instant,
}

impl Backoff {
    pub(super) fn new(now: Instant) -> Backoff {
        Backoff { failures: 0, due: now }
    }

    /// True when it is time to try.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// How often it failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// It failed, or is being tried: wait.
    pub(super) fn wait(&mut self, now: Instant) {
        self.due = now + (WAIT_FIRST * (1 << self.failures.min(8))).min(WAIT_MAX);
        self.failures += 1;
    }

    /// It worked: the next attempt may come soon.
    pub(super) fn reset(&mut self, now: Instant) {
        *self = Backoff { failures: 0, due: now + WAIT_FIRST };
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Budget, DROP_FIRST, POINTS_MAX, Standing, WAIT_MAX};
    use std::time::{Duration, Instant};

    /// W-2.3: points are forgiven one a second; enough of them at once drop a peer, each time for longer.
    #[test]
    fn points_are_forgiven_and_drops_grow() {
        let start = Instant::now();
        let mut standing = Standing::new(start);
        assert!(!standing.blame(60, start));
        assert!(!standing.blame(60, start + Duration::from_secs(30)), "30 of the first 60 are forgiven");
        assert!(standing.blame(60, start + Duration::from_secs(31)));
        let dropped = start + Duration::from_secs(31);
        assert!(standing.is_dropped(dropped) && !standing.is_dropped(dropped + DROP_FIRST));
        let again = dropped + DROP_FIRST;
        assert!(standing.blame(POINTS_MAX, again));
        assert!(standing.is_dropped(again + DROP_FIRST) && !standing.is_dropped(again + DROP_FIRST * 2));
        assert!(!standing.is_clean(again) && standing.is_clean(again + DROP_FIRST * 8));
    }

    /// W-2.3: a budget is spent, and comes back with time.
    #[test]
    fn budgets_come_back_with_time() {
        let start = Instant::now();
        let mut budget = Budget::new(1000, start);
        budget.spend(1500);
        assert!(!budget.is_overdrawn());
        assert!(!budget.has_left(start) && !budget.has_left(start + Duration::from_millis(499)));
        assert!(budget.has_left(start + Duration::from_millis(510)));
        assert!(budget.has_left(start + Duration::from_secs(3600)));
        budget.spend(1000);
        assert!(!budget.has_left(start + Duration::from_secs(3600)), "a long pause gives one second's worth");
        budget.spend(1001);
        assert!(budget.is_overdrawn());
    }

    /// W-2.7: waits double up to a bound, and begin anew after a success.
    #[test]
    fn waits_double_up_to_a_bound() {
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        assert!(backoff.is_due(now));
        for _ in 0..20 {
            backoff.wait(now);
        }
        assert!(!backoff.is_due(now + WAIT_MAX / 2) && backoff.is_due(now + WAIT_MAX));
        backoff.reset(now);
        assert_eq!(backoff.failures(), 0);
        assert!(backoff.is_due(now + Duration::from_millis(250)));
    }
}
