//! Validators of a small network, a ledger in memory, and engines over it.

use crate::consensus::{ConsensusConfig, Ledger, ValidatorKeys, peer_id};
use crate::network::Held;
use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Amount, Block, BlockError, Body, Certificate, Chain, CheckedBlock, Fault, Genesis, GenesisAccount, Head,
    Height, MemoryStore, Params, ProposerSecrets, Register, RegisteredKeys, Role, Signed, Stake, Transaction,
    ValidatorSet, VrfSecret, prove_possession,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// Everything that a small network is made of.
pub struct Net {
    pub genesis: Genesis,
    pub keys: Vec<ValidatorKeys>,
}

fn seed(kind: u8, name: u8) -> [u8; 32] {
    let mut seed = [name; 32];
    seed[0] = kind;
    seed
}

/// The stake key of a validator, or of another account.
pub fn account(name: u8) -> SigningKey {
    SigningKey::from_bytes(&seed(1, name))
}

fn registered(keys: &ValidatorKeys) -> RegisteredKeys {
    RegisteredKeys {
        vrf: keys.vrf.key(),
        consensus: peer_key(&keys.consensus),
        node: keys.node.verifying_key().to_bytes(),
    }
}

pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Says on the terminal what the engines say, if asked to by `RUST_LOG`.
fn listen_in() {
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        drop(tracing_subscriber::fmt().with_env_filter(filter).try_init());
    }
}

impl Net {
    /// So many validators of equal stake.
    pub fn new(validators: u8) -> Net {
        Net::with_others(validators, 0)
    }

    /// Validators, and accounts with as much stake that are none, with keys that they have not registered.
    pub fn with_others(validators: u8, others: u8) -> Net {
        listen_in();
        let keys: Vec<ValidatorKeys> = (0..validators + others)
            .map(|name| ValidatorKeys {
                consensus: SigningKey::from_bytes(&seed(2, name)),
                vrf: VrfSecret::from_seed(&seed(3, name)),
                node: SigningKey::from_bytes(&seed(4, name)),
            })
            .collect();
        let mut accounts: Vec<GenesisAccount> = keys
            .iter()
            .zip(0..)
            .map(|(keys, name)| GenesisAccount {
                key: peer_key(&account(name)),
                balance: Amount(1_000_000),
                bonded: Amount(10_000),
                role: if name < validators { Role::Validator } else { Role::Auditor },
                registered: (name < validators).then(|| registered(keys)),
            })
            .collect();
        accounts.sort_by_key(|account| account.key);
        let genesis = Genesis {
            name: "consensus-test".into(),
            test_network: true,
            time_ms: now_ms() - 60_000,
            accounts,
            params: Params::default(),
        };
        Net { genesis, keys }
    }

    pub fn chain(&self) -> Chain {
        Chain::open(self.genesis.clone(), Box::new(MemoryStore::default())).unwrap()
    }

    pub fn secrets(&self, validator: usize) -> ProposerSecrets {
        let keys = &self.keys[validator];
        ProposerSecrets { signing: keys.consensus.clone(), vrf: keys.vrf.clone() }
    }

    /// A first block of a validator, different for every number.
    pub fn block(&self, validator: usize, number: u64) -> CheckedBlock {
        let time = self.genesis.time_ms + 1000 + number;
        self.chain().propose(&self.secrets(validator), time, Vec::new()).unwrap().block
    }

    /// A transaction that bonds a little more.
    pub fn transaction(&self, name: u8, nonce: u64) -> Signed<Transaction> {
        self.signed(name, nonce, Body::Stake(Stake { amount: Amount(1) }))
    }

    /// A transaction by which an account becomes a validator.
    pub fn register(&self, name: u8, nonce: u64) -> Signed<Transaction> {
        let keys = &self.keys[usize::from(name)];
        let account = peer_key(&account(name));
        let possession = Some(prove_possession(&keys.consensus, &self.genesis.network(), &account));
        let register = Register { role: Role::Validator, keys: Some(registered(keys)), possession };
        self.signed(name, nonce, Body::Register(Box::new(register)))
    }

    pub fn signed(&self, name: u8, nonce: u64, body: Body) -> Signed<Transaction> {
        let key = account(name);
        let transaction =
            Transaction { network: self.genesis.network(), signer: peer_key(&key), nonce, body };
        Signed::sign(transaction, &key).unwrap()
    }
}

