//! What the swarm is put together from, and how each part is set (W-2.5, W-2.6).

use super::config::SwarmError;
use super::frame::Frames;
use super::gate::Gate;
use super::limits::{ANSWER_PATIENCE, HANDSHAKE_PATIENCE, Limits};
use super::shared::Shared;
use super::wire::Channel;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::gossipsub::{
    self, IdentityTransform, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
    TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, Swarm, Transport, identify, memory_connection_limits, noise, ping, quic, tcp, yamux};
use retrace_ledger::limits::TRANSACTION_BYTES_MAX;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Room for what gossip wraps around a transaction.
const GOSSIP_FRAME_BYTES: usize = 1024;
/// Streams of one connection: others open few, and each may hold a window of unread bytes.
const STREAMS_MAX: usize = 128;
/// Streams of one connection that have not said yet what they are for.
const UNNAMED_STREAMS_MAX: usize = 16;
/// Questions of one connection on the way, in both directions.
const QUESTIONS_MAX: usize = 48;

/// Score at which gossip does not listen to a peer any more.
pub(super) const GRAYLIST_SCORE: f64 = -400.0;

/// The gossip of transactions.
pub(super) type Gossip = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;
/// A channel of questions and answers.
pub(super) type Questions = request_response::Behaviour<Frames>;

/// All parts. The gate comes first: what it refuses costs the others nothing.
#[derive(NetworkBehaviour)]
pub(super) struct Parts {
    gate: Gate,
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(super) gossip: Gossip,
    talk: Questions,
    blocks: Questions,
    blobs: Questions,
}

impl Parts {
    /// The part that asks and answers on a channel.
    pub(super) fn questions(&mut self, channel: Channel) -> &mut Questions {
        match channel {
            Channel::Talk => &mut self.talk,
            Channel::Blocks => &mut self.blocks,
            Channel::Blobs => &mut self.blobs,
        }
    }
}

/// A swarm of all parts; it listens nowhere yet.
pub(super) fn swarm(
    shared: &Arc<Shared>,
    key: &Keypair,
    with_quic: bool,
) -> Result<Swarm<Parts>, SwarmError> {
    let limits = &shared.limits;
    let parts = Parts {
        gate: Gate::new(Arc::clone(shared)),
        limits: connection_limits::Behaviour::new(connections(limits)),
        memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes),
        identify: identify::Behaviour::new(
            identify::Config::new(shared.names.identity(), key.public())
                .with_agent_version(concat!("retrace/", env!("CARGO_PKG_VERSION")).into())
                .with_push_listen_addr_updates(true)
                .with_cache_size(0),
        ),
        ping: ping::Behaviour::new(
            ping::Config::new().with_interval(Duration::from_secs(15)).with_timeout(Duration::from_secs(20)),
        ),
        gossip: gossip(shared, key)?,
        talk: questions(shared, Channel::Talk)?,
        blocks: questions(shared, Channel::Blocks)?,
        blobs: questions(shared, Channel::Blobs)?,
    };
    let config = libp2p::swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(limits.idle)
        .with_max_negotiating_inbound_streams(UNNAMED_STREAMS_MAX);
    let transport = transport(key, with_quic)?;
    Ok(Swarm::new(transport, parts, key.public().to_peer_id(), config))
}

fn transport(key: &Keypair, with_quic: bool) -> Result<Boxed<(PeerId, StreamMuxerBox)>, SwarmError> {
    let noise = noise::Config::new(key).map_err(|e| SwarmError::Part { what: e.to_string() })?;
    let mut streams = yamux::Config::default();
    streams.set_max_num_streams(STREAMS_MAX);
    let over_tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(streams)
        .timeout(HANDSHAKE_PATIENCE)
        .boxed();
    if !with_quic {
        return Ok(over_tcp);
    }
    let over_quic = quic::tokio::Transport::new(quic::Config::new(key))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    Ok(over_tcp.or_transport(over_quic).map(|either, _| either.into_inner()).boxed())
}

fn connections(limits: &Limits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.pending_in))
        .with_max_pending_outgoing(Some(limits.pending_out))
        .with_max_established_incoming(Some(limits.connections_in))
        .with_max_established_outgoing(Some(limits.connections_out))
        .with_max_established_per_peer(Some(limits.per_peer))
}

fn questions(shared: &Shared, channel: Channel) -> Result<Questions, SwarmError> {
    let unnamed = || SwarmError::Part { what: format!("{channel} has no name") };
    let name = shared.names.protocol(channel.name()).ok_or_else(unnamed)?;
    let (question_max, answer_max) = channel.bounds();
    let frames = Frames { question_max, answer_max, counters: Arc::clone(&shared.counters) };
    let config = request_response::Config::default()
        .with_request_timeout(ANSWER_PATIENCE * 2)
        .with_max_concurrent_streams(QUESTIONS_MAX);
    Ok(Questions::with_codec(frames, [(name, ProtocolSupport::Full)], config))
}

/// The name of a message is its content's: one transaction is one message, whoever publishes it.
pub(super) fn message_id(data: &[u8]) -> MessageId {
    MessageId::new(&blake3::hash(data).as_bytes()[..20])
}

fn gossip(shared: &Shared, key: &Keypair) -> Result<Gossip, SwarmError> {
    let part = |what: String| SwarmError::Part { what };
    let topic = shared.names.topic();
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id_prefix(shared.names.gossip())
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .max_transmit_size(TRANSACTION_BYTES_MAX + GOSSIP_FRAME_BYTES)
        .message_id_fn(|message| message_id(&message.data))
        .mesh_n(4)
        .mesh_n_low(3)
        .mesh_n_high(8)
        .mesh_outbound_min(2)
        .gossip_lazy(4)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .heartbeat_interval(Duration::from_secs(1))
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(10))
        .connection_handler_queue_len(1024)
        .max_publish_messages(64)
        .build()
        .map_err(|e| part(e.to_string()))?;
    let filter = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let authenticity = MessageAuthenticity::Signed(key.clone());
    let mut gossip = Gossip::new_with_subscription_filter(authenticity, config, filter)
        .map_err(|e| part(e.to_string()))?;
    let mut scores = PeerScoreParams { ip_colocation_factor_weight: 0.0, ..PeerScoreParams::default() };
    scores.topics.insert(topic.hash(), topic_scores());
    gossip.with_peer_score(scores, thresholds()).map_err(part)?;
    gossip.subscribe(&topic).map_err(|e| part(e.to_string()))?;
    Ok(gossip)
}

/// A quiet network is no fault of anybody: only invalid messages cost something.
fn topic_scores() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_cap: 100.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -10.0,
        ..TopicScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -100.0,
        publish_threshold: -200.0,
        graylist_threshold: GRAYLIST_SCORE,
        ..PeerScoreThresholds::default()
    }
}
