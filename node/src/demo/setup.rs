//! Who takes part, with what keys and stakes, under which terms.

pub(super) use crate::devnet::COLLUSION_PPM;
pub use crate::devnet::Preset;

use crate::data::Corpus;
use crate::devnet::RunPlan;
use crate::home::{BlobError, HomeError};
use crate::roles::{Identity, LineageError};
use crate::strategy::{Strategy, TestNetwork, UnknownStrategy};
use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Amount, ChainError, Genesis, GenesisAccount, Params, ProposerSecrets, RegisteredKeys, Role, RunTerms,
    Span, VrfSecret,
};
use retrace_model::{Engine, RunSpec};
use retrace_verifier::digest::tensor_digest;
use retrace_verifier::docket::Shard;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names of everybody that a liar can be.
pub const PEERS: [&str; 3] = ["trainer-1", "trainer-2", "trainer-3"];
const VERIFIERS: [&str; 2] = ["verifier-1", "verifier-2"];

/// A trainer that lies, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liar {
    /// Which trainer.
    pub name: String,
    /// Its strategy.
    pub strategy: Strategy,
}

/// Everything that a demo is asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seeds keys, parameters and beacon.
    pub seed: u64,
    /// Folder of its home.
    pub home: PathBuf,
    /// Who lies, if anybody.
    pub liar: Option<Liar>,
    /// Share of steps drawn, parts per million.
    pub audit_rate_ppm: u32,
    /// Size of the model.
    pub preset: Preset,
    /// Rounds.
    pub rounds: u32,
    /// Steps a segment.
    pub steps: u32,
    /// What everybody computes with.
    pub engine: Engine,
}