/// A decided height as a ledger saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub at: Instant,
    pub id: Digest,
    pub root: Digest,
    pub round: u32,
}

struct Inner {
    chain: Chain,
    pending: Vec<Signed<Transaction>>,
    held: Held,
    /// Leaves all disputes out of its blocks.
    censors: bool,
    seen: BTreeMap<u64, Seen>,
    accused: Vec<Body>,
    refused: BTreeMap<(&'static str, &'static str), u64>,
    failure: Option<String>,
}

/// A ledger in memory. It outlives its engines, as a disk outlives processes.
pub struct Book {
    network: Digest,
    inner: Mutex<Inner>,
    admitted: broadcast::Sender<Arc<Signed<Transaction>>>,
}

impl Book {
    pub fn new(net: &Net) -> Arc<Book> {
        let inner = Inner {
            chain: net.chain(),
            pending: Vec::new(),
            held: Held::default(),
            censors: false,
            seen: BTreeMap::new(),
            accused: Vec::new(),
            refused: BTreeMap::new(),
            failure: None,
        };
        let admitted = broadcast::channel(64).0;
        Arc::new(Book { network: net.genesis.network(), inner: Mutex::new(inner), admitted })
    }

    pub fn seen(&self) -> BTreeMap<u64, Seen> {
        self.inner.lock().unwrap().seen.clone()
    }

    pub fn height(&self) -> u64 {
        self.inner.lock().unwrap().chain.head().height.0
    }

    pub fn validators(&self) -> usize {
        self.inner.lock().unwrap().chain.validators().len()
    }

    /// Checked accusations.
    pub fn accused(&self) -> Vec<PeerKey> {
        let inner = self.inner.lock().unwrap();
        let guilty = inner.accused.iter().filter_map(|body| match body {
            Body::Equivocation(pair) if pair.first.body.contradicts(&pair.second.body) => {
                let votes = [pair.first, pair.second].map(Signed::check);
                votes.into_iter().all(|vote| vote.is_ok()).then_some(pair.first.body.validator)
            }
            _ => None,
        });
        guilty.collect()
    }

    /// From now on its blocks leave all disputes out, or no longer do.
    pub fn censor(&self, censors: bool) {
        self.inner.lock().unwrap().censors = censors;
    }

    /// How often something was refused for this reason.
    pub fn refusals(&self, kind: &'static str, reason: &'static str) -> u64 {
        self.inner.lock().unwrap().refused.get(&(kind, reason)).copied().unwrap_or(0)
    }

    pub fn failure(&self) -> Option<String> {
        self.inner.lock().unwrap().failure.clone()
    }

    pub fn next_nonce(&self, key: &PeerKey) -> u64 {
        self.inner.lock().unwrap().chain.next_nonce(key)
    }

    pub fn admit(&self, transactions: &[Signed<Transaction>]) {
        self.inner.lock().unwrap().pending.extend_from_slice(transactions);
        for transaction in transactions {
            drop(self.admitted.send(Arc::new(transaction.clone())));
        }
    }
}

impl Ledger for Book {
    fn network(&self) -> Digest {
        self.network
    }

    fn head(&self) -> Head {
        self.inner.lock().unwrap().chain.head()
    }

    fn standing(&self) -> (Head, ValidatorSet) {
        let inner = self.inner.lock().unwrap();
        (inner.chain.head(), inner.chain.validators())
    }

    fn has_pending(&self) -> bool {
        !self.inner.lock().unwrap().pending.is_empty()
    }

    fn admitted(&self) -> broadcast::Receiver<Arc<Signed<Transaction>>> {
        self.admitted.subscribe()
    }

    fn build(&self, secrets: &ProposerSecrets, time_ms: u64) -> Result<CheckedBlock, BlockError> {
        let mut inner = self.inner.lock().unwrap();
        let mut pending = inner.pending.clone();
        pending.retain(|signed| !(inner.censors && signed.body().body.is_dispute_lane()));
        Ok(inner.chain.propose(secrets, time_ms, pending)?.block)
    }

    fn check(&self, block: &CheckedBlock) -> Result<(), BlockError> {
        self.inner.lock().unwrap().chain.check(block)
    }

