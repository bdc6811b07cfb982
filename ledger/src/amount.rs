//! Amounts, heights, spans and moments: no bare numbers at a public door (L-1.3, L-3.3).

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// Units of value. All of a network fits 64 bits, which genesis checks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Amount(pub u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// Sum, or none past 64 bits.
    pub fn plus(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// Difference, or none below zero.
    pub fn minus(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// Product, or none past 64 bits.
    pub fn times(self, count: u64) -> Option<Amount> {
        self.0.checked_mul(count).map(Amount)
    }

    /// A share in parts per million, rounded down; a rate above one counts as one.
    pub fn share(self, rate_ppm: u32) -> Amount {
        let rate = u128::from(rate_ppm.min(crate::econ::PPM));
        // At most self, so it fits.
        Amount((u128::from(self.0) * rate / u128::from(crate::econ::PPM)) as u64)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of a block; genesis is 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Height(pub u64);

impl Height {
    /// The height `heights` later.
    pub fn after(self, heights: u64) -> Height {
        Height(self.0.saturating_add(heights))
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length of ledger time: it is over when both parts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Span {
    /// Blocks.
    pub heights: u64,
    /// Credited milliseconds.
    pub ms: u64,
}

/// A point of ledger time: a height, and the time credited up to it (L-3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Moment {
    /// Height.
    pub height: Height,
    /// Sum of the blocks' credits, in milliseconds. It has nothing to do with the time of day.
    pub credited_ms: u64,
}

impl Moment {
    /// The moment a span later.
    pub fn after(self, span: Span) -> Moment {
        Moment {
            height: self.height.after(span.heights),
            credited_ms: self.credited_ms.saturating_add(span.ms),
        }
    }

    /// True once `now` is past this moment in height **and** in credited time.
    pub fn is_past(self, now: Moment) -> bool {
        now.height > self.height && now.credited_ms > self.credited_ms
    }

    /// What passed since an earlier moment.
    pub fn since(self, earlier: Moment) -> Span {
        Span {
            heights: self.height.0.saturating_sub(earlier.height.0),
            ms: self.credited_ms.saturating_sub(earlier.credited_ms),
        }
    }
}

impl Span {
    /// Both parts added.
    pub fn plus(self, other: Span) -> Span {
        Span { heights: self.heights.saturating_add(other.heights), ms: self.ms.saturating_add(other.ms) }
    }

    /// True when neither part is shorter than the other's.
    pub fn covers(self, other: Span) -> bool {
        self.heights >= other.heights && self.ms >= other.ms
    }

    /// True when both parts are longer than the budget's.
    pub fn exceeds(self, budget: Span) -> bool {
        self.heights > budget.heights && self.ms > budget.ms
    }

    /// True when neither part is below `low` or above `high`.
    pub fn is_within(self, low: Span, high: Span) -> bool {
        (low.heights..=high.heights).contains(&self.heights) && (low.ms..=high.ms).contains(&self.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Height, Moment, Span};

    /// L-1.3: sums are checked, shares are rounded down and never exceed the whole.
    #[test]
    fn amounts() {
        assert_eq!(Amount(1).plus(Amount(u64::MAX)), None);
        assert_eq!(Amount(1).minus(Amount(2)), None);
        assert_eq!(Amount(u64::MAX).times(2), None);
        assert_eq!(Amount(999_999).share(1), Amount(0));
        assert_eq!(Amount(u64::MAX).share(1_000_000), Amount(u64::MAX));
        assert_eq!(Amount(u64::MAX).share(u32::MAX), Amount(u64::MAX));
    }

    /// L-3.3: a deadline is past when both of its parts are.
    #[test]
    fn moments() {
        let at = |height, credited_ms| Moment { height: Height(height), credited_ms };
        let deadline = at(10, 1_000).after(Span { heights: 5, ms: 500 });
        let rows =
            [(15, 1_501, false), (16, 1_500, false), (16, 1_501, true), (99, 0, false), (0, 9_999, false)];
        for (height, ms, past) in rows {
            assert_eq!(deadline.is_past(at(height, ms)), past, "{height} {ms}");
        }
        assert_eq!(at(5, 7).since(at(6, 2)), Span { heights: 0, ms: 5 });
    }
}
