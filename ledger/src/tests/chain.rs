//! Blocks, the beacon, the state root, proofs, and whoever replays a chain.

use super::fixture::{AUDITOR, VALIDATOR, World, certify, genesis, key, proposer, registered, validator};
use crate::limits::DISPUTE_LANE_BYTES;
use crate::{
    Amount, Block, BlockError, BlockInvalid, Body, Chain, ChainError, CheckedBlock, CodecError, Fault,
    Genesis, GenesisAccount, GenesisError, Header, Height, MemoryStore, ProofError, Proposal, RegisteredKeys,
    Role, Signed, Stake, StateKey, Store, TransactionInvalid, VrfKey, VrfProof, VrfSecret, encode,
    genesis_beacon, next_beacon, prove_beacon, verify,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

fn stake(amount: u64) -> Body {
    Body::Stake(Stake { amount: Amount(amount) })
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// L-2.1, L-3.2: the published vector of vrf-r255 (c2sp.org/vrf-r255).
#[test]
fn the_published_vrf_vector() {
    let secret = hex("3431c2b03533e280b23232e280b34e2c3132c2b03238e280b23131e280b34500");
    let public = hex("54136cd90d99fbd1d4e855d9556efea87ba0337f2a6ce22028d0f5726fcb854e");
    let proof = hex(
        "0a97d961262fb549b4175c5117860f42ae44a123f93c476c439eddd1c0cff9265c805525233e2284dbed45e593b8eea31d5ca9734d72bcbb\
         a9738d5237f955f3b2422351149d1312503b6441a47c940c",
    );
    let output = hex(
        "dd653f0879b48c3ef69e13551239bec4cbcc1c18fe8894de2e9e1c790e18273603bf1c6c25d7a797aeff3c43fd32b974d3fcbd4bcce91600\
         7097922a3ea3a794",
    );
    let input = b"c2sp.org/vrf-r255";
    let secret = VrfSecret::from_bytes(secret).unwrap();
    assert_eq!(secret.key(), VrfKey(public));
    assert_eq!(secret.prove(input), VrfProof(proof));
    assert_eq!(VrfKey(public).verify(input, &VrfProof(proof)), Some(output));
    let mut wrong = proof;
    wrong[40] ^= 1;
    assert_eq!(VrfKey(public).verify(input, &VrfProof(wrong)), None);
    assert_eq!(VrfKey(public).verify(b"other", &VrfProof(proof)), None);
    assert!(VrfSecret::from_bytes([0xFF; 32]).is_none() && VrfSecret::from_bytes([0; 32]).is_none());
    assert!(!VrfKey([0; 32]).is_valid() && !VrfKey([0xFF; 32]).is_valid());
    assert_eq!(VrfSecret::from_seed(&[1; 32]).to_bytes(), VrfSecret::from_seed(&[1; 32]).to_bytes());
}

/// L-3.2: the beacon depends on network, height, the value before and the key, and on nothing else.
#[test]
fn the_beacon_is_bound() {
    let (vrf, network) = (proposer().vrf, Digest([1; 32]));
    let before = genesis_beacon(&network);
    let proof = prove_beacon(&vrf, &network, Height(1), &before);
    let value = next_beacon(&vrf.key(), &network, Height(1), &before, &proof);
    assert!(value.is_some() && value != Some(before));
    assert_eq!(proof, prove_beacon(&vrf, &network, Height(1), &before));
    assert_eq!(next_beacon(&vrf.key(), &network, Height(2), &before, &proof), None);
    assert_eq!(next_beacon(&vrf.key(), &Digest([2; 32]), Height(1), &before, &proof), None);
    assert_eq!(next_beacon(&vrf.key(), &network, Height(1), &[0; 32], &proof), None);
    assert_eq!(
        next_beacon(&VrfSecret::from_seed(&[5; 32]).key(), &network, Height(1), &before, &proof),
        None
    );
}

/// A proposal whose header is edited and signed again by `name` as a validator.
fn forge(proposal: &Proposal, name: u8, edit: impl Fn(&mut Header)) -> Result<CheckedBlock, BlockInvalid> {
    let mut header = *proposal.block.header();
    header.proposer = validator(name).consensus();
    edit(&mut header);
    let header = *Signed::sign(header, &validator(name).signing).unwrap().wire();
    CheckedBlock::check(Block { header, ..proposal.block.wire() })
}

/// L-3.1, L-8.1: each reason for refusing a block has a row, in the order of the checks.
#[test]
fn each_reason_has_a_row() {
    let mut world = World::new();
    world.wait(1);
    let signed = world.sign(AUDITOR, stake(1));
    let proposal = world.propose(vec![signed]);
    let good = proposal.block.wire();

    let (header, transactions) = (good.header, good.transactions.clone());
    let mut forged = Block { header, transactions: vec![] };
    assert_eq!(CheckedBlock::check(forged.clone()), Err(BlockInvalid::Transactions));
    forged.transactions = transactions.clone();
    forged.transactions[0].body.nonce = 2;
    let found = CheckedBlock::check(forged.clone());
    assert!(matches!(found, Err(BlockInvalid::TransactionSignature { position: 0, .. })), "{found:?}");
    forged.header.body.time_ms += 1;
    assert!(matches!(CheckedBlock::check(forged.clone()), Err(BlockInvalid::Signature(_))));
    forged.transactions = vec![transactions[0].clone(); 4097];
    assert_eq!(CheckedBlock::check(forged.clone()), Err(BlockInvalid::TooMany { found: 4097 }));
    forged.transactions = vec![transactions[0].clone(); 10_000];
    assert!(matches!(CheckedBlock::check(forged), Err(BlockInvalid::TooLong { .. })));
    let short = world.chain.apply_bytes(&encode(&good)[1..], &[]);
    assert_eq!(short, Err(BlockError::Invalid(BlockInvalid::Codec(CodecError::Malformed))));

    let other = prove_beacon(&VrfSecret::from_seed(&[5; 32]), &world.chain.network(), Height(2), &[0; 32]);
    type Edit = Box<dyn Fn(&mut Header)>;
    let rows: Vec<(u8, Edit, BlockInvalid)> = vec![
        (VALIDATOR, Box::new(|h| h.network = Digest([7; 32])), BlockInvalid::Network),
        (
            VALIDATOR,
            Box::new(|h| h.height = Height(3)),
            BlockInvalid::Height { expected: Height(2), found: Height(3) },
        ),
        (VALIDATOR, Box::new(|h| h.parent = Digest([7; 32])), BlockInvalid::Parent),
        (VALIDATOR, Box::new(|h| h.time_ms -= 1_000), BlockInvalid::Time),
        (AUDITOR, Box::new(|_| {}), BlockInvalid::Proposer),
        (VALIDATOR, Box::new(move |h| h.vrf_proof = other), BlockInvalid::Proof),
        (VALIDATOR, Box::new(|h| h.beacon = [0; 32]), BlockInvalid::Beacon),
        (VALIDATOR, Box::new(|h| h.state_root = Digest([7; 32])), BlockInvalid::StateRoot),
    ];
    let (head, root) = (world.chain.head(), world.chain.head().state_root);
    for (name, edit, expected) in rows {
        let block = forge(&proposal, name, edit).unwrap();
        let certificate = certify(&block, &[VALIDATOR]);
        assert_eq!(world.chain.check(&block), Err(BlockError::Invalid(expected)));
        assert_eq!(world.chain.apply(&block, &certificate), Err(BlockError::Invalid(expected)));
        assert_eq!((world.chain.head(), world.chain.head().state_root), (head, root));
    }
    // An invalid transaction spoils its block: nothing of it is kept.
    let mut spoiled = proposal.clone();
    let early = world.sign_with(AUDITOR, stake(1), 9);
    let header = {
        let mut header = *spoiled.block.header();
        header.transactions = crate::transactions_hash(&[early.id()]);
        *Signed::sign(header, &proposer().signing).unwrap().wire()
    };
    let block = Block { header, transactions: vec![early.wire().clone()] };
    spoiled.block = CheckedBlock::check(block).unwrap();
    let found = world.chain.check(&spoiled.block);
    let is_spoiled = |e: &BlockError| {
        matches!(
            e,
            BlockError::Invalid(BlockInvalid::Transaction {
                position: 0,
                reason: TransactionInvalid::Envelope(_)
            })
        )
    };
    assert!(found.as_ref().is_err_and(is_spoiled), "{found:?}");
    world.apply(&proposal.block);
}

/// L-8.2, L-7.1, L-7.2: a process that replays the blocks from bytes comes to the same root, height by height; twice.
#[test]
fn a_replay_gives_the_same_root() {
    let mut world = World::new();
    world.merging();
    let heads: Vec<Digest> = world.blocks.iter().map(|block| block.header.body.state_root).collect();
    for _ in 0..2 {
        let mut chain = Chain::open(genesis(), Box::new(MemoryStore::default())).unwrap();
        for ((block, certificate), root) in world.log().zip(&heads) {
            chain.apply_bytes(&block, &certificate).unwrap();
            assert_eq!(chain.head().state_root, *root);
        }
        assert_eq!(chain.head(), world.chain.head());
        assert_eq!(chain.block(Height(3)).unwrap().as_ref(), Some(&world.blocks[2]));
        assert_eq!(chain.block(Height(1_000)).unwrap(), None);
    }
}

/// A store that several chains share, to close one and open the next on the same bytes.
#[derive(Clone, Default)]
struct Shared(std::sync::Arc<std::sync::RwLock<MemoryStore>>);

impl Store for Shared {
    fn commit(&mut self, batch: crate::Batch) -> Result<(), Fault> {
        self.0.write().unwrap().commit(batch)
    }
    fn height(&self) -> Result<Option<Height>, Fault> {
        self.0.read().unwrap().height()
    }
    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.0.read().unwrap().block(height)
    }
    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.0.read().unwrap().certificate(height)
    }
    fn events(&self, height: Height) -> Result<Option<Vec<u8>>, Fault> {
        self.0.read().unwrap().events(height)
    }
    fn rows(&self) -> Result<Vec<crate::Row>, Fault> {
        self.0.read().unwrap().rows()
    }
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.read().unwrap().node(key)
    }
}

