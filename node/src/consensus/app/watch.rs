//! Looks after the app itself: who is connected, and whether the height still moves (W-1.8).

use super::super::context::{Retrace, ValidatorSet};
use super::super::peers::peer_id;
use super::{App, Ending};
use malachite_app_channel::app::engine::util::events::Event;
use malachite_app_channel::app::events::{RxEvent, TxEvent};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::TryRecvError;

/// The height may stand still this long while others vote at later ones.
const STALL: Duration = Duration::from_secs(30);
/// The ledger may have a height that the engine is still at for this many looks.
const OVERTAKEN: u32 = 3;

/// What was seen so far.
pub struct Watch {
    events: RxEvent<Retrace>,
    /// The highest height that somebody voted at.
    seen: u64,
    /// Our height, and since when.
    height: u64,
    since: Instant,
    /// The engine's height, and how often the ledger had it already.
    engine: u64,
    overtaken: u32,
    /// The height that ends this engine, if it only follows; 0 if it votes.
    sits_out: u64,
}

impl Watch {
    /// Begins to watch.
    pub fn new(height: u64, sits_out: u64, events: &TxEvent<Retrace>) -> Watch {
        let (events, since) = (events.subscribe(), Instant::now());
        Watch { events, seen: 0, height, since, engine: 0, overtaken: 0, sits_out }
    }

    /// Reads what came. Nothing of it is verified: it may end a standstill too early, and nothing else.
    fn read(&mut self) {
        loop {
            match self.events.try_recv() {
                Ok(Event::Received(message)) => self.seen = self.seen.max(message.height().0),
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn ending(&mut self, head: u64, engine: u64, now: Instant) -> Option<Ending> {
        if head != self.height {
            (self.height, self.since) = (head, now);
        }
        // The ledger has a height first for a moment, while the next one is held back.
        let is_over = engine > 0 && engine == self.engine && head >= engine;
        self.overtaken = if is_over { self.overtaken + 1 } else { 0 };
        self.engine = engine;
        if self.overtaken >= OVERTAKEN {
            return Some(Ending::Overtaken);
        }
        if self.sits_out > 0 && head >= self.sits_out {
            return Some(Ending::CaughtUp);
        }
        // The height in progress is one above ours: votes there are no sign of being behind.
        let is_behind = self.seen > head.saturating_add(1);
        (is_behind && now.duration_since(self.since) >= STALL).then_some(Ending::Stalled { seen: self.seen })
    }
}

impl App {
    /// One look.
    pub(super) fn look(&mut self, connected: usize) -> Option<Ending> {
        self.watch.read();
        let engine = self.shared.look(connected);
        self.watch.ending(self.ledger.head().height.0, engine, Instant::now())
    }

    /// True if those who are connected have, with us, more than two thirds of the power.
    pub(super) async fn has_quorum(&self, set: &ValidatorSet) -> bool {
        let connected = self.doorkeeper.connected().await;
        let is_there = |node: &[u8; 32]| peer_id(node).is_some_and(|id| connected.contains(&id));
        let there = set.iter().filter(|v| v.address == self.own || is_there(&v.node));
        let power: u128 = there.map(|validator| u128::from(validator.power)).sum();
        power * 3 > u128::from(set.power()) * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W-1.8: a standstill is one only while others are ahead; a ledger that is ahead is noticed in seconds.
    #[test]
    fn standstills_are_noticed() {
        let mut watch = Watch::new(5, 0, &TxEvent::new());
        let start = watch.since;
        let at = |seconds| start + Duration::from_secs(seconds);
        watch.seen = 6;
        assert_eq!(watch.ending(5, 6, at(100)), None);
        watch.seen = 9;
        assert_eq!(watch.ending(5, 6, at(29)), None);
        assert_eq!(watch.ending(5, 6, at(30)), Some(Ending::Stalled { seen: 9 }));
        // A proposer that holds its block back at every look is not overtaken.
        for height in 6..16 {
            assert_eq!(watch.ending(height, height, at(31)), None);
        }
        let looks =
            [watch.ending(16, 15, at(32)), watch.ending(16, 15, at(33)), watch.ending(16, 15, at(34))];
        assert_eq!(looks, [None, None, Some(Ending::Overtaken)]);
    }

    /// W-1.5: a validator whose ledger is behind its sign state follows, and votes again when it is not.
    #[test]
    fn a_follower_ends_when_it_may_vote() {
        let mut watch = Watch::new(0, 7, &TxEvent::new());
        let now = watch.since;
        assert_eq!(watch.ending(6, 7, now), None);
        assert_eq!(watch.ending(7, 7, now), Some(Ending::CaughtUp));
    }
}
