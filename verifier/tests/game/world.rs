//! A small run in which anyone may lie anywhere, and the frames of its disputes.

use retrace_model::program::Row;
use retrace_model::selftest::golden_spec;
use retrace_model::{Backend, Engine, F32Bits, OptimizerSpec, RunSpec, SgdSpec, Words, initial_parameters};
use retrace_verifier::commitment::{BaseClaim, SignedBase, SignedCommitment};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::{Claim, Docket, Facts, Opening, Shard};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::{Assignment, Claimed, Conduct, conducted};
use retrace_verifier::signature::peer_key;
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Player, Side, Task, Unit, Witness, unit_pin};
use std::sync::Arc;

pub use ed25519_dalek::SigningKey;

pub const BEACON: [u8; 32] = [0x5A; 32];
pub const ROUND: u32 = 1;
pub const SLOT: u16 = 1;
pub const NETWORK: Digest = Digest([1; 32]);
pub const RUN: Digest = Digest([2; 32]);

/// Units of every kind, the first and the last step among them.
pub const UNITS: [Unit; 6] =
    [Unit::Step(0), Unit::Step(1), Unit::Step(3), Unit::Delta, Unit::Loss, Unit::Merge];

/// SplitMix64: a seed that a failing test prints is enough to repeat it.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Word `element` of the output of row `row` of `unit` becomes `word`.
#[derive(Clone, Copy, Debug)]
pub struct Forgery {
    pub unit: Unit,
    pub row: usize,
    pub element: usize,
    pub word: u32,
}

impl Conduct for Forgery {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if (unit, at) == (self.unit, self.row) {
            words[self.element] = self.word;
        }
    }
}

/// Several lies in one segment.
pub struct Lies(pub Vec<Lie>);

impl Conduct for Lies {
    fn output(&self, unit: Unit, at: usize, row: &Row, before: &[Words], words: &mut Words) {
        self.0.iter().for_each(|lie| lie.output(unit, at, row, before, words));
    }
}

pub struct World {
    pub spec: RunSpec,
    pub shards: Arc<Vec<Vec<u8>>>,
    pub base: Vec<Words>,
    pub engine: Engine,
}

/// A dispute that can be played: its frame, what the accused ran, and what an honest party runs.
pub struct Case {
    pub docket: Docket,
    pub accused: Witness,
    pub honest: Witness,
    /// The claims are the true ones: there is nothing to dispute.
    pub absorbed: bool,
}

impl Case {
    pub fn player(&self, world: &World, side: Side) -> Player {
        let witness = if side == Side::Accused { &self.accused } else { &self.honest };
        Player::new(side, witness.clone(), Arc::clone(&world.shards))
    }
}

pub fn key(side: Side) -> SigningKey {
    SigningKey::from_bytes(&[1 + side as u8; 32])
}

pub fn small_spec() -> RunSpec {
    let mut spec = golden_spec();
    spec.model.context = 9;
    spec.model.width = 12;
    spec.model.hidden = 20;
    spec.batch = 2;
    spec
}

impl World {
    pub fn new() -> World {
        World::of(small_spec())
    }

    /// A run with every optional part of a step: dropout, a head of its own, two micro-batches, SGD.
    pub fn varied() -> World {
        let bits = |x: f32| F32Bits(x.to_bits());
        let mut spec = small_spec();
        (spec.model.dropout, spec.model.tied, spec.accumulation) = (bits(0.25), false, 2);
        let (momentum, weight_decay, clip_norm) = (bits(0.9), bits(0.1), bits(1.0));
        spec.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
        World::of(spec)
    }

    pub fn of(spec: RunSpec) -> World {
        assert_eq!(spec.check(), Ok(()));
        let first = (0..900u32).map(|i| (i * i / 7) as u8).collect();
        let second = (0..700u32).map(|i| (i * 13) as u8).collect();
        let mut base = initial_parameters(&spec);
        base.extend(base.clone());
        let engine = Engine { backend: Backend::best(), threads: 1 };
        World { spec, shards: Arc::new(vec![first, second]), base, engine }
    }

