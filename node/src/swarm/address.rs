//! Which addresses may be dialed because somebody told of them (W-2.7).
//!
//! A stranger must not be able to make this node knock at a machine beside it: an address is believed only from
//! somebody who is at least as near.

use super::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use std::net::IpAddr;

/// How far away an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// This machine.
    Loopback,
    /// A network of one owner.
    Private,
    /// Anywhere.
    Public,
}

/// The IP address that a multiaddress begins with.
pub(super) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)),
        _ => None,
    }
}

/// How far away an address is; none if it is no address of a machine.
pub(super) fn reach(address: &Multiaddr) -> Option<Reach> {
    let ip = ip_of(address)?;
    if ip.is_unspecified() || ip.is_multicast() {
        return None;
    }
    if ip.is_loopback() {
        return Some(Reach::Loopback);
    }
    let is_private = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    Some(if is_private { Reach::Private } else { Reach::Public })
}

/// The peer that an address ends with, if it names one.
pub(super) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last()? {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    }
}

/// An address that this node can dial: an IP address with a TCP port or QUIC, and nothing else but a peer id.
pub(super) fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter().skip(1);
    let is_transport = match parts.next() {
        Some(Protocol::Tcp(port)) => port != 0,
        Some(Protocol::Udp(port)) => port != 0 && parts.next() == Some(Protocol::QuicV1),
        _ => false,
    };
    let is_end = match parts.next() {
        None => true,
        Some(Protocol::P2p(_)) => parts.next().is_none(),
        Some(_) => false,
    };
    reach(address).is_some() && is_transport && is_end
}

/// Those of the told addresses of `peer` that may be dialed, told by somebody at `from`; without the peer id.
pub(super) fn believed(
    told: impl IntoIterator<Item = Multiaddr>,
    peer: &PeerId,
    from: Reach,
) -> Vec<Multiaddr> {
    let mut kept: Vec<Multiaddr> = Vec::new();
    for mut address in told {
        let is_near_enough = reach(&address).is_some_and(|reach| reach >= from);
        let is_of_another = peer_of(&address).is_some_and(|named| named != *peer);
        if !is_dialable(&address) || !is_near_enough || is_of_another || address.len() > ADDRESS_BYTES_MAX {
            continue;
        }
        if peer_of(&address).is_some() {
            address.pop();
        }
        if !kept.contains(&address) && kept.len() < ADDRESSES_MAX {
            kept.push(address);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Reach, believed, is_dialable, reach};
    use libp2p::{Multiaddr, PeerId};

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    /// W-2.7: what is no address of a machine is not dialed.
    #[test]
    fn only_plain_addresses_are_dialed() {
        for good in ["/ip4/127.8.0.1/tcp/1", "/ip6/::1/tcp/9", "/ip4/9.9.9.9/udp/4/quic-v1"] {
            assert!(is_dialable(&address(good)), "{good}");
        }
        let bad = [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/1.2.3.4/tcp/0",
            "/ip4/1.2.3.4/udp/7",
            "/ip4/224.0.0.1/tcp/7",
            "/dns4/example.org/tcp/7",
            "/ip4/1.2.3.4/tcp/7/ws",
            "/memory/7",
        ];
        for bad in bad {
            assert!(!is_dialable(&address(bad)), "{bad}");
        }
    }

    /// W-2.7: a stranger cannot point this node at its own machine or at its owner's network.
    #[test]
    fn told_addresses_are_no_nearer_than_the_teller() {
        let peer = PeerId::random();
        let told = || ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/9.9.9.9/tcp/1"].map(address);
        let counts =
            [Reach::Loopback, Reach::Private, Reach::Public].map(|r| believed(told(), &peer, r).len());
        assert_eq!(counts, [3, 2, 1]);
        assert_eq!(reach(&address("/ip6/::ffff:127.0.0.1/tcp/1")), Some(Reach::Loopback));
        let own = address(&format!("/ip4/9.9.9.9/tcp/1/p2p/{peer}"));
        let other = address(&format!("/ip4/9.9.9.9/tcp/2/p2p/{}", PeerId::random()));
        assert_eq!(believed([own, other], &peer, Reach::Public), [address("/ip4/9.9.9.9/tcp/1")]);
        let many = (1..100).map(|port| address(&format!("/ip4/9.9.9.9/tcp/{port}")));
        assert_eq!(believed(many, &peer, Reach::Public).len(), super::ADDRESSES_MAX);
    }
}
