//! Chess clocks: the accused has one for a claim, a challenger one for its dispute (L-3.4).

use crate::amount::{Moment, Span};
use borsh::{BorshDeserialize, BorshSerialize};

/// A clock with one budget for all moves; it runs while moves are owed, and a halt of the ledger costs nobody
/// anything: it has run out only in heights **and** in credited time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clock {
    /// What may be used in all.
    pub budget: Span,
    /// What was used before it last started.
    pub used: Span,
    /// Since when it runs; none while it stands still.
    pub since: Option<Moment>,
}

impl Clock {
    /// A full clock that stands still.
    pub fn full(budget: Span) -> Clock {
        Clock { budget, ..Clock::default() }
    }

    /// What is used at a moment.
    pub fn used_at(&self, now: Moment) -> Span {
        self.since.map_or(self.used, |since| self.used.plus(now.since(since)))
    }

    /// True when more than the budget is used, in heights **and** in credited time.
    pub fn has_expired(&self, now: Moment) -> bool {
        self.used_at(now).exceeds(self.budget)
    }

    /// Starts it, unless it runs.
    pub(crate) fn start(&mut self, now: Moment) {
        self.since = self.since.or(Some(now));
    }

    /// Stops it.
    pub(crate) fn stop(&mut self, now: Moment) {
        self.used = self.used_at(now);
        self.since = None;
    }
}

/// The one clock of whoever answers for a claim, whatever the number of disputes over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Defense {
    /// Runs while at least one started dispute over the claim waits for the accused.
    pub clock: Clock,
    /// How many wait for it.
    pub waiting: u32,
}

impl Defense {
    /// Makes the budget longer, for one more dispute.
    pub(crate) fn extend(&mut self, by: Span) {
        self.clock.budget = self.clock.budget.plus(by);
    }

    /// One more dispute waits for the accused.
    pub(crate) fn owe(&mut self, now: Moment) {
        self.waiting = self.waiting.saturating_add(1);
        self.clock.start(now);
    }

    /// One dispute waits no more.
    pub(crate) fn answer(&mut self, now: Moment) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0 {
            self.clock.stop(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Defense};
    use crate::amount::{Height, Moment, Span};

    fn at(height: u64, credited_ms: u64) -> Moment {
        Moment { height: Height(height), credited_ms }
    }

    /// L-3.4: one budget for all moves; a clock that stands still uses nothing; both parts have to run out.
    #[test]
    fn clocks_are_budgets() {
        let mut clock = Clock::full(Span { heights: 10, ms: 1_000 });
        clock.start(at(100, 5_000));
        clock.start(at(103, 5_300));
        clock.stop(at(106, 5_600));
        assert_eq!(clock.used_at(at(999, 999_999)), Span { heights: 6, ms: 600 });
        clock.start(at(200, 5_700));
        assert_eq!(clock.used_at(at(204, 5_900)), Span { heights: 10, ms: 800 });
        assert!(!clock.has_expired(at(300, 6_100)), "no more than a thousand credited");
        assert!(!clock.has_expired(at(204, 9_000)), "no more than ten heights");
        assert!(clock.has_expired(at(205, 6_101)));
    }

    /// L-3.4: two disputes that wait at once cost the accused the time that passes, not twice that.
    #[test]
    fn a_defense_uses_the_union() {
        let mut defense = Defense::default();
        defense.extend(Span { heights: 4, ms: 400 });
        defense.owe(at(10, 0));
        defense.owe(at(12, 200));
        defense.answer(at(14, 400));
        assert_eq!(defense.clock.used_at(at(15, 500)), Span { heights: 5, ms: 500 });
        defense.answer(at(15, 500));
        assert_eq!(defense.clock.used_at(at(99, 9_999)), Span { heights: 5, ms: 500 });
        assert!(defense.clock.has_expired(at(99, 9_999)));
        defense.extend(Span { heights: 4, ms: 400 });
        assert!(!defense.clock.has_expired(at(99, 9_999)), "another dispute, another span");
    }
}
