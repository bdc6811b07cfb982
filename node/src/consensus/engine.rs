//! The engine as it is started here: one private network for validators, small queues, its log in our folder.

use super::codec::{
    CONSENSUS_BYTES_MAX, LIVENESS_BYTES_MAX, LogCodec, RESPONSE_BYTES_MAX, STREAM_BYTES_MAX, WireCodec,
};
use super::context::{Address, Retrace};
use super::peers::address;
use super::signer::{ConsensusSigner, ConsensusVerifier, Gate};
use super::{ConsensusConfig, ConsensusError, ValidatorKeys};
use malachite_app_channel::app::config::{self, NodeConfig, PubSubProtocol, ValueSyncConfig};
use malachite_app_channel::app::net::Multiaddr;
use malachite_app_channel::app::types::Keypair;
use malachite_app_channel::app::types::codec::Codec;
use malachite_app_channel::{
    Channels, ConsensusContext, EngineHandle, NetworkContext, NetworkIdentity, RequestContext, SyncContext,
    WalContext, start_engine,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::peer_key;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::str::FromStr;
use std::time::Duration;

/// Blocks that one answer to a peer that catches up may hold.
pub const BATCH: usize = 16;

/// An engine that runs.
pub struct Engine {
    /// What it tells us and we it.
    pub channels: Channels<Retrace>,
    /// Its supervisor.
    pub handle: EngineHandle,
    /// The height that ends it, if it only follows; 0 if it votes.
    pub sits_out: u64,
}

impl Engine {
    /// Starts one that votes, or, if there is a height to sit out, one that only follows what others decide.
    pub async fn start(
        config: &ConsensusConfig,
        keys: &ValidatorKeys,
        gate: Gate,
        sits_out: u64,
    ) -> Result<Engine, ConsensusError> {
        let mut settings = Settings::of(config, gate.network())?;
        settings.consensus.enabled = sits_out == 0;
        settings.try_listen(&config.listen)?;
        let refused = |reason: String| ConsensusError::Engine { reason };
        let (own, network) = (Address(peer_key(&keys.consensus)), *gate.network());
        let signer = ConsensusSigner::new(keys.consensus.clone(), gate.clone());
        let node = Keypair::ed25519_from_bytes(keys.node.to_bytes()).map_err(|e| refused(e.to_string()))?;
        let proof = signer.proof(node.public().to_peer_id().to_bytes());
        let wire = WireCodec::new(gate);
        let proof = wire.encode(&proof).map_err(|error| refused(error.to_string()))?;
        let identity = NetworkIdentity::new_validator(config.moniker.clone(), node, own.to_string(), proof);
        let started = start_engine(
            Retrace,
            settings,
            WalContext::new(config.folder.join("wal"), LogCodec),
            NetworkContext::new(identity, wire.clone()),
            ConsensusContext::new_validator(own, Box::new(ConsensusVerifier::new(network)), Box::new(signer)),
            SyncContext::new(wire),
            RequestContext::new(16),
        );
        let (channels, handle) = started.await.map_err(|error| refused(format!("{error:#}")))?;
        Ok(Engine { channels, handle, sits_out })
    }
}

/// What the engine wants to be told.
struct Settings {
    moniker: String,
    consensus: config::ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for Settings {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &config::ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut config::ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

impl Settings {
    fn of(config: &ConsensusConfig, network: &Digest) -> Result<Settings, ConsensusError> {
        let mut consensus = config::ConsensusConfig::default();
        consensus.queue_capacity = 4;
        consensus.queue_per_height_capacity = 512;
        let p2p = &mut consensus.p2p;
        p2p.listen_addr = address(&config.listen)?;
        p2p.persistent_peers = config.peers.iter().map(|peer| address(peer)).collect::<Result<_, _>>()?;
        p2p.persistent_peers_only = true;
        p2p.protocol = PubSubProtocol::default();
        p2p.rpc_max_size = bytes(RESPONSE_BYTES_MAX + 1024);
        p2p.pubsub_max_size = bytes(2 * STREAM_BYTES_MAX);
        p2p.pubsub_max_size_per_topic.consensus = Some(bytes(CONSENSUS_BYTES_MAX));
        p2p.pubsub_max_size_per_topic.proposal_parts = Some(bytes(STREAM_BYTES_MAX));
        p2p.pubsub_max_size_per_topic.liveness = Some(bytes(LIVENESS_BYTES_MAX));
        p2p.discovery.enabled = false;
        if is_loopback(&p2p.listen_addr) {
            // All peers of a network on one machine may come from one address, and come back at once.
            p2p.discovery.max_connections_per_ip = 1024;
            p2p.discovery.ip_throttle_duration = Duration::ZERO;
        } else {
            p2p.discovery.max_connections_per_ip = 32;
            p2p.discovery.ip_throttle_duration = Duration::from_secs(2);
        }
        // Peers of another network are shown out by name, and would understand nothing.
        let of = |name: &str| format!("/retrace/{:.16}/{name}/1", network.to_string());
        p2p.protocol_names.consensus = of("consensus");
        p2p.protocol_names.sync = of("sync");
        p2p.protocol_names.validator_proof = of("validator");
        p2p.channel_names.consensus = of("votes");
        p2p.channel_names.proposal_parts = of("parts");
        p2p.channel_names.liveness = of("certificates");
        p2p.channel_names.sync = of("status");
        Ok(Settings { moniker: config.moniker.clone(), consensus, sync: sync() })
    }

    /// The engine only logs that it cannot listen, and then waits for ever: we try first.
    fn try_listen(&self, text: &str) -> Result<(), ConsensusError> {
        let listen = |source| ConsensusError::Listen { address: text.to_owned(), source };
        let Some(socket) = socket(&self.consensus.p2p.listen_addr) else {
            let reason = "it names no address and TCP port".to_owned();
            return Err(ConsensusError::Address { address: text.to_owned(), reason });
        };
        TcpListener::bind(socket).map(drop).map_err(listen)
    }
}

/// How a node catches up with its peers.
fn sync() -> ValueSyncConfig {
    ValueSyncConfig {
        status_update_interval: Duration::from_secs(1),
        request_timeout: Duration::from_secs(5),
        max_request_size: bytes(1024),
        max_response_size: bytes(RESPONSE_BYTES_MAX),
        parallel_requests: 2,
        batch_size: BATCH,
        max_concurrent_inbound_requests: 4,
        max_pending_inbound_requests: 16,
        ..ValueSyncConfig::default()
    }
}

/// A size in the engine's own type, which has no public name.
fn bytes<T: FromStr + Default>(count: usize) -> T {
    format!("{count} B").parse().unwrap_or_default()
}

fn socket(address: &Multiaddr) -> Option<SocketAddr> {
    let text = address.to_string();
    let mut parts = text.split('/').skip(1);
    let ip: IpAddr = match (parts.next()?, parts.next()?) {
        ("ip4" | "ip6", ip) => ip.parse().ok()?,
        _ => return None,
    };
    match (parts.next()?, parts.next()?) {
        ("tcp", port) => Some(SocketAddr::new(ip, port.parse().ok()?)),
        _ => None,
    }
}

fn is_loopback(address: &Multiaddr) -> bool {
    socket(address).is_some_and(|socket| socket.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str) -> Result<Settings, ConsensusError> {
        let config = ConsensusConfig {
            listen: listen.into(),
            peers: Vec::new(),
            folder: "unused".into(),
            moniker: "test".into(),
        };
        Settings::of(&config, &Digest([0xAB; 32]))
    }

    /// W-1.2, W-1.7: the engine's limits are ours, its network is closed, and its channels are the network's own.
    #[test]
    fn the_engine_is_told_our_limits() {
        let settings = settings("/ip4/127.7.0.1/tcp/27000").unwrap();
        let p2p = &settings.consensus.p2p;
        assert!(
            p2p.persistent_peers_only && !p2p.discovery.enabled && p2p.discovery.max_connections_per_ip > 100
        );
        assert_eq!(p2p.pubsub_max_size.as_u64(), 2 * STREAM_BYTES_MAX as u64);
        assert_eq!(p2p.pubsub_max_size_per_topic.liveness.unwrap().as_u64(), LIVENESS_BYTES_MAX as u64);
        assert_eq!(settings.sync.max_response_size.as_u64(), RESPONSE_BYTES_MAX as u64);
        assert_eq!(p2p.channel_names.consensus, "/retrace/abababababababab/votes/1");
    }

    #[test]
    fn a_taken_port_and_a_wrong_address_are_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let text = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
        let refused = settings(&text).unwrap().try_listen(&text);
        assert!(matches!(refused, Err(ConsensusError::Listen { .. })));
        let refused = settings("/dns4/here/tcp/1").unwrap().try_listen("/dns4/here/tcp/1");
        assert!(matches!(refused, Err(ConsensusError::Address { .. })));
        assert!(matches!(settings("no address"), Err(ConsensusError::Address { .. })));
    }
}
