//! Starting a swarm, and what the rest of the process does with it.

use super::blobs::{self, Jobs};
use super::book::PeerInfo;
use super::config::{SwarmConfig, SwarmError, dialable, listenable, needs_quic};
#[cfg(test)]
use super::counters::Counters;
use super::dialer::Dialer;
use super::gossip::{Gossiped, admit_gossip, publish_admitted, push_unconfirmed};
use super::parts;
use super::shared::{Command, Shared};
use super::task::{Asked, Task};
use super::{follow, tell};
use crate::home::{Source, Unfetched, Want};
use crate::network::Board;
use futures::FutureExt;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, Swarm};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Gossiped transactions that may wait to be looked at.
const GOSSIPED_MAX: usize = 512;
/// Pause before sockets are opened again after a fault in them.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// A running swarm.
pub struct SwarmHandle {
    shared: Arc<Shared>,
    jobs: Jobs,
    listening: watch::Receiver<Vec<Multiaddr>>,
    peer_id: PeerId,
}

/// Everything that is needed to open the sockets, and to open them again.
struct Setting {
    key: Keypair,
    listen: Vec<Multiaddr>,
    external: Vec<Multiaddr>,
    peers: Vec<Multiaddr>,
    with_quic: bool,
}

impl Setting {
    fn of(config: &SwarmConfig) -> Result<Setting, SwarmError> {
        let key = Keypair::ed25519_from_bytes(config.key).map_err(|_| SwarmError::Key)?;
        let listen = listenable(&config.listen)?;
        let (external, peers) = (dialable(&config.external)?, dialable(&config.peers)?);
        let with_quic = needs_quic(listen.iter().chain(&peers));
        Ok(Setting { key, listen, external, peers, with_quic })
    }

    fn open(&self, shared: &Arc<Shared>) -> Result<Swarm<parts::Parts>, SwarmError> {
        let mut swarm = parts::swarm(shared, &self.key, self.with_quic)?;
        for address in &self.listen {
            let failed = |e: &dyn std::fmt::Display| SwarmError::Listen {
                address: address.to_string(),
                what: e.to_string(),
            };
            swarm.listen_on(address.clone()).map_err(|e| failed(&e))?;
        }
        for address in &self.external {
            swarm.add_external_address(address.clone());
        }
        Ok(swarm)
    }
}

/// Starts a swarm on the current tokio runtime.
pub fn start(board: Arc<Board>, config: SwarmConfig) -> Result<SwarmHandle, SwarmError> {
    let setting = Setting::of(&config)?;
    let own = setting.key.public().to_peer_id();
    let (shared, mut commands) = Shared::new(board, config.limits, own);
    std::fs::create_dir_all(shared.partial_folder()).map_err(|source| SwarmError::Folder { source })?;
    blobs::sweep(&shared.partial_folder());
    let mut swarm = Some(setting.open(&shared)?);
    let (listening_sender, listening) = watch::channel(Vec::new());
    let (gossiped_sender, gossiped) = mpsc::channel(GOSSIPED_MAX);
    let tasks = spawn_tasks(&shared, config.follow, gossiped);
    let running = Arc::clone(&shared);
    tokio::spawn(async move {
        // All tasks end with this one.
        let _tasks = tasks;
        loop {
            let Some(open) = swarm.take().or_else(|| reopen(&setting, &running)) else {
                tokio::time::sleep(FAULT_PAUSE).await;
                continue;
            };
            let mut task = task(&running, &setting, open, &listening_sender, &gossiped_sender);
            // A library that panics takes its sockets with it and nothing else of this process.
            let is_stopped = AssertUnwindSafe(task.run(&mut commands)).catch_unwind().await.is_ok();
            running.book().unlink_all(Instant::now());
            if is_stopped {
                return;
            }
            tracing::error!("the swarm failed: its sockets are opened again");
        }
    });
    let jobs = Jobs::new(Arc::clone(&shared), tokio::runtime::Handle::current());
    Ok(SwarmHandle { shared, jobs, listening, peer_id: own })
}

fn reopen(setting: &Setting, shared: &Arc<Shared>) -> Option<Swarm<parts::Parts>> {
    setting.open(shared).inspect_err(|error| tracing::error!(%error, "the sockets cannot be opened")).ok()
}

fn task(
    shared: &Arc<Shared>,
    setting: &Setting,
    swarm: Swarm<parts::Parts>,
    listening: &watch::Sender<Vec<Multiaddr>>,
    gossiped: &mpsc::Sender<Gossiped>,
) -> Task {
    let own = *swarm.local_peer_id();
    listening.send_replace(Vec::new());
    Task {
        swarm,
        shared: Arc::clone(shared),
        dialer: Dialer::new(Arc::clone(shared), own, setting.peers.clone(), Instant::now()),
        listening: listening.clone(),
        gossiped: gossiped.clone(),
        asked: Asked::new(),
        answering: BTreeMap::new(),
    }
}

fn spawn_tasks(shared: &Arc<Shared>, follows: bool, gossiped: mpsc::Receiver<Gossiped>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let of = || Arc::clone(shared);
    tasks.spawn(tell::watch_board(of()));
    tasks.spawn(tell::announce(of()));
    tasks.spawn(tell::keep_exchanging(of()));
    tasks.spawn(admit_gossip(of(), gossiped));
    tasks.spawn(publish_admitted(of()));
    tasks.spawn(push_unconfirmed(of()));
    if follows {
        tasks.spawn(follow::follow(of()));
    }
    tasks
}

impl SwarmHandle {
    /// Connected peers of this network.
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.shared.book().infos()
    }

    /// Addresses that this node listens on, each with its peer id.
    pub fn listen_addrs(&self) -> Vec<String> {
        let with_peer = |address: &Multiaddr| address.clone().with(Protocol::P2p(self.peer_id)).to_string();
        self.listening.borrow().iter().map(with_peer).collect()
    }

    /// The greatest height that this node or a peer says it has.
    #[cfg(test)]
    pub fn best_height(&self) -> retrace_ledger::Height {
        let theirs = self.shared.book().tips().into_iter().map(|(_, tip)| tip.height).max();
        self.shared.tip().height.max(theirs.unwrap_or_default())
    }

    /// Counters.
    #[cfg(test)]
    pub(super) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Stops: sockets close, and fetches end without success.
    pub fn stop(&self) {
        if !self.shared.try_send(Command::Stop) {
            let shared = Arc::clone(&self.shared);
            self.jobs.runtime().spawn(async move { shared.send(Command::Stop).await });
        }
    }
}

impl Source for SwarmHandle {
    fn fetch(&self, want: &Want, patience: Duration) -> Result<(), Unfetched> {
        self.jobs.fetch(want, patience)
    }
}