/// L-7.4, L-1.4: a chain goes on where its store ends; a store of other bytes is a fault, not a state.
#[test]
fn a_chain_is_opened_again() {
    let store = Shared::default();
    let mut world = World::new();
    world.chain = Chain::open(genesis(), Box::new(store.clone())).unwrap();
    let run = world.training();
    let before = (world.chain.head(), world.chain.state().total_value());
    world.chain = Chain::open(genesis(), Box::new(store.clone())).unwrap();
    assert_eq!((world.chain.head(), world.chain.state().total_value()), before);
    assert!(world.chain.state().run(&run).is_some());
    world.commit_all(&run);

    let mut broken = store;
    let rows = vec![(vec![1, 2, 3], vec![4])];
    broken.commit(crate::Batch { height: world.height(), rows, ..Default::default() }).unwrap();
    let found = Chain::open(genesis(), Box::new(broken)).err();
    assert_eq!(found, Some(ChainError::Fault(Fault::Corrupt { table: 1 })));
}

/// L-7.3, L-7.5: a key has its value, or none, under the head's root; anything else is refused.
#[test]
fn keys_are_proved() {
    let mut world = World::new();
    let run = world.training();
    let root = world.chain.head().state_root;
    let state = world.chain.state();
    let keys =
        [StateKey::Now, StateKey::Account(key(AUDITOR)), StateKey::Progress(run), StateKey::Round(run, 0)];
    let rows = keys.map(|key| (key, state.value(&key).unwrap()));
    assert_eq!(rows[1].1, encode(state.account(&key(AUDITOR)).unwrap()));
    for (key, value) in &rows {
        let proof = world.chain.prove(key).unwrap();
        assert_eq!(verify(&root, key, Some(value), &proof), Ok(()));
        assert_eq!(verify(&root, key, None, &proof), Err(ProofError::Root));
        assert_eq!(verify(&Digest([1; 32]), key, Some(value), &proof), Err(ProofError::Root));
        let mut other = value.clone();
        other[0] ^= 1;
        assert_eq!(verify(&root, key, Some(&other), &proof), Err(ProofError::Root));
        let mut cut = proof.clone();
        cut.path.pop();
        assert_eq!(verify(&root, key, Some(value), &cut), Err(ProofError::Codec(CodecError::Malformed)));
    }
    let absent = StateKey::Account(key(200));
    assert_eq!(state.value(&absent), None);
    let proof = world.chain.prove(&absent).unwrap();
    assert_eq!(verify(&root, &absent, None, &proof), Ok(()));
    assert_eq!(verify(&root, &absent, Some(&[1]), &proof), Err(ProofError::Root));
}