/// A demo that cannot begin or go on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SetupError {
    /// The home.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// A blob.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Blob(#[from] BlobError),
    /// The accepted history.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lineage(#[from] LineageError),
    /// The chain.
    #[error("the ledger cannot be opened: {0}")]
    Chain(#[from] ChainError),
    /// No such trainer.
    #[error("{name} is no trainer of this demo")]
    #[diagnostic(help("{hint}"))]
    NoSuchPeer {
        /// What was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// No such strategy.
    #[error("{source}")]
    #[diagnostic(help("{hint}"))]
    NoSuchStrategy {
        /// What was asked for.
        source: UnknownStrategy,
        /// What is near.
        hint: String,
    },
    /// A liar on a network that does not say it is a test.
    #[error("strategies exist only where genesis says test_network")]
    #[diagnostic(help("a demo's network is always a test network; nothing else can be asked to lie"))]
    NotATestNetwork,
    /// The devnet.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Devnet(#[from] crate::devnet::DevnetError),
    /// The observer's home.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Init(#[from] crate::init::InitError),
    /// The observer's keys.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Keys(#[from] crate::keys::KeystoreError),
    /// The observer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Start(#[from] crate::start::StartError),
    /// A node that does not answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Client(#[from] crate::rpc::client::ClientError),
    /// Ctrl-C, or SIGTERM.
    #[error("the demo was interrupted; all its processes are stopped")]
    #[diagnostic(help("the same home goes on with `retrace devnet start --home DIR`"))]
    Interrupted,
    /// Somebody could not go on.
    #[error("{role} stopped: {reason}")]
    #[diagnostic(help("this is a fault of ours, please report it with the home's folder"))]
    Stopped {
        /// Who.
        role: String,
        /// Why.
        reason: String,
    },
    /// The terms overflow.
    #[error("the terms of this run do not fit 64 bits of value")]
    #[diagnostic(help("ask for fewer rounds or a higher audit rate"))]
    Terms,
}

impl Plan {
    /// The run. In one process nobody is ever late, so its windows are long.
    fn run(&self) -> RunPlan {
        let minutes = |n: u64| Span { heights: 20, ms: n * 60_000 };
        RunPlan {
            preset: self.preset,
            rounds: self.rounds,
            steps: self.steps,
            slots: PEERS.len() as u16,
            audit_rate_ppm: self.audit_rate_ppm,
            verdicts_min: VERIFIERS.len() as u8,
            commit_span: minutes(10),
            verdict_span: minutes(10),
            move_span: minutes(10),
            ..RunPlan::default()
        }
    }

    /// What the run trains.
    pub fn spec(&self) -> RunSpec {
        self.run().spec(self.derive("parameters"))
    }

    /// 32 bytes for one use, from the seed.
    fn derive(&self, name: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("retrace v1 demo");
        hasher.update(&self.seed.to_le_bytes()).update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// Everybody with their keys, and the genesis that names them.
pub(super) struct Cast {
    pub genesis: Genesis,
    /// The one validator: its stake key attests, its other keys propose and vote.
    pub validator: Identity,
    pub secrets: ProposerSecrets,
    pub sponsor: SigningKey,
    pub trainers: Vec<Identity>,
    pub verifiers: Vec<Identity>,
    pub test_network: Option<TestNetwork>,
}

impl Cast {
    pub fn new(plan: &Plan) -> Result<Cast, SetupError> {
        let key = |name: &str| SigningKey::from_bytes(&plan.derive(name));
        let identity = |name: &&str| Identity { name: (*name).into(), key: key(name), engine: plan.engine };
        let trainers: Vec<Identity> = PEERS.iter().map(identity).collect();
        let verifiers: Vec<Identity> = VERIFIERS.iter().map(identity).collect();
        let validator = identity(&"validator-1");
        let (signing, vrf) = (key("consensus"), VrfSecret::from_seed(&plan.derive("beacon")));
        let secrets = ProposerSecrets { signing, vrf };
        let keys = RegisteredKeys {
            vrf: secrets.vrf.key(),
            consensus: peer_key(&secrets.signing),
            node: peer_key(&key("node")).0,
        };
        let run = plan.run();
        let trainer_stake = run.trainer_stake().ok_or(SetupError::Terms)?;
        let verifier_stake = run.verifier_stake().ok_or(SetupError::Terms)?;
        let account =
            |key, balance, bonded, role| GenesisAccount { key, balance, bonded, role, registered: None };
        let sponsor = key("sponsor");
        let mut accounts = vec![account(peer_key(&sponsor), Amount(1 << 40), Amount::ZERO, Role::Sponsor)];
        let staked = |identity: &Identity, stake, role| account(identity.peer(), Amount(1_000), stake, role);
        accounts.extend(trainers.iter().map(|t| staked(t, trainer_stake, Role::Trainer)));
        accounts.extend(verifiers.iter().map(|v| staked(v, verifier_stake, Role::Verifier)));
        accounts.push(GenesisAccount {
            registered: Some(keys),
            ..account(validator.peer(), Amount(1_000), verifier_stake, Role::Validator)
        });
        accounts.sort_by_key(|account| account.key);
        let genesis = Genesis {
            name: "retrace-demo".into(),
            test_network: true,
            time_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            accounts,
            params: params(),
        };
        let test_network = TestNetwork::of(&genesis);
        if plan.liar.is_some() && test_network.is_none() {
            return Err(SetupError::NotATestNetwork);
        }
        Ok(Cast { genesis, validator, secrets, sponsor, trainers, verifiers, test_network })
    }

    /// Terms of the run on this corpus.
    pub fn terms(&self, plan: &Plan, corpus: &Corpus) -> Result<RunTerms, SetupError> {
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        let manifest = corpus.shards.iter().map(shard).collect();
        plan.run().terms(plan.derive("parameters"), manifest).ok_or(SetupError::Terms)
    }

    /// What people call everybody.
    pub fn names(&self) -> BTreeMap<PeerKey, String> {
        let identities = self.trainers.iter().chain(&self.verifiers).chain([&self.validator]);
        let named = identities.map(|identity| (identity.peer(), identity.name.clone()));
        named.chain([(peer_key(&self.sponsor), "sponsor".to_string())]).collect()
    }
}

/// Parameters of a network in one process, as long as its run's windows.
fn params() -> Params {
    let minutes = |n: u64| Span { heights: 20, ms: n * 60_000 };
    Params {
        unbond_span: Span { heights: 200, ms: 4_800_000 },
        attest_span: minutes(10),
        ..Params::default()
    }
}
