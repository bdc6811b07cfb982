//! Swarms over real sockets in one process: honest ones, and peers that lie.

mod blobs;
mod blocks;
mod hostile;
mod liar;
mod reach;
mod window;

use super::limits::Limits;
use super::{SwarmConfig, SwarmHandle, start};
use crate::home::Home;
use crate::network::{Board, propose_once};
use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Amount, Body, Chain, Genesis, GenesisAccount, MemoryStore, Params, ProposerSecrets, RegisteredKeys, Role,
    Signed, Stake, Transaction, VrfSecret,
};
use retrace_verifier::signature::peer_key;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the only validator proposes and votes with.
fn secrets() -> ProposerSecrets {
    ProposerSecrets { signing: SigningKey::from_bytes(&[4; 32]), vrf: VrfSecret::from_seed(&[5; 32]) }
}

fn user() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// One validator, and a user who can pay for many transactions.
fn genesis(name: &str) -> Genesis {
    let keys =
        RegisteredKeys { vrf: secrets().vrf.key(), consensus: peer_key(&secrets().signing), node: [6; 32] };
    let account = |key: &SigningKey, role, registered| GenesisAccount {
        key: peer_key(key),
        balance: Amount(1_000_000),
        bonded: Amount(10),
        role,
        registered,
    };
    let validator = SigningKey::from_bytes(&[3; 32]);
    let mut accounts =
        vec![account(&validator, Role::Validator, Some(keys)), account(&user(), Role::Auditor, None)];
    accounts.sort_by_key(|account| account.key);
    Genesis { name: name.into(), test_network: true, time_ms: 1, accounts, params: Params::default() }
}

fn stake(network: &str, nonce: u64) -> Signed<Transaction> {
    let body = Body::Stake(Stake { amount: Amount(1) });
    let (network, signer) = (genesis(network).network(), peer_key(&user()));
    Signed::sign(Transaction { network, signer, nonce, body }, &user()).unwrap()
}

/// A board over a chain in memory, with its home in a folder.
fn board(network: &str, folder: &TempDir) -> Arc<Board> {
    let home = Home::create(&folder.path().join("home"), &genesis(network)).unwrap();
    let chain = Chain::open(genesis(network), Box::new(MemoryStore::default())).unwrap();
    Arc::new(Board::new(chain, home).unwrap())
}

/// A running node.
struct Node {
    board: Arc<Board>,
    swarm: Arc<SwarmHandle>,
    folder: TempDir,
}

impl Node {
    /// A node on its own loopback address, with a few peers.
    async fn start(network: &str, ip: &str, peers: &[&Node]) -> Node {
        let peers = peers.iter().map(|peer| peer.address()).collect();
        Node::start_with(network, ip, SwarmConfig { peers, ..SwarmConfig::default() }).await
    }

    async fn start_with(network: &str, ip: &str, config: SwarmConfig) -> Node {
        let folder = tempfile::tempdir().unwrap();
        let board = board(network, &folder);
        Node::on_board(board, folder, ip, config).await
    }

    async fn on_board(board: Arc<Board>, folder: TempDir, ip: &str, config: SwarmConfig) -> Node {
        let key = *blake3::hash(ip.as_bytes()).as_bytes();
        let listen = if config.listen.is_empty() { vec![format!("/ip4/{ip}/tcp/0")] } else { config.listen };
        let config = SwarmConfig { listen, key, ..config };
        let swarm = Arc::new(start(Arc::clone(&board), config).unwrap());
        let node = Node { board, swarm, folder };
        until("it listens", || !node.swarm.listen_addrs().is_empty()).await;
        node
    }

    fn address(&self) -> String {
        self.swarm.listen_addrs()[0].clone()
    }

    fn refusals(&self, kind: &'static str, reason: &'static str) -> u64 {
        self.board.metrics().refusals(kind, reason)
    }

    /// Decides blocks, one after the other.
    fn propose(&self, count: usize) {
        (0..count).for_each(|_| propose_once(&self.board, &secrets()).unwrap());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.swarm.stop();
    }
}

/// Limits that a test may change one of.
fn limits() -> Limits {
    Limits::default()
}

/// Waits until something is true, and says what did not come true.
async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come true that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