/// L-3.3: a block credits two seconds whatever its time, and nothing after a full dispute lane.
#[test]
fn time_is_credited() {
    let mut world = World::new();
    let credited = |world: &World| world.chain.state().now().unwrap().credited_ms;
    world.wait(1);
    assert_eq!(credited(&world), 1_000);
    world.time_ms += 3_600_000;
    world.wait(1);
    assert_eq!(credited(&world), 3_000);
    let proposal = world.chain.propose(&proposer(), 0, vec![]).unwrap();
    world.apply(&proposal.block);
    assert_eq!(credited(&world), 3_001);
    let stage = |lane_bytes| {
        let mut state = world.chain.state().clone();
        state.now.change(&(), |now| now.lane_bytes = lane_bytes).unwrap();
        let mut header = *proposal.block.header();
        header.time_ms += 1_500;
        crate::apply::begin(&mut state, &header).unwrap();
        state.now().unwrap().credited_ms
    };
    assert_eq!((stage(DISPUTE_LANE_BYTES as u32 - 1), stage(DISPUTE_LANE_BYTES as u32)), (4_501, 3_001));
}

/// L-8.3: what is invalid is dropped with its reason, what finds no room is left, and the order is kept.
#[test]
fn a_proposal_sorts_its_transactions() {
    let mut world = World::new();
    let signed: Vec<_> = (1..=5_000)
        .map(|n| world.sign_with(AUDITOR, stake(1), if n == 2 { 9 } else { n - u64::from(n > 2) }))
        .collect();
    let proposal = world.propose(signed.clone());
    assert_eq!(proposal.dropped.len(), 1);
    assert_eq!(proposal.dropped[0].0, signed[1]);
    let taken = proposal.block.transactions().len();
    assert_eq!(taken, 4096);
    assert_eq!(taken + 1 + proposal.left.len(), 5_000);
    assert_eq!(proposal.left[0], signed[taken + 1]);
    world.apply(&proposal.block);
    assert_eq!(world.account(AUDITOR).bonded, Amount(24_096));
}

