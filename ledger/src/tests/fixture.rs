//! A small network: one validator, a sponsor, trainers, verifiers, an auditor, and a run for them.

use crate::{
    Account, Amount, Attest, AttestedPart, Base, Block, Body, Certificate, Chain, CheckedBlock, Commit,
    CommitSignature, Dispute, Event, Genesis, GenesisAccount, Height, MemoryStore, Merging, OpenRun, Params,
    Phase, ProposerSecrets, RegisteredKeys, Role, RunTerms, Seal, Settle, Signable, Signed, Span,
    Transaction, TransactionInvalid, Verdict, VerdictResult, Vote, VoteKind, VrfSecret, challenge_seal,
    encode,
};
use ed25519_dalek::SigningKey;
use retrace_model::RunSpec;
use retrace_model::selftest::golden_spec;
use retrace_verifier::Unit;
use retrace_verifier::commitment::{BaseClaim, Commitment, SignedBase, SignedCommitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Opening, Shard};
use retrace_verifier::signature::{PeerKey, peer_key, sign};

pub const SPONSOR: u8 = 1;
pub const TRAINERS: [u8; 2] = [11, 12];
pub const VERIFIERS: [u8; 3] = [21, 22, 23];
pub const AUDITOR: u8 = 31;
pub const NOBODY: u8 = 99;
pub const VALIDATOR: u8 = 100;

pub fn secret(name: u8) -> SigningKey {
    SigningKey::from_bytes(&[name; 32])
}

pub fn key(name: u8) -> PeerKey {
    peer_key(&secret(name))
}

/// What a validator proposes and votes with.
pub fn validator(name: u8) -> ProposerSecrets {
    let mut seed = [name; 32];
    seed[0] ^= 0xFF;
    ProposerSecrets { signing: SigningKey::from_bytes(&seed), vrf: VrfSecret::from_seed(&[name; 32]) }
}

/// The one validator's secrets.
pub fn proposer() -> ProposerSecrets {
    validator(VALIDATOR)
}

/// The keys that a validator registers.
pub fn registered(name: u8) -> RegisteredKeys {
    let secrets = validator(name);
    RegisteredKeys { vrf: secrets.vrf.key(), consensus: secrets.consensus(), node: [name; 32] }
}

fn account(name: u8, balance: u64, bonded: u64, role: Role) -> GenesisAccount {
    let (balance, bonded) = (Amount(balance), Amount(bonded));
    GenesisAccount { key: key(name), balance, bonded, role, registered: None }
}

pub fn genesis() -> Genesis {
    genesis_of(&[(VALIDATOR, 30_000)])
}

/// A genesis with these validators and their stakes.
pub fn genesis_of(validators: &[(u8, u64)]) -> Genesis {
    let mut accounts = vec![account(SPONSOR, 1_000_000, 0, Role::Sponsor)];
    accounts.extend(TRAINERS.map(|name| account(name, 1_000, 50_000, Role::Trainer)));
    accounts.extend(VERIFIERS.map(|name| account(name, 1_000, 10_000, Role::Verifier)));
    accounts.push(account(AUDITOR, 5_000, 20_000, Role::Auditor));
    accounts.extend(validators.iter().map(|(name, bonded)| GenesisAccount {
        registered: Some(registered(*name)),
        ..account(*name, 1_000, *bonded, Role::Validator)
    }));
    accounts.sort_by_key(|account| account.key);
    Genesis {
        name: "fixture".into(),
        test_network: true,
        time_ms: 1_700_000_000_000,
        accounts,
        params: Params::default(),
    }
}

pub fn spec() -> RunSpec {
    let mut spec = golden_spec();
    spec.model.context = 9;
    spec.model.width = 12;
    spec.model.hidden = 20;
    spec.batch = 2;
    spec.slots = 2;
    spec.rounds = 2;
    spec
}

pub fn terms() -> RunTerms {
    RunTerms {
        spec: spec(),
        manifest: vec![Shard { digest: Digest([3; 32]), bytes: 1_000 }],
        initial_base: Digest([4; 32]),
        audit_rate_ppm: 500_000,
        verdicts_min: 2,
        draw_delay: 2,
        segment_reward: Amount(100),
        verdict_reward: Amount(18),
        lock: Amount(10_000),
        challenge_bond: Amount(1_000),
        commit_span: Span { heights: 5, ms: 5_000 },
        verdict_span: Span { heights: 5, ms: 5_000 },
        move_span: Span { heights: 4, ms: 4_000 },
        bounty_ppm: 100_000,
        bounty_cap: Amount(700),
        declared_gain: Amount(5_000),
        collusion_ppm: 333_333,
        verifier_stake: Amount(300),
        merging: Merging::Delayed,
    }
}

/// A precommit of a block by a validator.
pub fn precommit(network: Digest, height: Height, block: Digest, name: u8) -> CommitSignature {
    let secrets = validator(name);
    let (kind, validator) = (VoteKind::Precommit, secrets.consensus());
    let vote = Vote { network, height, round: 0, kind, block: Some(block), validator };
    CommitSignature { validator, signature: sign(&secrets.signing, Vote::SIGNATURE_CONTEXT, &vote) }
}

