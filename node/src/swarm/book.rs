//! The book of peers: who is connected, where they are said to be, what they have and what they cost (W-2.7).

use super::address::{Reach, reach};
use super::limits::{IDENTITY_PATIENCE, Limits, REMEMBERED_MAX, SERVING_IN_ALL, SERVING_PER_PEER};
use super::refused::Refused;
use super::standing::{Backoff, Budget, Standing};
use super::wire::{Channel, Tip};
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use retrace_ledger::Height;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time after which a peer that lacks a block is told of it whatever others do.
const TOLD_INTERVAL: Duration = Duration::from_secs(2);
/// Failed dials in a row after which a peer is forgotten.
const FAILURES_MAX: u32 = 16;

/// One connection.
#[derive(Clone, Debug)]
struct Link {
    id: ConnectionId,
    address: Multiaddr,
    is_outbound: bool,
}

/// What is known of one peer.
#[derive(Clone, Debug)]
struct Peer {
    addresses: Vec<Multiaddr>,
    links: Vec<Link>,
    since: Instant,
    is_ready: bool,
    tip: Option<Tip>,
    told: Height,
    is_being_told: bool,
    told_at: Option<Instant>,
    standing: Standing,
    questions: Budget,
    bytes: Budget,
    gossip: Budget,
    serving: [usize; 3],
    dial: Backoff,
}

impl Peer {
    fn is_to_tell(&self, height: Height) -> bool {
        let lacks_it = self.told < height && self.tip.is_none_or(|tip| tip.height < height);
        self.is_ready && !self.is_being_told && lacks_it
    }
}

/// A connected peer, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its peer id.
    pub peer_id: String,
    /// Where the connection goes.
    pub addr: String,
    /// Height of its last block, as it says.
    pub height: Height,
    /// True if this node opened the connection.
    pub is_outbound: bool,
}

/// When a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now.
    Now,
    /// When there is room again.
    Later,
    /// Who asks so much is to blame.
    TooFast,
}

/// All peers.
#[derive(Debug)]
pub(super) struct Book {
    own: PeerId,
    limits: Limits,
    peers: BTreeMap<PeerId, Peer>,
    doomed: Vec<PeerId>,
    serving: [usize; 3],
}

impl Book {
    pub(super) fn new(own: PeerId, limits: Limits) -> Book {
        Book { own, limits, peers: BTreeMap::new(), doomed: Vec::new(), serving: [0; 3] }
    }

    fn entry(&mut self, peer: PeerId, now: Instant) -> &mut Peer {
        let limits = &self.limits;
        self.peers.entry(peer).or_insert_with(|| Peer {
            addresses: Vec::new(),
            links: Vec::new(),
            since: now,
            is_ready: false,
            tip: None,
            told: Height(0),
            is_being_told: false,
            told_at: None,
            standing: Standing::new(now),
            questions: Budget::new(limits.questions_per_second, now),
            bytes: Budget::new(limits.served_bytes_per_second, now),
            gossip: Budget::new(limits.gossip_per_second, now),
            serving: [0; 3],
            dial: Backoff::new(now),
        })
    }

    /// A connection was opened.
    pub(super) fn link(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        address: Multiaddr,
        is_outbound: bool,
        now: Instant,
    ) {
        let entry = self.entry(peer, now);
        if entry.links.is_empty() {
            (entry.since, entry.is_ready, entry.tip) = (now, false, None);
            (entry.told, entry.told_at, entry.is_being_told) = (Height(0), None, false);
        }
        entry.links.push(Link { id, address, is_outbound });
        entry.dial.reset(now);
    }