/// L-8.5: what the next block could hold, what waits for a nonce and what is invalid are told apart; nothing is kept.
#[test]
fn pending_transactions_are_sifted() {
    let mut world = World::new();
    world.wait(1);
    let sign = |amount, nonce| world.sign_with(AUDITOR, stake(amount), nonce);
    let pending = [sign(1, 1), sign(2, 1), sign(1, 2), sign(9_999, 3), sign(1, 4), sign(4_997, 3)];
    let before = (world.chain.head(), world.chain.next_nonce(&key(AUDITOR)));
    let sifted = world.chain.sift(pending.to_vec()).unwrap();
    assert_eq!(sifted.valid, [pending[0].clone(), pending[2].clone(), pending[5].clone()]);
    assert_eq!(sifted.waiting, [pending[4].clone()]);
    let dropped: Vec<_> = sifted.dropped.iter().map(|(signed, _)| signed.clone()).collect();
    assert_eq!(dropped, [pending[1].clone(), pending[3].clone()]);
    let nonce = crate::EnvelopeInvalid::Nonce { expected: 2, found: 1 };
    assert_eq!(sifted.dropped[0].1, TransactionInvalid::Envelope(nonce));
    assert_eq!((world.chain.head(), world.chain.next_nonce(&key(AUDITOR))), before);
    assert_eq!(world.step(sifted.valid).len(), 3);
}

/// L-8.5, L-3.3: a clock that may have run out in the next block is not held against a transaction that says so.
#[test]
fn what_the_next_block_may_hold_is_kept() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let (unit, opening) = (retrace_verifier::Unit::Loss, retrace_verifier::docket::Opening::Nothing);
    let dispute = world.challenge(AUDITOR, ids[0], unit, opening);
    let says = |world: &mut World| {
        let signed = world.sign(AUDITOR, Body::Timeout(crate::Timeout { dispute }));
        world.chain.sift(vec![signed]).unwrap().valid.len()
    };
    // The budget is four heights and four seconds; a block may credit two.
    world.wait(3);
    assert_eq!(says(&mut world), 0);
    world.wait(1);
    assert_eq!(says(&mut world), 1);
}

/// The first two accounts register keys, of which `edit` makes some the same.
fn share(genesis: &mut Genesis, edit: fn(&mut RegisteredKeys, RegisteredKeys)) {
    let mut keys = registered(9);
    edit(&mut keys, registered(8));
    genesis.accounts[0].registered = Some(registered(8));
    genesis.accounts[1].registered = Some(keys);
}

fn validators_of(genesis: &mut Genesis) -> impl Iterator<Item = &mut GenesisAccount> {
    genesis.accounts.iter_mut().filter(|account| account.role == Role::Validator)
}

