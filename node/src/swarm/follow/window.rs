//! The window: which ranges are asked for, from whom, and in what order they are applied. It asks nobody itself.

use super::range::Checked;
use libp2p::PeerId;
use retrace_ledger::Height;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Ranges on the way or waiting to be applied.
const RANGES_MAX: usize = 6;
/// Ranges on the way from one peer; it answers as many at a time.
const RANGES_PER_PEER: usize = 2;
/// Blocks of the first range.
const COUNT_FIRST: u32 = 64;
/// Most blocks of a range.
const COUNT_MAX: u32 = 512;
/// Bytes that an answer should have: well below what is allowed.
const ANSWER_BYTES: usize = 1 << 20;
/// How long a range that nobody sent rests before all are asked again.
const REST: Duration = Duration::from_millis(300);

/// How long a peer that was too slow is asked last.
const SLOW_REST: Duration = Duration::from_secs(20);

/// A range to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Order {
    /// Whom.
    pub(in super::super) peer: PeerId,
    /// The first height.
    pub(in super::super) from: Height,
    /// How many blocks.
    pub(in super::super) count: u32,
}

/// A range that nobody is asked for at the moment.
#[derive(Clone, Debug)]
struct Open {
    count: u32,
    tried: BTreeSet<PeerId>,
    not_before: Instant,
}

/// The window.
pub(in super::super) struct Window {
    /// Blocks of the next range.
    count: u32,
    /// The first height that was never asked for.
    next: u64,
    open: BTreeMap<u64, Open>,
    asked: BTreeMap<u64, (PeerId, Open)>,
    ready: BTreeMap<u64, (PeerId, Vec<Checked>)>,
    /// Peers that were too slow, until when others are asked first.
    resting: BTreeMap<PeerId, Instant>,
    applying: Option<u64>,
}

impl Window {
    /// A window over a chain that ends at `head`.
    pub(in super::super) fn new(head: Height) -> Window {
        Window {
            count: COUNT_FIRST,
            next: head.0 + 1,
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
            ready: BTreeMap::new(),
            resting: BTreeMap::new(),
            applying: None,
        }
    }

