//! The dialer: keeps a connection with every given peer, and looks for others until there are enough (W-2.7).

use super::address::peer_of;
use super::shared::Shared;
use super::standing::Backoff;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use std::sync::Arc;
use std::time::Instant;

/// Learned peers that are dialed in one turn.
const DIALS_PER_TURN: usize = 4;

/// A given address.
#[derive(Debug)]
struct Given {
    address: Multiaddr,
    peer: Option<PeerId>,
    dialing: Option<ConnectionId>,
    backoff: Backoff,
}

impl Given {
    /// A dial to it.
    fn opts(&self, again: bool) -> DialOpts {
        match self.peer {
            Some(peer) => known(peer, PeerCondition::Disconnected, vec![self.address.clone()], again),
            None => {
                let opts = DialOpts::unknown_peer_id().address(self.address.clone());
                if again { opts.allocate_new_port().build() } else { opts.build() }
            }
        }
    }
}

/// A dial from the port that the swarm listens on, which others know; `again`, after a failure, from a new one: what is
/// left of an old connection may hold that port (`EADDRINUSE`), for longer than anybody waits.
fn known(peer: PeerId, condition: PeerCondition, addresses: Vec<Multiaddr>, again: bool) -> DialOpts {
    let opts = DialOpts::peer_id(peer).condition(condition).addresses(addresses);
    if again { opts.allocate_new_port().build() } else { opts.build() }
}

/// The dialer.
pub(super) struct Dialer {
    shared: Arc<Shared>,
    own: PeerId,
    given: Vec<Given>,
}

impl Dialer {
    pub(super) fn new(shared: Arc<Shared>, own: PeerId, addresses: Vec<Multiaddr>, now: Instant) -> Dialer {
        let given = addresses.into_iter().map(|address| Given {
            peer: peer_of(&address),
            address,
            dialing: None,
            backoff: Backoff::new(now),
        });
        Dialer { shared, own, given: given.collect() }
    }

    /// Whom to dial now.
    pub(super) fn turn(&mut self, now: Instant) -> Vec<DialOpts> {
        let mut book = self.shared.book();
        let mut dials = Vec::new();
        for given in &mut self.given {
            let is_done =
                given.peer.is_some_and(|p| p == self.own || book.is_linked(&p) || book.is_dropped(&p, now));
            if is_done || given.dialing.is_some() || !given.backoff.is_due(now) {
                continue;
            }
            let opts = given.opts(given.backoff.failures() > 0);
            given.backoff.wait(now);
            given.dialing = Some(opts.connection_id());
            dials.push(opts);
        }
        let learned = book.to_dial(DIALS_PER_TURN, now).into_iter();
        dials.extend(learned.map(|(peer, addresses, again)| {
            known(peer, PeerCondition::DisconnectedAndNotDialing, addresses, again)
        }));
        dials
    }

    /// A dial ended in a connection: the address is this peer's.
    pub(super) fn connected(&mut self, id: ConnectionId, peer: PeerId, now: Instant) {
        for given in self.given.iter_mut().filter(|given| given.dialing == Some(id)) {
            (given.peer, given.dialing) = (Some(peer), None);
            given.backoff.reset(now);
        }
    }

    /// The given address that a dial goes to, if it is one.
    pub(super) fn given_at(&self, id: ConnectionId) -> Option<&Multiaddr> {
        self.given.iter().find(|given| given.dialing == Some(id)).map(|given| &given.address)
    }

    /// A dial failed. Whoever was at the address may have come back with another key.
    pub(super) fn failed(&mut self, id: ConnectionId) {
        for given in self.given.iter_mut().filter(|given| given.dialing == Some(id)) {
            given.dialing = None;
            if peer_of(&given.address).is_none() {
                given.peer = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Given};
    use std::time::Instant;

    /// W-2.7: a port that an old connection still holds keeps nobody away.
    #[test]
    fn after_a_failure_from_a_new_port() {
        let peer = libp2p::PeerId::random();
        for peer in [Some(peer), None] {
            let address = "/ip4/127.0.0.1/tcp/1".parse().expect("an address");
            let backoff = Backoff::new(Instant::now());
            let given = Given { address, peer, dialing: None, backoff };
            assert!(format!("{:?}", given.opts(false)).contains("port_use: Reuse"));
            assert!(format!("{:?}", given.opts(true)).contains("port_use: New"));
        }
    }
}
