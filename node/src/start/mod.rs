//! A node as one process: chain, swarm, agreement, interface and roles, started together and stopped together.

mod error;
mod gauges;
mod roles;
mod seams;

pub use error::StartError;

use crate::config::Config;
use crate::consensus::{self, ConsensusConfig, ValidatorKeys};
use crate::home::Home;
use crate::keys::Keystore;
use crate::network::Board;
use crate::rpc::{self, NodeInfo, RpcHandle};
use crate::swarm::{self, SwarmConfig, SwarmHandle};
use ed25519_dalek::SigningKey;
use gauges::ConsensusGauges;
use retrace_ledger::{RocksOptions, Role};
use seams::ValidatorBoard;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long role threads may take to end. One that is in the middle of a segment is left: what it has said is on disk
/// or on the ledger, and what it has not said it computes again.
const ROLE_PATIENCE: Duration = Duration::from_secs(3);
/// How long open requests and streams may take to end.
const TASK_PATIENCE: Duration = Duration::from_secs(2);
/// How often consensus is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A running node.
pub struct Node {
    board: Arc<Board>,
    runtime: Runtime,
    swarm: Arc<SwarmHandle>,
    consensus: Option<consensus::Running>,
    rpc: RpcHandle,
    roles: Vec<JoinHandle<()>>,
}

impl Node {
    /// Starts everything that the configuration asks for. Nothing of it is left running when this fails.
    pub fn start(home: Home, config: &Config, keys: &Keystore) -> Result<Node, StartError> {
        config.check(home.genesis())?;
        let consensus_folder = home.path().join("consensus");
        let mib = |n: u32| n as usize * (1 << 20);
        let options = RocksOptions {
            cache_bytes: mib(config.storage.cache_mib),
            write_buffer_bytes: mib(config.storage.write_buffer_mib),
        };
        let board = Arc::new(Board::new(home.chain(options)?, home)?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|source| StartError::Runtime { source })?;
        let entered = runtime.enter();
        let swarm = Arc::new(swarm::start(Arc::clone(&board) as _, swarm_config(config, keys))?);
        board.fetch_blobs_from(Arc::clone(&swarm) as _);
        let consensus = match config.node.roles.contains(&Role::Validator) {
            true => Some(runtime.block_on(consensus::start(
                Arc::new(ValidatorBoard { board: Arc::clone(&board), stake: keys.stake.clone() }),
                ValidatorKeys {
                    consensus: keys.consensus.clone(),
                    vrf: keys.vrf.clone(),
                    node: SigningKey::from_bytes(&keys.node),
                },
                consensus_config(config, consensus_folder),
            ))?),
            false => None,
        };
        let rpc = serve(&runtime, &board, &swarm, config, keys)?;
        drop(entered);
        let roles = roles::spawn(&board, config, keys)?;
        Ok(Node { board, runtime, swarm, consensus, rpc, roles })
    }

    /// What its parts share.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Waits for SIGINT or SIGTERM, or, for an attached node, for the end of its standard input. Consensus that ends
    /// by itself is a failure: whoever looks after this process should know.
    pub fn wait_for_end(&self, is_attached: bool) -> Result<&'static str, StartError> {
        use tokio::signal::unix::{SignalKind, signal};
        self.runtime.block_on(async {
            let install = |kind| signal(kind).map_err(|source| StartError::Runtime { source });
            let (mut interrupt, mut terminate) =
                (install(SignalKind::interrupt())?, install(SignalKind::terminate())?);
            tokio::select! {
                _ = interrupt.recv() => Ok("SIGINT"),
                _ = terminate.recv() => Ok("SIGTERM"),
                () = end_of_input(), if is_attached => Ok("its supervisor is gone"),
                () = self.end_of_consensus() => Err(self.ended()),
            }
        })
    }

    /// Shows what consensus is doing, for as long as it does.
    async fn end_of_consensus(&self) {
        let Some(running) = &self.consensus else { return std::future::pending().await };
        let shown = ConsensusGauges::new(self.board.metrics());
        while !running.is_over() {
            shown.show(&running.status());
            tokio::time::sleep(LOOK).await;
        }
    }

    fn ended(&self) -> StartError {
        // The board keeps the first failure, which may be another part's.
        let failure = self.board.failure().filter(|(part, _)| part == seams::CONSENSUS);
        let reason = failure.map_or("the log says why".into(), |(_, reason)| reason);
        StartError::Ended { reason }
    }

    /// Where the swarm listens, each address with this node's name, and where the interface does.
    pub fn addresses(&self) -> Vec<String> {
        let interface = format!("http://{}", self.rpc.address());
        self.swarm.listen_addrs().into_iter().chain([interface]).collect()
    }

    /// Stops: first what talks to others, then the roles, in well under ten seconds.
    pub fn stop(self) {
        let Node { board, runtime, swarm, consensus, rpc, roles } = self;
        board.stop();
        runtime.block_on(async {
            rpc.stop().await;
            if let Some(running) = consensus
                && let Err(error) = running.stop().await
            {
                tracing::warn!(%error, "consensus did not end well");
            }
            swarm.stop();
        });
        let since = Instant::now();
        while since.elapsed() < ROLE_PATIENCE && roles.iter().any(|role| !role.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        runtime.shutdown_timeout(TASK_PATIENCE);
    }
}

/// Ends with standard input, on a thread of its own: a blocked read would keep a runtime from ending.
async fn end_of_input() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        drop(std::io::copy(&mut input, &mut std::io::sink()));
        // Nobody waits for it any more where the process is ending already.
        let _heard = sender.send(());
    });
    // The sender goes only with its thread, which ends with the input.
    let _ended = receiver.await;
}

fn swarm_config(config: &Config, keys: &Keystore) -> SwarmConfig {
    SwarmConfig {
        listen: vec![config.node.listen.to_string()],
        peers: config.node.peers.iter().map(ToString::to_string).collect(),
        key: *keys.node,
        // A validator's agreement fetches the blocks that it missed.
        follow: !config.node.roles.contains(&Role::Validator),
        ..SwarmConfig::default()
    }
}

fn consensus_config(config: &Config, folder: std::path::PathBuf) -> ConsensusConfig {
    ConsensusConfig {
        listen: config.consensus.listen.to_string(),
        peers: config.consensus.peers.iter().map(ToString::to_string).collect(),
        folder,
        moniker: config.node.name.clone(),
    }
}

fn peer_info(peer: swarm::PeerInfo) -> rpc::PeerInfo {
    rpc::PeerInfo {
        peer_id: peer.peer_id.to_string(),
        address: peer.addr.to_string(),
        height: peer.height.0,
        is_outbound: peer.is_outbound,
    }
}

fn serve(
    runtime: &Runtime,
    board: &Arc<Board>,
    swarm: &Arc<SwarmHandle>,
    config: &Config,
    keys: &Keystore,
) -> Result<RpcHandle, StartError> {
    let about = NodeInfo {
        name: config.node.name.clone(),
        account: keys.account().to_string(),
        roles: config.node.duties().into_iter().map(String::from).collect(),
    };
    let swarm = Arc::clone(swarm);
    let peers = Arc::new(move || swarm.peers().into_iter().map(peer_info).collect());
    Ok(runtime.block_on(rpc::serve(Arc::clone(board), about, peers, config.node.rpc))?)
}