/// The certificate of a block by these validators.
pub fn certify(block: &CheckedBlock, names: &[u8]) -> Certificate {
    let (header, block) = (block.header(), block.id());
    let mut signatures: Vec<CommitSignature> =
        names.iter().map(|name| precommit(header.network, header.height, block, *name)).collect();
    signatures.sort_by_key(|signed| signed.validator);
    Certificate { height: header.height, round: 0, block, signatures }
}

/// A chain that proposes to itself.
pub struct World {
    pub chain: Chain,
    pub time_ms: u64,
    pub blocks: Vec<Block>,
    pub certificates: Vec<Certificate>,
}

impl World {
    pub fn new() -> World {
        World::of(genesis())
    }

    pub fn of(genesis: Genesis) -> World {
        let time_ms = genesis.time_ms;
        let chain = Chain::open(genesis, Box::new(MemoryStore::default())).unwrap();
        World { chain, time_ms, blocks: Vec::new(), certificates: Vec::new() }
    }

    /// A transaction of `name` with its next nonce.
    pub fn sign(&self, name: u8, body: Body) -> Signed<Transaction> {
        self.sign_with(name, body, self.chain.next_nonce(&key(name)))
    }

    pub fn sign_with(&self, name: u8, body: Body, nonce: u64) -> Signed<Transaction> {
        let transaction = Transaction { network: self.chain.network(), signer: key(name), nonce, body };
        Signed::sign(transaction, &secret(name)).unwrap()
    }

    /// Names of the validators of the next height, in their order.
    pub fn validators(&self) -> Vec<u8> {
        // The fixture's node keys are made of names.
        self.chain.validators().iter().map(|validator| validator.node[0]).collect()
    }

    /// The next block, a second later, by the first in the order.
    pub fn propose(&mut self, pending: Vec<Signed<Transaction>>) -> crate::Proposal {
        let secrets = validator(self.validators()[0]);
        self.chain.propose(&secrets, self.time_ms + 1_000, pending).unwrap()
    }

    /// Applies a block that all validators precommit.
    pub fn apply(&mut self, block: &CheckedBlock) -> Vec<Event> {
        let certificate = certify(block, &self.validators());
        self.chain.check(block).unwrap();
        let events = self.chain.apply(block, &certificate).unwrap();
        self.time_ms = block.header().time_ms;
        self.blocks.push(block.wire());
        self.certificates.push(certificate);
        assert_eq!(self.chain.state().total_value(), Some(self.chain.state().genesis_value()));
        events
    }

    /// Applies a block of transactions, all of which must be valid.
    pub fn step(&mut self, pending: Vec<Signed<Transaction>>) -> Vec<Event> {
        let proposal = self.propose(pending);
        assert!(proposal.dropped.is_empty(), "{:?}", proposal.dropped);
        assert!(proposal.left.is_empty());
        self.apply(&proposal.block)
    }

    /// One transaction in a block of its own.
    pub fn play(&mut self, name: u8, body: Body) -> Vec<Event> {
        let signed = self.sign(name, body);
        self.step(vec![signed])
    }

    /// What a log holds: each block and its certificate, as bytes.
    pub fn log(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.blocks.iter().map(encode).zip(self.certificates.iter().map(encode))
    }

    /// Empty blocks.
    pub fn wait(&mut self, blocks: u64) -> Vec<Event> {
        (0..blocks).flat_map(|_| self.step(Vec::new())).collect()
    }

    /// Why a transaction is refused; nothing is applied.
    pub fn refusal(&mut self, name: u8, body: Body) -> Option<TransactionInvalid> {
        let signed = self.sign(name, body);
        self.propose(vec![signed]).dropped.first().map(|(_, reason)| *reason)
    }

    pub fn account(&self, name: u8) -> Account {
        *self.chain.state().account(&key(name)).unwrap()
    }

    pub fn phase(&self, run: &Digest) -> Phase {
        self.chain.state().progress(run).unwrap().phase
    }

    pub fn height(&self) -> Height {
        self.chain.head().height
    }

    /// Opens a run, whose round 0 opens in the next block.
    pub fn open(&mut self, terms: RunTerms) -> Digest {
        let signed = self.sign(SPONSOR, Body::OpenRun(Box::new(OpenRun { terms })));
        let run = signed.id();
        self.step(vec![signed]);
        run
    }

    /// A run in its first round.
    pub fn training(&mut self) -> Digest {
        let run = self.open(terms());
        self.wait(1);
        assert_eq!(self.phase(&run), Phase::Training);
        run
    }