    /// A connection was closed.
    pub(super) fn unlink(&mut self, peer: &PeerId, id: ConnectionId, now: Instant) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.links.retain(|link| link.id != id);
            if entry.links.is_empty() {
                (entry.is_ready, entry.tip) = (false, None);
                entry.dial.reset(now);
            }
        }
        self.forget_some(now);
    }

    /// All connections are gone.
    pub(super) fn unlink_all(&mut self, now: Instant) {
        self.serving = [0; 3];
        for entry in self.peers.values_mut() {
            entry.links.clear();
            (entry.is_ready, entry.tip, entry.serving) = (false, None, [0; 3]);
            entry.dial.reset(now);
        }
    }

    /// How near a connected peer is.
    pub(super) fn reach_of(&self, peer: &PeerId) -> Option<Reach> {
        self.peers.get(peer)?.links.iter().find_map(|link| reach(&link.address))
    }

    /// A connected peer said that it is of this network, and where it listens; true the first time.
    pub(super) fn ready(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) -> bool {
        let entry = self.entry(peer, now);
        if !addresses.is_empty() {
            entry.addresses = addresses;
        }
        !entry.links.is_empty() && !std::mem::replace(&mut entry.is_ready, true)
    }

    /// Somebody told of a peer.
    pub(super) fn learn(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) {
        if peer == self.own || addresses.is_empty() {
            return;
        }
        if !self.peers.contains_key(&peer) {
            self.make_room(REMEMBERED_MAX - 1, now);
        }
        let entry = self.entry(peer, now);
        // Who is connected has said itself where it listens.
        if entry.links.is_empty() {
            entry.addresses = addresses;
        }
    }

    /// Peers whose questions are answered and who may be asked.
    pub(super) fn ready_peers(&self) -> Vec<PeerId> {
        self.peers.iter().filter(|(_, p)| p.is_ready).map(|(peer, _)| *peer).collect()
    }

    /// Connected peers with addresses to tell others.
    pub(super) fn addresses(&self) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let told = self.peers.iter().filter(|(_, p)| p.is_ready && !p.addresses.is_empty());
        told.map(|(peer, p)| (*peer, p.addresses.clone())).collect()
    }

    /// What a peer says of its last block; true if it is news.
    pub(super) fn note_tip(&mut self, peer: &PeerId, tip: Tip) -> bool {
        let Some(entry) = self.peers.get_mut(peer).filter(|p| p.is_ready) else { return false };
        let is_news = entry.tip.is_none_or(|known| tip.height > known.height);
        entry.tip = Some(tip);
        is_news
    }

    /// The peer does not have what it announced.
    pub(super) fn doubt_tip(&mut self, peer: &PeerId, below: Height) {
        if let Some(tip) = self.peers.get_mut(peer).and_then(|p| p.tip.as_mut())
            && tip.height >= below
        {
            tip.height = Height(below.0.saturating_sub(1));
        }
    }

    /// Last blocks of all who said.
    pub(super) fn tips(&self) -> Vec<(PeerId, Tip)> {
        self.peers.iter().filter_map(|(peer, p)| Some((*peer, p.tip?))).collect()
    }

    /// Whom to tell of a block, each marked as being told until [`Book::told`]: all who were not told anything for a
    /// while, and some of the others, who pass it on.
    pub(super) fn to_tell(&mut self, height: Height, some: usize, turn: usize, now: Instant) -> Vec<PeerId> {
        let lack = self.peers.iter().filter(|(_, p)| p.is_to_tell(height));
        let (mut chosen, mut others): (Vec<PeerId>, Vec<PeerId>) = (Vec::new(), Vec::new());
        for (peer, p) in lack {
            let is_overdue = p.told_at.is_none_or(|at| now.duration_since(at) >= TOLD_INTERVAL);
            if is_overdue { chosen.push(*peer) } else { others.push(*peer) }
        }
        if !others.is_empty() {
            let first = turn % others.len();
            others.rotate_left(first);
        }
        chosen.extend(others.into_iter().take(some));
        chosen.retain(|peer| self.is_to_tell(peer, height, now));
        chosen
    }

    /// A peer was told. One that did not answer is told again, after a while.
    pub(super) fn told(&mut self, peer: &PeerId, height: Height, is_answered: bool) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.is_being_told = false;
            if is_answered {
                entry.told = entry.told.max(height);
            }
        }
    }

    /// True if this one peer has to be told of a block; it is then marked as being told.
    pub(super) fn is_to_tell(&mut self, peer: &PeerId, height: Height, now: Instant) -> bool {
        let Some(entry) = self.peers.get_mut(peer) else { return false };
        let is_due = entry.is_to_tell(height);
        if is_due {
            (entry.is_being_told, entry.told_at) = (true, Some(now));
        }
        is_due
    }

    /// Blames a peer; true if it is to be dropped.
    pub(super) fn blame(&mut self, peer: PeerId, refused: Refused, now: Instant) -> bool {
        let is_dropped = self.entry(peer, now).standing.blame(refused.points(), now);
        if is_dropped {
            self.doomed.push(peer);
        }
        is_dropped
    }

    /// Drops a peer without more blame, as one of another network.
    pub(super) fn take_doomed(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.doomed)
    }

    /// True while no connection with the peer is kept.
    pub(super) fn is_dropped(&self, peer: &PeerId, now: Instant) -> bool {
        self.peers.get(peer).is_some_and(|p| p.standing.is_dropped(now))
    }

    /// A question came: is it answered now, or later, or is the asker to blame?
    pub(super) fn begin_serving(&mut self, peer: PeerId, channel: Channel, now: Instant) -> Turn {
        let at = channel.index();
        let has_room = self.serving[at] < SERVING_IN_ALL[at];
        let entry = self.entry(peer, now);
        let has_left = entry.questions.has_left(now) && entry.bytes.has_left(now);
        entry.questions.spend(1);
        if entry.questions.is_overdrawn() {
            return Turn::TooFast;
        }
        if !has_room || !has_left || entry.serving[at] >= SERVING_PER_PEER[at] {
            return Turn::Later;
        }
        entry.serving[at] += 1;
        self.serving[at] += 1;
        Turn::Now
    }

    /// Transactions were pushed in one question: each is one.
    pub(super) fn charge_pushed(&mut self, peer: &PeerId, count: usize) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.questions.spend(count as u64);
        }
    }

    /// A peer passed gossip on; true if it is too much.
    pub(super) fn note_gossip(&mut self, peer: PeerId, now: Instant) -> bool {
        let entry = self.entry(peer, now);
        // Asking whether any is left refills the budget.
        let _has_left = entry.gossip.has_left(now);
        entry.gossip.spend(1);
        entry.gossip.is_overdrawn()
    }

    /// An answer cost so many bytes to make.
    pub(super) fn charge(&mut self, peer: &PeerId, bytes: u64) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.bytes.spend(bytes);
        }
    }

    /// An answer was read, or never will be.
    pub(super) fn end_serving(&mut self, peer: &PeerId, channel: Channel) {
        let at = channel.index();
        self.serving[at] = self.serving[at].saturating_sub(1);
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.serving[at] = entry.serving[at].saturating_sub(1);
        }
    }

    /// Peers that did not say in time what network they are of.
    pub(super) fn silent(&self, now: Instant) -> Vec<PeerId> {
        let is_silent =
            |p: &Peer| !p.links.is_empty() && !p.is_ready && now.duration_since(p.since) > IDENTITY_PATIENCE;
        self.peers.iter().filter(|(_, p)| is_silent(p)).map(|(peer, _)| *peer).collect()
    }

    /// Learned peers to dial now, at most `most`, and whether it is again: each then waits longer before the next time.
    pub(super) fn to_dial(&mut self, most: usize, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>, bool)> {
        let connected = self.peers.values().filter(|p| !p.links.is_empty()).count();
        let room = self.limits.peers_wanted.saturating_sub(connected).min(most);
        let is_due = |p: &Peer| {
            let is_free = p.links.is_empty() && !p.addresses.is_empty();
            is_free && p.dial.is_due(now) && !p.standing.is_dropped(now)
        };
        let mut due: Vec<_> = self.peers.iter_mut().filter(|(_, p)| is_due(p)).collect();
        due.sort_by_key(|(_, p)| p.dial.failures());
        let dial = |(peer, p): (&PeerId, &mut Peer)| {
            let again = p.dial.failures() > 0;
            p.dial.wait(now);
            (*peer, p.addresses.clone(), again)
        };
        due.into_iter().take(room).map(dial).collect()
    }

    /// True when the peer is connected.
    pub(super) fn is_linked(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|p| !p.links.is_empty())
    }

    /// How many peers are connected and of this network.
    pub(super) fn ready_count(&self) -> usize {
        self.peers.values().filter(|p| p.is_ready).count()
    }

    /// Connected peers, for people.
    pub(super) fn infos(&self) -> Vec<PeerInfo> {
        let ready = self.peers.iter().filter(|(_, p)| p.is_ready);
        let info = |(peer, p): (&PeerId, &Peer)| {
            let link = p.links.first()?;
            let height = p.tip.map_or(Height(0), |tip| tip.height);
            let (peer_id, addr) = (peer.to_string(), link.address.to_string());
            Some(PeerInfo { peer_id, addr, height, is_outbound: link.is_outbound })
        };
        ready.filter_map(info).collect()
    }

    /// Forgets those about whom nothing is worth remembering.
    pub(super) fn forget_some(&mut self, now: Instant) {
        self.peers.retain(|_, p| {
            let is_hopeless = p.addresses.is_empty() || p.dial.failures() > FAILURES_MAX;
            !p.links.is_empty() || p.serving != [0; 3] || !is_hopeless || !p.standing.is_clean(now)
        });
        self.make_room(REMEMBERED_MAX, now);
    }

    /// Forgets the least promising ones who are not connected, until there are so many at most.
    fn make_room(&mut self, most: usize, now: Instant) {
        let surplus = self.peers.len().saturating_sub(most);
        if surplus == 0 {
            return;
        }
        let mut free: Vec<_> = self.peers.iter().filter(|(_, p)| p.links.is_empty()).collect();
        free.sort_by_key(|(_, p)| std::cmp::Reverse((!p.standing.is_dropped(now), p.dial.failures())));
        let forgotten: Vec<PeerId> = free.iter().take(surplus).map(|(peer, _)| **peer).collect();
        forgotten.iter().for_each(|peer| drop(self.peers.remove(peer)));
    }
}
