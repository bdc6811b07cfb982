//! Who takes part, with what keys and stakes, under which terms.

use crate::data::Corpus;
use crate::home::{BlobError, HomeError};
use crate::roles::{Identity, LineageError, initial_base};
use crate::strategy::{Strategy, TestNetwork, UnknownStrategy};
use ed25519_dalek::SigningKey;
use retrace_ledger::econ::{Deterrence, detection_ppb};
use retrace_ledger::{
    Amount, ChainError, Genesis, GenesisAccount, Params, ProposerSecrets, Role, RunTerms, Span, VrfSecret,
};
use retrace_model::{
    ARITHMETIC_VERSION, AdamWSpec, Decay, Engine, F32Bits, GptSpec, OuterSpec, RunSpec, ScheduleSpec,
};
use retrace_verifier::digest::tensor_digest;
use retrace_verifier::docket::Shard;
use retrace_verifier::signature::peer_key;
use retrace_verifier::state::{StateKind, root_of};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names of everybody that a liar can be.
pub const PEERS: [&str; 3] = ["trainer-1", "trainer-2", "trainer-3"];
const VERIFIERS: [&str; 2] = ["verifier-1", "verifier-2"];
/// What a lie is declared to gain, in units of value.
const DECLARED_GAIN: u64 = 1_000;
/// Share of verifiers that is declared to collude: one third.
pub(super) const COLLUSION_PPM: u32 = 333_333;
/// Lock where a lie is declared to gain nothing.
const LOCK_MIN: u64 = 5_000;

/// A trainer that lies, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liar {
    /// Which trainer.
    pub name: String,
    /// Its strategy.
    pub strategy: Strategy,
}

/// Size of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// Three layers of width 64, context 64: what the demo trains
    Small,
    /// Two layers of width 16, context 32: small enough to replay on the reference backend
    Tiny,
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
    /// What the run trains.
    pub fn spec(&self) -> RunSpec {
        let bits = |x: f32| F32Bits(x.to_bits());
        let (context, width, heads, hidden, batch) = match self.preset {
            Preset::Small => (64, 64, 4, 256, 8),
            Preset::Tiny => (32, 16, 2, 64, 4),
        };
        let layers = match self.preset {
            Preset::Small => 3,
            Preset::Tiny => 2,
        };
        let model = GptSpec { vocabulary: 256, context, width, heads, layers, hidden, init_std: bits(0.04) };
        let optimizer = AdamWSpec {
            beta1: bits(0.9),
            beta2: bits(0.95),
            epsilon: bits(1e-8),
            weight_decay: bits(0.01),
            clip_norm: bits(1.0),
        };
        let decay = Decay::Cosine { floor: bits(0.2) };
        RunSpec {
            arithmetic_version: ARITHMETIC_VERSION,
            seed: self.derive("parameters"),
            model,
            batch,
            optimizer,
            schedule: ScheduleSpec { peak: bits(4e-3), warmup_steps: self.steps.min(4), decay },
            outer: OuterSpec { learning_rate: bits(0.7), momentum: bits(0.6) },
            steps: self.steps,
            slots: PEERS.len() as u16,
            rounds: self.rounds,
        }
    }

    /// 32 bytes for one use, from the seed.
    fn derive(&self, name: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("retrace v1 demo");
        hasher.update(&self.seed.to_le_bytes()).update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }

    fn deterrence(&self) -> Deterrence {
        let detection_ppb = detection_ppb(self.audit_rate_ppm, COLLUSION_PPM, VERIFIERS.len() as u8);
        let gain = if detection_ppb == 0 { Amount::ZERO } else { Amount(DECLARED_GAIN) };
        let (bounty_ppm, reward) = (100_000, Amount(100));
        Deterrence { lock: Amount(LOCK_MIN), bounty_ppm, reward, gain, detection_ppb }
    }

    /// The smallest round lock that deters the declared gain at this audit rate.
    fn lock(&self) -> Option<Amount> {
        let needed = self.deterrence().lock_needed()?;
        Some(Amount(needed.0.checked_next_multiple_of(1_000)?.max(LOCK_MIN)))
    }
}

/// Everybody with their keys, and the genesis that names them.
pub(super) struct Cast {
    pub genesis: Genesis,
    pub proposer: ProposerSecrets,
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
        let proposer = ProposerSecrets {
            signing: key("proposer"),
            vrf: VrfSecret::from_seed(&plan.derive("proposer beacon")),
        };
        let lock = plan.lock().ok_or(SetupError::Terms)?;
        // A trainer can afford one lie: what is left of its stake does not carry another commitment.
        let half = Amount(lock.0 / 2);
        let trainer_stake = lock.plus(half).ok_or(SetupError::Terms)?;
        let verifier_stake = lock.times(4).ok_or(SetupError::Terms)?;
        let account =
            |key, balance, bonded, role| GenesisAccount { key, balance, bonded, role, registered: None };
        let sponsor = key("sponsor");
        let mut accounts = vec![account(peer_key(&sponsor), Amount(1 << 40), Amount::ZERO, Role::Sponsor)];
        let staked = |identity: &Identity, stake, role| account(identity.peer(), Amount(1_000), stake, role);
        accounts.extend(trainers.iter().map(|t| staked(t, trainer_stake, Role::Trainer)));
        accounts.extend(verifiers.iter().map(|v| staked(v, verifier_stake, Role::Verifier)));
        accounts.sort_by_key(|account| account.key);
        let genesis = Genesis {
            name: "retrace-demo".into(),
            test_network: true,
            time_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            proposer: proposer.proposer(),
            accounts,
            params: Params::default(),
        };
        let test_network = TestNetwork::of(&genesis);
        if plan.liar.is_some() && test_network.is_none() {
            return Err(SetupError::NotATestNetwork);
        }
        Ok(Cast { genesis, proposer, sponsor, trainers, verifiers, test_network })
    }

    /// Terms of the run on this corpus.
    pub fn terms(&self, plan: &Plan, corpus: &Corpus) -> Result<RunTerms, SetupError> {
        let spec = plan.spec();
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        let deterrence = plan.deterrence();
        let minutes = |n: u64| Span { heights: 20, ms: n * 60_000 };
        Ok(RunTerms {
            spec,
            manifest: corpus.shards.iter().map(shard).collect(),
            initial_base: root_of(StateKind::Outer, &spec, &initial_base(&spec)),
            audit_rate_ppm: plan.audit_rate_ppm,
            verdicts_min: VERIFIERS.len() as u8,
            draw_delay: 2,
            segment_reward: deterrence.reward,
            verdict_reward: Amount(5),
            lock: plan.lock().ok_or(SetupError::Terms)?,
            challenge_bond: Amount(500),
            commit_span: minutes(10),
            verdict_span: minutes(10),
            move_span: minutes(10),
            bounty_ppm: deterrence.bounty_ppm,
            bounty_cap: Amount(1_000),
            declared_gain: deterrence.gain,
            collusion_ppm: COLLUSION_PPM,
        })
    }

    /// The name of a peer, or its key where it has none here.
    pub fn name(&self, peer: &retrace_verifier::signature::PeerKey) -> String {
        let known = self.trainers.iter().chain(&self.verifiers).find(|identity| identity.peer() == *peer);
        let sponsor = (peer_key(&self.sponsor) == *peer).then(|| "sponsor".to_string());
        known.map(|identity| identity.name.clone()).or(sponsor).unwrap_or_else(|| peer.to_string())
    }
}
