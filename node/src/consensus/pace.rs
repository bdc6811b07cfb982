//! When the next height may begin (W-1.6).

use super::context::{HEARTBEAT, INTERVAL};
use std::time::{Duration, Instant};

/// How long a proposer still holds back the next height; none if it may begin.
///
/// `anchor` is when the last block was first seen here: about the time in its header.
pub fn hold(anchor: Instant, now: Instant, has_pending: bool) -> Option<Duration> {
    let since = now.saturating_duration_since(anchor);
    let least = if has_pending { INTERVAL } else { HEARTBEAT };
    least.checked_sub(since).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W-1.6: 100 ms between blocks with transactions, a second without.
    #[test]
    fn blocks_keep_their_distance() {
        let anchor = Instant::now();
        let at = |ms, has_pending| {
            hold(anchor, anchor + Duration::from_millis(ms), has_pending).map(|left| left.as_millis())
        };
        assert_eq!([at(0, true), at(99, true), at(100, true)], [Some(100), Some(1), None]);
        assert_eq!([at(100, false), at(999, false), at(1000, false)], [Some(900), Some(1), None]);
        assert_eq!(hold(anchor + Duration::from_secs(1), anchor, false), Some(HEARTBEAT));
    }
}