    fn omission(&self, block: &CheckedBlock) -> Result<Option<Digest>, Fault> {
        let inner = &mut *self.inner.lock().unwrap();
        let overdue: Vec<Digest> = inner.held.overdue(block.header().height).copied().collect();
        let held = inner.pending.iter().filter(|signed| overdue.contains(&signed.id()));
        inner.chain.omission(block, &held.cloned().collect::<Vec<_>>())
    }

    fn apply(&self, block: &CheckedBlock, certificate: &Certificate) -> Result<(), BlockError> {
        let inner = &mut *self.inner.lock().unwrap();
        inner.chain.apply(block, certificate)?;
        let ids: Vec<Digest> = block.transactions().iter().map(Signed::id).collect();
        inner.pending.retain(|pending| !ids.contains(&pending.id()));
        let head = inner.chain.head();
        let valid = inner.chain.sift(inner.pending.clone())?.valid;
        inner.held.look(head.height, valid.iter());
        let (at, round) = (Instant::now(), certificate.round);
        inner.seen.insert(head.height.0, Seen { at, id: head.id, root: head.state_root, round });
        Ok(())
    }

    fn block(&self, height: Height) -> Result<Option<(Block, Certificate)>, Fault> {
        let inner = self.inner.lock().unwrap();
        Ok(inner.chain.block(height)?.zip(inner.chain.certificate(height)?))
    }

    fn accuse(&self, accusation: Body) {
        self.inner.lock().unwrap().accused.push(accusation);
    }

    fn refused(&self, kind: &'static str, reason: &'static str) {
        *self.inner.lock().unwrap().refused.entry((kind, reason)).or_default() += 1;
    }

    fn cannot_go_on(&self, reason: &str) {
        self.inner.lock().unwrap().failure = Some(reason.to_owned());
    }
}

/// Where each validator of a network listens.
pub struct Places {
    listen: Vec<String>,
}

impl Places {
    /// One address of 127.7.0.0 for each, with ports that are free now.
    pub fn new(net: &Net) -> Places {
        let place = |index: usize| {
            let ip = format!("127.7.0.{}", index + 1);
            let port = TcpListener::bind((ip.as_str(), 0)).unwrap().local_addr().unwrap().port();
            format!("/ip4/{ip}/tcp/{port}")
        };
        Places { listen: (0..net.keys.len()).map(place).collect() }
    }

    /// What an engine is told that is to run in a folder and knows these others.
    pub fn config(&self, net: &Net, index: usize, folder: &Path, knows: &[usize]) -> ConsensusConfig {
        let named = |(at, keys): (&String, &ValidatorKeys)| {
            format!("{at}/p2p/{}", peer_id(&keys.node.verifying_key().to_bytes()).unwrap())
        };
        let all: Vec<String> = self.listen.iter().zip(&net.keys).map(named).collect();
        ConsensusConfig {
            listen: self.listen[index].clone(),
            peers: knows.iter().filter(|at| **at != index).map(|at| all[*at].clone()).collect(),
            folder: folder.join(format!("validator-{index}")),
            moniker: format!("validator-{index}"),
        }
    }

    /// Where a validator listens.
    pub fn socket(&self, index: usize) -> std::net::SocketAddr {
        let text = self.listen[index].replace("/ip4/", "").replace("/tcp/", ":");
        text.parse().unwrap()
    }
}

/// Waits until a ledger has a height.
pub fn reaches(book: &Book, height: u64, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while book.height() < height && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    book.height() >= height
}

/// The distances between decided heights, in ms, as the median, the 99th of 100 and the longest.
pub fn intervals(book: &Book, from: u64, to: u64) -> (u128, u128, u128) {
    let seen = book.seen();
    let times: Vec<Instant> = seen.range(from..=to).map(|(_, seen)| seen.at).collect();
    let mut distances: Vec<u128> = times.windows(2).map(|w| (w[1] - w[0]).as_millis()).collect();
    distances.sort_unstable();
    let at = |percent: usize| distances.get((distances.len() * percent).div_ceil(100).saturating_sub(1));
    let or_zero = |distance: Option<&u128>| distance.copied().unwrap_or(0);
    (or_zero(at(50)), or_zero(at(99)), or_zero(distances.last()))
}