    /// The chain has come to `head`, here or by other ways: what lies behind is not needed.
    pub(in super::super) fn pass(&mut self, head: Height) {
        self.next = self.next.max(head.0 + 1);
        self.ready.retain(|from, (_, blocks)| from + blocks.len() as u64 > head.0 + 1);
        let behind: Vec<u64> = self.open.range(..=head.0).map(|(from, _)| *from).collect();
        for from in behind {
            if let Some(mut open) = self.open.remove(&from) {
                let end = from + u64::from(open.count);
                open.count = u32::try_from(end.saturating_sub(head.0 + 1)).unwrap_or(0);
                if open.count > 0 {
                    self.open.insert(head.0 + 1, open);
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.asked.len() + self.ready.len() + usize::from(self.applying.is_some()) >= RANGES_MAX
    }

    /// The next range to ask for, if somebody can send one.
    pub(in super::super) fn order(&mut self, tips: &[(PeerId, Height)], now: Instant) -> Option<Order> {
        self.order_open(tips, now).or_else(|| self.order_next(tips, now))
    }

    /// A range that was asked for before, and did not come.
    fn order_open(&mut self, tips: &[(PeerId, Height)], now: Instant) -> Option<Order> {
        let due: Vec<u64> =
            self.open.iter().filter(|(_, open)| now >= open.not_before).map(|(from, _)| *from).collect();
        for from in due {
            // The lowest range holds everything up: it is asked for even when the window is full.
            let is_lowest = self.asked.keys().chain(self.ready.keys()).all(|other| *other > from);
            if self.is_full() && !is_lowest {
                return None;
            }
            let tried = self.open.get(&from).map(|open| open.tried.clone()).unwrap_or_default();
            if let Some(peer) = self.choose(tips, from, &tried, now) {
                let open = self.open.remove(&from)?;
                return Some(self.ask(peer, from, open));
            }
            if let Some(open) = self.open.get_mut(&from).filter(|open| !open.tried.is_empty()) {
                // Everybody who could has been tried: they are asked again after a rest.
                (open.tried, open.not_before) = (BTreeSet::new(), now + REST);
            }
        }
        None
    }

    /// The range after all that were asked for.
    fn order_next(&mut self, tips: &[(PeerId, Height)], now: Instant) -> Option<Order> {
        if self.is_full() {
            return None;
        }
        let (from, nobody) = (self.next, BTreeSet::new());
        let peer = self.choose(tips, from, &nobody, now)?;
        let theirs = tips.iter().find(|(known, _)| *known == peer).map_or(from, |(_, height)| height.0);
        let count = self.count.min(u32::try_from(theirs - from + 1).unwrap_or(COUNT_MAX));
        self.next += u64::from(count);
        Some(self.ask(peer, from, Open { count, tried: nobody, not_before: now }))
    }

    fn ask(&mut self, peer: PeerId, from: u64, open: Open) -> Order {
        let count = open.count;
        self.asked.insert(from, (peer, open));
        Order { peer, from: Height(from), count }
    }

    /// Of the peers that have a height, the one that is asked for the least; slow ones only if there are no others.
    fn choose(
        &self,
        tips: &[(PeerId, Height)],
        from: u64,
        tried: &BTreeSet<PeerId>,
        now: Instant,
    ) -> Option<PeerId> {
        let load = |peer: &PeerId| self.asked.values().filter(|(asked, _)| asked == peer).count();
        let rests = |peer: &PeerId| self.resting.get(peer).is_some_and(|until| now < *until);
        let able = tips.iter().filter(|(peer, height)| {
            height.0 >= from && !tried.contains(peer) && load(peer) < RANGES_PER_PEER
        });
        let ranked = able.map(|(peer, height)| (rests(peer), load(peer), std::cmp::Reverse(height.0), *peer));
        ranked.min().map(|(_, _, _, peer)| peer)
    }

    /// Takes an order back; none if it was given up meanwhile, and perhaps given to somebody else.
    fn take_asked(&mut self, order: &Order) -> Option<Open> {
        let (peer, open) = self.asked.get(&order.from.0)?;
        let is_this = *peer == order.peer && open.count == order.count;
        is_this.then(|| self.asked.remove(&order.from.0)).flatten().map(|(_, open)| open)
    }

    /// Blocks came, perhaps fewer than were asked for.
    pub(in super::super) fn arrived(&mut self, order: &Order, blocks: Vec<Checked>, bytes: usize) {
        let Some(open) = self.take_asked(order) else { return };
        let found = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        if found < open.count {
            let rest =
                Open { count: open.count - found, tried: BTreeSet::new(), not_before: open.not_before };
            self.open.insert(order.from.0 + u64::from(found), rest);
        }
        let fitting = ANSWER_BYTES / (bytes / blocks.len().max(1)).max(1);
        self.count = u32::try_from(fitting).unwrap_or(COUNT_MAX).clamp(1, (self.count * 2).min(COUNT_MAX));
        self.ready.insert(order.from.0, (order.peer, blocks));
    }

    /// Nothing of use came: somebody else is asked.
    pub(in super::super) fn failed(&mut self, order: &Order, is_late: bool, now: Instant) {
        let Some(mut open) = self.take_asked(order) else { return };
        open.tried.insert(order.peer);
        open.not_before = now;
        self.resting.retain(|_, until| now < *until);
        if is_late {
            self.resting.insert(order.peer, now + SLOW_REST);
        }
        if is_late && open.count > 1 {
            self.count = (self.count / 2).max(1);
            let rest = open.count / 2;
            let tail = Open { count: rest, tried: BTreeSet::new(), not_before: now };
            open.count -= rest;
            self.open.insert(order.from.0 + u64::from(open.count), tail);
        }
        self.open.insert(order.from.0, open);
    }

    /// What was taken is applied, or was found wrong.
    pub(in super::super) fn settled(&mut self) {
        self.applying = None;
    }

    /// The range that continues the chain, if it is here.
    pub(in super::super) fn take_ready(&mut self, head: Height) -> Option<(PeerId, Vec<Checked>)> {
        let (from, (_, blocks)) = self.ready.first_key_value()?;
        let (from, end) = (*from, from + blocks.len() as u64);
        if from > head.0 + 1 || end <= head.0 + 1 {
            return None;
        }
        self.applying = Some(from);
        self.ready.remove(&from)
    }

    /// What a peer sent does not follow from the chain: none of it is used, and others are asked for all after `head`.
    pub(in super::super) fn distrust(&mut self, peer: PeerId, head: Height) {
        self.restart(head);
        self.count = COUNT_FIRST;
        let tried = BTreeSet::from([peer]);
        self.open.insert(head.0 + 1, Open { count: 1, tried, not_before: Instant::now() });
        self.next = head.0 + 2;
    }

    /// Begins anew after `head`; what is on the way is dropped when it comes.
    pub(in super::super) fn restart(&mut self, head: Height) {
        (self.open, self.asked, self.ready) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        self.applying = None;
        self.next = head.0 + 1;
    }
}
