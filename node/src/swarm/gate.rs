//! The gate: connections that are refused before they cost anything (W-2.6).
//!
//! One address gets so many connections, handshakes counted, and a peer that was dropped gets none for a while. How
//! many there may be in all, and per peer, is for the limits beside it.

use super::address::ip_of;
use super::refused::Refused;
use super::shared::Shared;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Whom a connection counts for: an IPv4 address, or the /64 that one IPv6 host may fill at will.
fn household(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) >> 64 | 1 << 127,
    }
}

/// The gate.
pub(super) struct Gate {
    shared: Arc<Shared>,
    incoming: BTreeMap<ConnectionId, u128>,
    counts: BTreeMap<u128, u32>,
}

impl Gate {
    pub(super) fn new(shared: Arc<Shared>) -> Gate {
        Gate { shared, incoming: BTreeMap::new(), counts: BTreeMap::new() }
    }

    fn let_in(&mut self, id: ConnectionId, address: &Multiaddr) -> Result<(), Refused> {
        let Some(household) = ip_of(address).map(household) else { return Err(Refused::Address) };
        let count = self.counts.entry(household).or_default();
        if *count >= self.shared.limits.per_address {
            return Err(Refused::AddressFull);
        }
        *count += 1;
        self.incoming.insert(id, household);
        Ok(())
    }

    fn let_out(&mut self, id: ConnectionId) {
        let Some(household) = self.incoming.remove(&id) else { return };
        if let Some(count) = self.counts.get_mut(&household) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&household);
            }
        }
    }

    fn check_peer(&self, peer: &PeerId) -> Result<THandler<Gate>, ConnectionDenied> {
        if self.shared.book().is_dropped(peer, Instant::now()) {
            return Err(ConnectionDenied::new(Refused::Dropped));
        }
        Ok(dummy::ConnectionHandler)
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.let_in(id, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check_peer(&peer)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check_peer(&peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.let_out(closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.let_out(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}
