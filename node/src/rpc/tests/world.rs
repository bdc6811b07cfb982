//! A network of one validator, two trainers of whom one lies, and two verifiers, all threads behind one door.

use crate::home::Home;
use crate::network::{Board, propose_until_stopped};
use crate::roles::{
    Attester, Identity, Role as Conduct, SignedSlots, Trainer, Verifier, initial_base, run_until_stopped,
};
use crate::rpc::client::Client;
use crate::rpc::{NodeInfo, PeerInfo, RpcHandle, serve};
use crate::strategy::{Strategy, TestNetwork};
use ed25519_dalek::SigningKey;
use retrace_ledger::econ::{Deterrence, detection_ppb};
use retrace_ledger::{
    Amount, Body, Chain, Genesis, GenesisAccount, MemoryStore, Merging, OpenRun, Params, ProposerSecrets,
    RegisteredKeys, Role, RunTerms, Signed, Span, Transaction, VrfSecret,
};
use retrace_model::{
    ARITHMETIC_VERSION, AdamWSpec, Architecture, Backend, Decay, Engine, F32Bits, GptSpec, ModelSpec,
    OptimizerSpec, OuterSpec, RunSpec, ScheduleSpec,
};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::Shard;
use retrace_verifier::signature::{PeerKey, peer_key};
use retrace_verifier::state::{StateKind, root_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Names of keys: any byte.
pub const SPONSOR: u8 = 1;
pub const HONEST: u8 = 2;
pub const LIAR: u8 = 3;
pub const VERIFIERS: [u8; 2] = [4, 5];
pub const VALIDATOR: u8 = 6;
const BALANCE: u64 = 1_000_000;
const STAKE: u64 = 100_000;

/// The network and its door.
pub struct World {
    pub board: Arc<Board>,
    pub client: Client,
    pub handle: Option<RpcHandle>,
    pub runtime: Runtime,
    pub folder: TempDir,
}

pub fn secret(name: u8) -> SigningKey {
    SigningKey::from_bytes(&[name; 32])
}

pub fn key(name: u8) -> PeerKey {
    peer_key(&secret(name))
}

fn secrets() -> ProposerSecrets {
    ProposerSecrets { signing: SigningKey::from_bytes(&[40; 32]), vrf: VrfSecret::from_seed(&[41; 32]) }
}

/// Parameters of the network.
pub fn params() -> Params {
    let long = Span { heights: 20, ms: 600_000 };
    Params { unbond_span: Span { heights: 200, ms: 4_800_000 }, attest_span: long, ..Params::default() }
}

fn genesis(params: Params) -> Genesis {
    let secrets = secrets();
    let keys =
        RegisteredKeys { vrf: secrets.vrf.key(), consensus: peer_key(&secrets.signing), node: [42; 32] };
    let account = |name, bonded, role| GenesisAccount {
        key: key(name),
        balance: Amount(BALANCE),
        bonded: Amount(bonded),
        role,
        registered: (role == Role::Validator).then_some(keys),
    };
    let mut accounts = vec![
        account(SPONSOR, 0, Role::Sponsor),
        account(HONEST, STAKE, Role::Trainer),
        account(LIAR, STAKE, Role::Trainer),
        account(VERIFIERS[0], STAKE, Role::Verifier),
        account(VERIFIERS[1], STAKE, Role::Verifier),
        account(VALIDATOR, STAKE, Role::Validator),
    ];
    accounts.sort_by_key(|account| account.key);
    Genesis { name: "door".into(), test_network: true, time_ms: 1, accounts, params }
}

fn spec() -> RunSpec {
    let bits = |x: f32| F32Bits(x.to_bits());
    let (context, width, heads, layers, hidden) = (8, 8, 2, 1, 16);
    RunSpec {
        arithmetic_version: ARITHMETIC_VERSION,
        seed: [7; 32],
        model: ModelSpec {
            vocabulary: 256,
            context,
            width,
            layers,
            hidden,
            init_std: bits(0.04),
            dropout: bits(0.0),
            tied: true,
            architecture: Architecture::Gpt(GptSpec::new(heads)),
        },
        batch: 2,
        accumulation: 1,
        optimizer: OptimizerSpec::AdamW(AdamWSpec {
            beta1: bits(0.9),
            beta2: bits(0.95),
            epsilon: bits(1e-8),
            weight_decay: bits(0.01),
            clip_norm: bits(1.0),
        }),
        schedule: ScheduleSpec { peak: bits(4e-3), warmup_steps: 2, decay: Decay::Constant },
        outer: OuterSpec { learning_rate: bits(0.7), momentum: bits(0.6) },
        steps: 4,
        slots: 2,
        rounds: 1,
    }
}

/// The text that the run trains on.
pub fn shard() -> Vec<u8> {
    b"a run of one round, and a shard that the sponsor uploads over the door. ".repeat(20)
}

fn terms() -> RunTerms {
    let (audit_rate_ppm, collusion_ppm) = (1_000_000, 333_333);
    let detection_ppb = detection_ppb(audit_rate_ppm, collusion_ppm, 2);
    let (bounty_ppm, reward, gain) = (100_000, Amount(100), Amount(1_000));
    let lock = Amount(0);
    let lock = Deterrence { lock, bounty_ppm, reward, gain, detection_ppb, is_gain_kept: false }
        .lock_needed()
        .unwrap();
    let long = Span { heights: 20, ms: 600_000 };
    RunTerms {
        spec: spec(),
        manifest: vec![Shard { digest: tensor_digest(&shard()), bytes: shard().len() as u64 }],
        initial_base: root_of(StateKind::Outer, &spec(), &initial_base(&spec())),
        audit_rate_ppm,
        verdicts_min: 2,
        draw_delay: 2,
        segment_reward: reward,
        verdict_reward: Amount(5),
        lock,
        challenge_bond: Amount(500),
        commit_span: long,
        verdict_span: long,
        move_span: long,
        bounty_ppm,
        bounty_cap: Amount(200),
        declared_gain: gain,
        collusion_ppm,
        verifier_stake: Amount(1_000),
        merging: Merging::Delayed,
    }
}

impl World {
    /// The network with its validator at work and its door open; no roles.
    pub fn new() -> World {
        World::with(params())
    }

    /// The same with other parameters.
    pub fn with(params: Params) -> World {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(&folder.path().join("home"), &genesis(params)).unwrap();
        let chain = Chain::open(genesis(params), Box::new(MemoryStore::default())).unwrap();
        let board = Arc::new(Board::new(chain, home).unwrap());
        let validator = Arc::clone(&board);
        std::thread::spawn(move || propose_until_stopped(&validator, &secrets()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let about =
            NodeInfo { name: "door-1".into(), account: String::new(), roles: vec!["validator".into()] };
        let peer = || PeerInfo { peer_id: "p".into(), address: "a".into(), height: 3, is_outbound: true };
        let listen = "127.0.0.1:0".parse().unwrap();
        let opened =
            runtime.block_on(serve(Arc::clone(&board), about, Arc::new(move || vec![peer()]), listen));
        let handle = opened.unwrap();
        let client = Client::new(&handle.address().to_string()).unwrap();
        World { board, client, handle: Some(handle), runtime, folder }
    }

    /// Signs a transaction with this nonce.
    pub fn sign(&self, name: u8, nonce: u64, body: Body) -> Signed<Transaction> {
        let transaction = Transaction { network: self.board.network(), signer: key(name), nonce, body };
        Signed::sign(transaction, &secret(name)).unwrap()
    }

    /// Opens the run; its shard is nowhere yet.
    pub fn open_run(&self) -> Digest {
        let opening = self.sign(SPONSOR, 1, Body::OpenRun(Box::new(OpenRun { terms: terms() })));
        let id = self.client.submit(&opening).unwrap();
        let fate = self.client.settled(&id, std::time::Duration::from_secs(20)).unwrap();
        assert_eq!(fate.status, "included", "{fate:?}");
        id
    }

    /// Sets everybody to work.
    pub fn spawn_roles(&self) {
        let mut roles: Vec<Box<dyn Conduct>> = vec![Box::new(Attester::new(identity(VALIDATOR)))];
        roles.push(Box::new(self.trainer(HONEST, None)));
        roles.push(Box::new(self.trainer(LIAR, Some(Strategy::WrongRate))));
        roles.extend(VERIFIERS.map(|name| Box::new(Verifier::new(identity(name))) as Box<dyn Conduct>));
        for mut role in roles {
            let board = Arc::clone(&self.board);
            std::thread::spawn(move || run_until_stopped(&board, role.as_mut()));
        }
    }
}

impl World {
    /// A trainer that lies like this; honest without a strategy.
    pub fn trainer(&self, name: u8, lies: Option<Strategy>) -> Trainer {
        let signed = SignedSlots::open(self.folder.path().join(format!("signed-{name}"))).unwrap();
        Trainer::new(identity(name), lies.zip(TestNetwork::of(self.board.genesis())), signed)
    }

    /// Sends a transaction under the next free nonce, and waits until it is in a block.
    pub fn play(&self, name: u8, body: Body) -> Digest {
        let id = self.board.submit(&secret(name), body).unwrap();
        let fate = self.client.settled(&id, Duration::from_secs(20)).unwrap();
        assert_eq!(fate.status, "included", "{fate:?}");
        id
    }

    /// Looks once after every block until there is what is looked for.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(since.elapsed() < Duration::from_secs(120), "no {what}: {:?}", self.board.failure());
            self.board.wait_a_while(self.board.height(), Duration::from_millis(100));
        }
    }

    /// Sets a role to work, until it is told to stop.
    pub fn spawn(&self, mut role: impl Conduct + 'static) -> Worker {
        let stop = Arc::new(AtomicBool::new(false));
        let (board, stopped) = (Arc::clone(&self.board), Arc::clone(&stop));
        let work = move || {
            while !stopped.load(Ordering::SeqCst) && !board.is_stopped() {
                let height = board.height();
                while !stopped.load(Ordering::SeqCst) && !board.is_waiting(&role.identity().peer()) {
                    match role.act(&board) {
                        Ok(true) => {}
                        Ok(false) => break,
                        // Bytes may still come.
                        Err(_) => break,
                    }
                }
                board.wait_a_while(height, Duration::from_millis(50));
            }
        };
        Worker { stop, thread: std::thread::spawn(work) }
    }
}

/// A role at work.
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Stops it as a kill would: nothing but its files is left.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

/// An identity by the name of its key.
pub fn identity(name: u8) -> Identity {
    let engine = Engine { backend: Backend::best(), threads: 1 };
    Identity { name: format!("name-{name}"), key: secret(name), engine }
}

impl Drop for World {
    fn drop(&mut self) {
        self.board.stop();
        if let Some(handle) = self.handle.take() {
            self.runtime.block_on(handle.stop());
        }
    }
}