    /// A world whose weights have overflowed: everything downstream is infinite or NaN.
    pub fn diverged() -> World {
        let mut world = World::new();
        let specials = [0x7F80_0000, 0xFF80_0000, 0x7F7F_FFFF, 0xFF7F_FFFF, 0x0000_0001, 0x8000_0000];
        let mut rng = Rng(11);
        for tensor in &mut world.base {
            let at = rng.below(tensor.len());
            tensor[at] = rng.pick(&specials);
        }
        world
    }

    pub fn assignment(&self) -> Assignment<'_> {
        let (spec, shards, base) = (&self.spec, &self.shards[..], &self.base[..]);
        Assignment { spec, beacon: &BEACON, round: ROUND, slot: SLOT, shards, base }
    }

    /// A dispute about `unit` of a party with this conduct.
    pub fn case(&self, unit: Unit, conduct: &dyn Conduct) -> Case {
        if unit == Unit::Merge { self.merge(conduct) } else { self.segment(unit, conduct) }
    }

    fn segment(&self, unit: Unit, conduct: &dyn Conduct) -> Case {
        let at = self.assignment();
        let segment = at.train(&self.engine, conduct, |_| {}).unwrap();
        let trainer = peer_key(&key(Side::Accused));
        let commitment = segment.commitment(NETWORK, RUN, &at, trainer);
        let task = at.task(unit, segment.before(unit), &segment.lists).unwrap();
        let honest = at.witness(task.clone(), &self.engine, &retrace_verifier::segment::Honest);
        let absorbed = Claimed::of(&commitment, &segment.lists, unit) == Some(Claimed::replayed(&honest));
        let claim = Claim::Segment(SignedCommitment::new(commitment, &key(Side::Accused)));
        let opening = segment.lists.opening(unit).unwrap();
        let accused = at.witness(task, &self.engine, conduct);
        Case { docket: self.docket(unit, claim, opening, vec![]), accused, honest, absorbed }
    }

    fn merge(&self, conduct: &dyn Conduct) -> Case {
        let unit = Unit::Merge;
        let deltas = vec![self.small_delta(0.01), self.small_delta(0.03)];
        let roots = deltas.iter().map(|d| root_of(StateKind::Delta, &self.spec, d)).collect();
        let (spec, round, pre) = (self.spec, ROUND, self.base.clone());
        let (base, tokens, losses) = (vec![], vec![], vec![]);
        let task = Task { spec, unit, round, slot: 0, pre, base, deltas, tokens, losses };
        let run = |conduct: &dyn Conduct| conducted(task.clone(), task.scalars(), &self.engine, conduct);
        let (accused, honest) = (run(conduct), run(&retrace_verifier::segment::Honest));
        let root = accused.post_tree().unwrap().root();
        let poster = peer_key(&key(Side::Accused));
        let claim = BaseClaim { network: NETWORK, run: RUN, round: ROUND, root, poster };
        let claim = Claim::Base(SignedBase::new(claim, &key(Side::Accused)));
        let absorbed = root == honest.post_tree().unwrap().root();
        Case { docket: self.docket(unit, claim, Opening::Nothing, roots), accused, honest, absorbed }
    }

    fn small_delta(&self, factor: f32) -> Vec<Words> {
        let scale = |word: &u32| (f32::from_bits(*word) * factor).to_bits();
        let count = self.base.len() / 2;
        self.base[..count].iter().map(|t| t.iter().map(scale).collect()).collect()
    }

    fn docket(&self, unit: Unit, claim: Claim, opening: Opening, deltas: Vec<Digest>) -> Docket {
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        let facts = Facts {
            network: NETWORK,
            run: RUN,
            spec: self.spec,
            manifest: self.shards.iter().map(shard).collect(),
            program: unit_pin(&self.spec, unit, deltas.len()).unwrap(),
            round: ROUND,
            beacon: BEACON,
            base: root_of(StateKind::Outer, &self.spec, &self.base),
            deltas,
        };
        let challenger = peer_key(&key(Side::Challenger));
        Docket { facts, claim, unit, opening, challenger, nonce: Digest([3; 32]) }
    }
}
