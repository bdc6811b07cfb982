//! What the swarm tells: connections come and go, peers say who they are, questions and answers arrive.

use super::address::{Reach, believed};
use super::frame::Frame;
use super::parts::PartsEvent;
use super::refused::{Refused, Unanswered};
use super::serve;
use super::task::{Answering, Task};
use super::tell;
use super::wire::Channel;
use libp2p::core::ConnectedPoint;
use libp2p::request_response::{self, InboundFailure, InboundRequestId, Message, OutboundFailure};
use libp2p::swarm::{ConnectionDenied, ConnectionId, DialError, ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, gossipsub, identify, memory_connection_limits};
use std::sync::Arc;
use std::time::Instant;

impl Task {
    /// Takes one event.
    pub(super) fn on_event(&mut self, event: SwarmEvent<PartsEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_part(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.shared.book().unlink(&peer_id, connection_id, Instant::now());
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                self.shared.refuse(why_not_in(&error), &send_back_addr);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                // Whoever gave the address waits for it: this is said where other failed dials are not.
                if let Some(address) = self.dialer.given_at(connection_id) {
                    tracing::info!(%address, %error, "a given peer does not answer, it is dialed again");
                }
                self.dialer.failed(connection_id);
                if let DialError::Denied { cause } = &error {
                    self.shared.refuse(why_denied(cause), &"a dialed peer");
                }
                tracing::debug!(%error, "a dial failed");
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "the swarm listens");
                self.listening.send_modify(|all| all.push(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.listening.send_modify(|all| all.retain(|one| *one != address));
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(?addresses, ?reason, "the swarm listens no more");
            }
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let now = Instant::now();
        let address = endpoint.get_remote_address().clone();
        self.shared.book().link(peer, id, address, endpoint.is_dialer(), now);
        self.dialer.connected(id, peer, now);
    }

    fn on_part(&mut self, event: PartsEvent) {
        match event {
            PartsEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.on_identity(peer_id, &info.protocol_version, info.listen_addrs);
            }
            PartsEvent::Ping(event) => {
                if let Err(error) = event.result {
                    tracing::debug!(peer = %event.peer, %error, "no echo: the connection is closed");
                    self.swarm.close_connection(event.connection);
                }
            }
            PartsEvent::Gossip(gossipsub::Event::Message { propagation_source, message, .. }) => {
                self.on_gossip(propagation_source, message.data);
            }
            PartsEvent::Talk(event) => self.on_question(Channel::Talk, event),
            PartsEvent::Blocks(event) => self.on_question(Channel::Blocks, event),
            PartsEvent::Blobs(event) => self.on_question(Channel::Blobs, event),
            PartsEvent::Gate(never) | PartsEvent::Limits(never) | PartsEvent::Memory(never) => match never {},
            PartsEvent::Identify(_) | PartsEvent::Gossip(_) => {}
        }
    }

    /// A peer of another network has no business here, whatever else it says (W-2.1).
    fn on_identity(&mut self, peer: PeerId, network: &str, listening: Vec<Multiaddr>) {
        if network != self.shared.names.identity() {
            return self.shared.blame(peer, Refused::OtherNetwork);
        }
        let from = self.shared.book().reach_of(&peer).unwrap_or(Reach::Public);
        let addresses = believed(listening, &peer, from);
        if self.shared.book().ready(peer, addresses, Instant::now()) {
            tracing::info!(%peer, "a peer of this network");
            tokio::spawn(tell::greet(Arc::clone(&self.shared), peer));
            self.shared.news.notify_one();
        }
    }

    fn on_question(&mut self, channel: Channel, event: request_response::Event<Frame, Frame>) {
        use request_response::Event;
        match event {
            Event::Message {
                peer, message: Message::Request { request_id, request, channel: to }, ..
            } => match request {
                Ok(question) => {
                    if serve::begin(&self.shared, peer, channel, question, (request_id, to)) {
                        self.answering.insert((channel, request_id), Answering { peer, is_sent: false });
                    }
                }
                Err(refused) => self.shared.blame(peer, refused),
            },
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.answered(channel, request_id, response.map_err(Unanswered::Refused));
            }
            Event::OutboundFailure { request_id, error, .. } => {
                self.answered(channel, request_id, Err(why_unanswered(&error)));
            }
            Event::InboundFailure { request_id, error, .. } => {
                let is_late = matches!(error, InboundFailure::Timeout);
                let ended = self.end_answer(channel, request_id);
                // An answer that this node was too slow to make is nobody else's fault.
                if let Some(unread) = ended.filter(|ended| is_late && ended.is_sent) {
                    self.shared.blame(unread.peer, Refused::Unread);
                }
            }
            Event::ResponseSent { request_id, .. } => drop(self.end_answer(channel, request_id)),
        }
    }

    fn end_answer(&mut self, channel: Channel, id: InboundRequestId) -> Option<Answering> {
        let ended = self.answering.remove(&(channel, id))?;
        self.shared.book().end_serving(&ended.peer, channel);
        Some(ended)
    }
}

fn why_unanswered(error: &OutboundFailure) -> Unanswered {
    match error {
        OutboundFailure::UnsupportedProtocols => Unanswered::Refused(Refused::Unspoken),
        OutboundFailure::Timeout => Unanswered::Refused(Refused::NoAnswer),
        _ => Unanswered::Gone,
    }
}

fn why_not_in(error: &ListenError) -> Refused {
    match error {
        ListenError::Denied { cause } => why_denied(cause),
        _ => Refused::Handshake,
    }
}

fn why_denied(cause: &ConnectionDenied) -> Refused {
    if let Some(refused) = cause.downcast_ref::<Refused>() {
        return *refused;
    }
    if cause.downcast_ref::<memory_connection_limits::MemoryUsageLimitExceeded>().is_some() {
        return Refused::MemoryFull;
    }
    Refused::ConnectionsFull
}