    /// A commitment of the slot's trainer with roots made from `seed`.
    pub fn commitment(&self, run: &Digest, slot: u16, seed: u8) -> (u8, SignedCommitment) {
        let round = self.chain.state().progress(run).unwrap().round;
        let slots = &self.chain.state().round(run, round).unwrap().slots;
        let trainer = slots[usize::from(slot)].trainer.unwrap();
        let name = TRAINERS.into_iter().find(|name| key(*name) == trainer).unwrap();
        let root = |n: u8| Digest([seed ^ n; 32]);
        let commitment = Commitment {
            network: self.chain.network(),
            run: *run,
            round,
            slot,
            data_root: root(1),
            delta_root: root(2),
            delta_bytes: 4,
            checkpoint_root: root(3),
            loss_root: root(4),
            mean_loss: 0,
            lists: root(5),
            trainer,
        };
        (name, SignedCommitment::new(commitment, &secret(name)))
    }

    /// All validators attest to a part of these claims, in one block.
    pub fn attest_all(&mut self, claims: &[Digest], part: AttestedPart) -> Vec<Event> {
        let mut pending = Vec::new();
        for name in self.validators() {
            for (nonce, claim) in (self.chain.next_nonce(&key(name))..).zip(claims) {
                pending.push(self.sign_with(name, attest(*claim, part), nonce));
            }
        }
        self.step(pending)
    }

    /// Commits to both slots, and the validators hold what is committed to; gives the commitments' ids.
    pub fn commit_all(&mut self, run: &Digest) -> [Digest; 2] {
        let ids = [0, 1].map(|slot| {
            let (name, signed) = self.commitment(run, slot, 7 + slot as u8);
            self.play(name, commit(signed));
            signed.commitment.id()
        });
        self.attest_all(&ids, AttestedPart::Segment);
        assert!(matches!(self.phase(run), Phase::Drawing(_)));
        ids
    }

    /// A run whose first round is drawn and its drawn states attested; gives it and its commitments.
    pub fn audited(&mut self) -> (Digest, [Digest; 2]) {
        let run = self.training();
        let ids = self.commit_all(&run);
        self.wait(2);
        assert_eq!(self.phase(&run), Phase::Auditing);
        self.attest_all(&ids, AttestedPart::Drawn);
        (run, ids)
    }

    /// All verifiers give this verdict on all drawn units of a claim.
    pub fn judge(&mut self, claim: &Digest, result: VerdictResult) {
        for unit in self.units(claim) {
            for name in VERIFIERS {
                self.play(name, verdict(*claim, unit, result));
            }
        }
    }

    /// Seals an accusation and opens it in the next block; gives the dispute.
    pub fn challenge(&mut self, name: u8, claim: Digest, unit: Unit, opening: Opening) -> Digest {
        let salt = self.seal(name, claim, unit);
        self.open_seal(name, claim, unit, opening, salt)
    }

    /// Seals an accusation; gives its salt.
    pub fn seal(&mut self, name: u8, claim: Digest, unit: Unit) -> Digest {
        // Another salt for each transaction.
        let salt = self.sign(name, Body::Settle(Settle { claim })).id();
        let seal = challenge_seal(&claim, unit, &key(name), &salt);
        self.play(name, Body::Seal(Seal { seal }));
        salt
    }

    /// Opens a seal; gives the dispute.
    pub fn open_seal(
        &mut self,
        name: u8,
        claim: Digest,
        unit: Unit,
        opening: Opening,
        salt: Digest,
    ) -> Digest {
        let body = Dispute { claim, unit, opening, salt: Some(salt) };
        let events = self.play(name, Body::Dispute(Box::new(body)));
        let Event::DisputeOpened { dispute, .. } = events[0] else { panic!("{events:?}") };
        dispute
    }

    pub fn units(&self, claim: &Digest) -> Vec<Unit> {
        self.chain.state().claim(claim).unwrap().audit.as_ref().unwrap().units.clone()
    }

    /// A run whose first round is verified and waits for its base.
    pub fn merging(&mut self) -> Digest {
        let (run, ids) = self.audited();
        for id in ids {
            self.judge(&id, VerdictResult::Match);
            self.play(AUDITOR, Body::Settle(Settle { claim: id }));
        }
        assert_eq!(self.phase(&run), Phase::Merging);
        run
    }

    /// A base claim of `name` with a root made from `seed`.
    pub fn base(&self, name: u8, run: &Digest, seed: u8) -> SignedBase {
        let round = self.chain.state().progress(run).unwrap().round + 1;
        let network = self.chain.network();
        let claim = BaseClaim { network, run: *run, round, root: Digest([seed; 32]), poster: key(name) };
        SignedBase::new(claim, &secret(name))
    }
}

pub fn commit(signed: SignedCommitment) -> Body {
    Body::Commit(Box::new(Commit { signed }))
}

pub fn base(signed: SignedBase) -> Body {
    Body::Base(Base { signed })
}

pub fn attest(claim: Digest, part: AttestedPart) -> Body {
    Body::Attest(Attest { claim, part, keyed: Digest([8; 32]) })
}

pub fn verdict(claim: Digest, unit: Unit, result: VerdictResult) -> Body {
    Body::Verdict(Verdict { claim, unit, result, trace_root: Digest([9; 32]) })
}

/// How many events of a kind there are.
pub fn count(events: &[Event], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is(event)).count()
}
