//! Durations as the figures that are told of them.

use serde::Serialize;
use std::time::Duration;

/// The middle and the slow end of some durations, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many were measured.
    pub count: usize,
    /// Half are at most this.
    pub p50: f64,
    /// Ninety-nine in a hundred are at most this; with fewer than a hundred, all are.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Figures {
    /// Figures of durations; none without any.
    pub fn of(mut durations: Vec<Duration>) -> Option<Figures> {
        durations.sort_unstable();
        let at = |percent: usize| {
            // The smallest value that so many percent are at most.
            let rank = (durations.len() * percent).div_ceil(100).max(1);
            durations.get(rank - 1).map(|duration| duration.as_secs_f64() * 1e3)
        };
        Some(Figures { count: durations.len(), p50: at(50)?, p99: at(99)?, max: at(100)? })
    }
}

/// Figures for people.
pub fn spread(figures: &Figures) -> String {
    let Figures { count, p50, p99, max } = figures;
    format!("p50 {p50:.0} ms, p99 {p99:.0} ms, longest {max:.0} ms, of {count}")
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use std::time::Duration;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let ms = |values: &[u64]| Figures::of(values.iter().map(|n| Duration::from_millis(*n)).collect());
        assert_eq!(ms(&[]), None);
        let one = ms(&[7]).unwrap();
        assert_eq!((one.p50, one.p99, one.max), (7.0, 7.0, 7.0));
        let many: Vec<u64> = (1..=200).rev().collect();
        let found = ms(&many).unwrap();
        assert_eq!((found.p50, found.p99, found.max, found.count), (100.0, 198.0, 200.0, 200));
    }
}