/// L-2.2: each reason for refusing a genesis, in the order of the checks; and the id is of all of it.
#[test]
fn a_genesis_is_checked() {
    type Edit = fn(&mut Genesis);
    let rows: [(Edit, GenesisError); 24] = [
        (|g| g.name = "Fixture".into(), GenesisError::Name),
        (|g| g.accounts.clear(), GenesisError::AccountCount { found: 0 }),
        (|g| g.accounts.swap(0, 1), GenesisError::AccountOrder { position: 1 }),
        (|g| g.accounts[1] = g.accounts[0], GenesisError::AccountOrder { position: 1 }),
        (
            |g| {
                let keys = RegisteredKeys { vrf: VrfKey([0; 32]), ..registered(9) };
                g.accounts[2].registered = Some(keys);
            },
            GenesisError::VrfKey { position: 2 },
        ),
        (
            |g| {
                let keys = RegisteredKeys { consensus: PeerKey([0; 32]), ..registered(9) };
                g.accounts[2].registered = Some(keys);
            },
            GenesisError::ConsensusKey { position: 2 },
        ),
        (|g| share(g, |keys, other| keys.vrf = other.vrf), GenesisError::SharedKey { position: 1 }),
        (
            |g| share(g, |keys, other| keys.consensus = other.consensus),
            GenesisError::SharedKey { position: 1 },
        ),
        (|g| share(g, |keys, other| keys.node = other.node), GenesisError::SharedKey { position: 1 }),
        (|g| validators_of(g).for_each(|a| a.registered = None), GenesisError::NoValidators),
        (|g| validators_of(g).for_each(|a| a.bonded = Amount(0)), GenesisError::NoValidators),
        (|g| validators_of(g).for_each(|a| a.role = Role::Auditor), GenesisError::NoValidators),
        (|g| g.accounts[0].bonded = Amount(u64::MAX), GenesisError::Total),
        (|g| g.params.block_credit_ms = 2_001, GenesisError::BlockCredit),
        (|g| g.params.false_verdict_ppm = 1_000_001, GenesisError::FalseVerdict),
        (|g| g.params.key_delay = 0, GenesisError::KeyDelay),
        (|g| g.params.unbond_span.ms = 0, GenesisError::UnbondSpan),
        (|g| g.params.attest_span.heights = 1 << 25, GenesisError::AttestSpan),
        (|g| g.params.equivocation_ppm = 1_000_001, GenesisError::Equivocation),
        (|g| g.params.void_ppm = 1_000_001, GenesisError::Void),
        (|g| g.params.breaker_ppm = 1_000_001, GenesisError::BreakerShare),
        (|g| g.params.breaker_window = 0, GenesisError::BreakerWindow),
        (|g| g.params.breaker_window = 4_097, GenesisError::BreakerWindow),
        (|g| g.params.breaker_span.heights = 0, GenesisError::BreakerSpan),
    ];
    let mut ids = vec![genesis().network()];
    for (edit, expected) in rows {
        let mut genesis = genesis();
        edit(&mut genesis);
        assert_eq!(genesis.check(), Err(expected));
        let found = Chain::open(genesis.clone(), Box::new(MemoryStore::default())).err();
        assert_eq!(found, Some(ChainError::Genesis(expected)));
        ids.push(genesis.network());
    }
    let mut other = genesis();
    other.test_network = false;
    ids.push(other.network());
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// L-7.1: every row has its name, and the name gives the key under which it is kept.
#[test]
fn every_row_has_a_key() {
    let mut world = World::new();
    let (run, ids) = world.audited();
    world.judge(&ids[0], crate::VerdictResult::Match);
    let unit = retrace_verifier::Unit::Loss;
    let opening = retrace_verifier::docket::Opening::Nothing;
    let dispute = world.challenge(AUDITOR, ids[0], unit, opening);
    let accused = world.chain.state().claim(&ids[0]).unwrap().signer();
    let state = world.chain.state();
    let keys = [
        StateKey::Now,
        StateKey::Account(key(AUDITOR)),
        StateKey::Run(run),
        StateKey::Progress(run),
        StateKey::Round(run, 0),
        StateKey::Claim(ids[0]),
        StateKey::Verdicts(ids[0], unit),
        StateKey::Dispute(dispute),
        StateKey::Game(dispute),
        StateKey::Attestations(ids[0], crate::AttestedPart::Drawn),
        StateKey::Defense(ids[0]),
        StateKey::Caseload(accused),
        StateKey::Seals(key(AUDITOR)),
    ];
    let root = world.chain.head().state_root;
    for (tag, key) in (0u8..=8).chain([11, 13, 14, 15]).zip(&keys) {
        assert_eq!(key.bytes()[0], tag);
        let (value, proof) = (state.value(key).unwrap(), world.chain.prove(key).unwrap());
        assert_eq!(verify(&root, key, Some(&value), &proof), Ok(()), "{key:?}");
    }
    let absent = [
        (9, StateKey::Answer(ids[0], unit, retrace_verifier::game::Question::Trace)),
        (10, StateKey::Turns(key(VALIDATOR))),
        (12, StateKey::Equivocation(key(VALIDATOR), Height(1))),
    ];
    for (tag, key) in absent {
        assert_eq!((key.bytes()[0], state.value(&key)), (tag, None));
    }
}
