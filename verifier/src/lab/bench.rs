//! A small run to lie in: its data, its keys, and the frame of a dispute about any of its units.

use super::table::{Hand, duel, play};
use super::{Ending, LabError, Lie, Trial};
use crate::commitment::{BaseClaim, SignedBase, SignedCommitment};
use crate::digest::{Digest, tensor_digest};
use crate::docket::{Claim, Docket, Facts, Opening, Shard};
use crate::game::Side;
use crate::pins::program_pin;
use crate::player::Player;
use crate::replay::{Task, Witness};
use crate::segment::{Assignment, Claimed, Conduct, Honest, Segment, conducted};
use crate::signature::peer_key;
use crate::state::{StateKind, root_of};
use crate::unit::Unit;
use ed25519_dalek::SigningKey;
use retrace_model::program::first_state;
use retrace_model::{Backend, Engine, RunSpec, Words, initial_parameters};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A small run to lie in.
pub struct Bench {
    spec: RunSpec,
    shards: Arc<Vec<Vec<u8>>>,
    base: Vec<Words>,
    engine: Engine,
    keys: [SigningKey; 2],
    /// Runs of an honest segment's units, where they were asked for.
    truths: Mutex<BTreeMap<Unit, Arc<Witness>>>,
}

/// A dispute that can be played: its frame, what the accused ran, and what an honest party runs.
pub struct Case {
    /// The frame.
    pub docket: Docket,
    /// What the accused ran.
    pub accused: Witness,
    /// The true run.
    pub honest: Arc<Witness>,
    /// True where the claims are the true ones: there is nothing to dispute.
    pub absorbed: bool,
}

const BEACON: [u8; 32] = [0x5A; 32];
const ROUND: u32 = 1;
const SLOT: u16 = 1;
const NETWORK: Digest = Digest([1; 32]);
const RUN: Digest = Digest([2; 32]);
/// The honest side computes by the definition, so that a wrong kernel cannot hide behind itself.
const DEFINITION: Engine = Engine { backend: Backend::Reference, threads: 1 };

impl Bench {
    /// A bench for `spec` over `shards`; outer momenta are set, so that a merge has something to keep.
    pub fn new(spec: RunSpec, shards: Vec<Vec<u8>>, engine: Engine) -> Bench {
        let mut base = initial_parameters(&spec);
        let momenta = base.clone();
        base.extend(momenta);
        let keys = [1, 2].map(|seed: u8| SigningKey::from_bytes(&[seed; 32]));
        Bench { spec, shards: Arc::new(shards), base, engine, keys, truths: Mutex::default() }
    }

    /// What the run trains.
    pub(super) fn spec(&self) -> &RunSpec {
        &self.spec
    }

    /// The base of the round.
    pub(super) fn base(&self) -> &[Words] {
        &self.base
    }

    /// Keys of the accused and of the challenger.
    pub(super) fn keys(&self) -> [&SigningKey; 2] {
        [&self.keys[0], &self.keys[1]]
    }

    /// What the beacon assigns to the accused.
    pub(super) fn assignment(&self) -> Assignment<'_> {
        let (spec, shards, base) = (&self.spec, &self.shards[..], &self.base[..]);
        Assignment { spec, beacon: &BEACON, round: ROUND, slot: SLOT, shards, base }
    }

    fn facts(&self, witness: &Witness, deltas: Vec<Digest>) -> Facts {
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        Facts {
            network: NETWORK,
            run: RUN,
            spec: self.spec,
            manifest: self.shards.iter().map(shard).collect(),
            program: program_pin(&witness.program),
            round: ROUND,
            beacon: BEACON,
            base: root_of(StateKind::Outer, &self.spec, &self.base),
            deltas,
        }
    }

    /// The true run of a task: the remembered one where it is of the same.
    fn truth(&self, task: Task) -> Arc<Witness> {
        let same = |w: &Arc<Witness>| {
            (&w.task.pre, &w.task.losses, &w.task.deltas) == (&task.pre, &task.losses, &task.deltas)
        };
        if let Some(found) = self.known(task.unit).filter(same) {
            return found;
        }
        let scalars = task.scalars();
        Arc::new(conducted(task, scalars, &DEFINITION, &Honest))
    }

    fn known(&self, unit: Unit) -> Option<Arc<Witness>> {
        self.truths.lock().unwrap_or_else(PoisonError::into_inner).get(&unit).cloned()
    }

    /// The honest run of a unit, of an honest segment.
    pub fn honest(&self, unit: Unit) -> Result<Arc<Witness>, LabError> {
        if let Some(known) = self.known(unit) {
            return Ok(known);
        }
        let made = self.case(unit, &Honest)?.honest;
        let mut truths = self.truths.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(truths.entry(unit).or_insert(made)))
    }

    /// A dispute about `unit` of a party with this conduct.
    pub fn case(&self, unit: Unit, conduct: &dyn Conduct) -> Result<Case, LabError> {
        if unit == Unit::Merge {
            let task = self.merge_task();
            let accused = conducted(task.clone(), task.scalars(), &self.engine, conduct);
            return self.merge_case(accused);
        }
        self.case_under(unit, conduct, &self.assignment())
    }

    /// A dispute about `unit` of a trainer who worked as if `own` were its assignment.
    pub(super) fn case_under(
        &self,
        unit: Unit,
        conduct: &dyn Conduct,
        own: &Assignment,
    ) -> Result<Case, LabError> {
        let segment = own.train(&self.engine, conduct, |_| {}).ok_or(LabError::Unit)?;
        let task = own.task(unit, segment.before(unit), &segment.lists).ok_or(LabError::Unit)?;
        let accused = own.witness(task, &self.engine, conduct);
        self.segment_case(&segment, unit, accused)
    }

    /// A dispute about what a step's run claims, whatever it ran on; the other steps are honest.
    pub(super) fn case_of(&self, accused: Witness) -> Result<Case, LabError> {
        let mut segment = self.assignment().train(&self.engine, &Honest, |_| {}).ok_or(LabError::Unit)?;
        let unit = accused.task.unit;
        let Unit::Step(step) = unit else { return Err(LabError::Unit) };
        let claimed = Claimed::replayed(&accused);
        let (lists, at) = (&mut segment.lists, step as usize);
        if at >= lists.step_roots.len() {
            return Err(LabError::Unit);
        }
        lists.step_roots[at] = claimed.post.ok_or(LabError::Unit)?;
        lists.batches[at] = claimed.batch.ok_or(LabError::Unit)?;
        lists.losses[at] = claimed.loss.ok_or(LabError::Unit)?;
        segment.checkpoints[at + 1] = accused.post().into_iter().cloned().collect();
        self.segment_case(&segment, unit, accused)
    }

    fn segment_case(&self, segment: &Segment, unit: Unit, accused: Witness) -> Result<Case, LabError> {
        let at = self.assignment();
        let commitment = segment.commitment(NETWORK, RUN, &at, peer_key(&self.keys[0]));
        // The first step starts from the base that the ledger knows, every later unit from what was claimed.
        let first = first_state(&self.spec, &self.base);
        let pre = if unit == Unit::Step(0) { &first } else { segment.before(unit) };
        let honest = self.truth(at.task(unit, pre, &segment.lists).ok_or(LabError::Unit)?);
        let absorbed =
            Claimed::of(&commitment, &segment.lists, unit) == Some(Claimed::replayed(honest.as_ref()));
        let claim = Claim::Segment(SignedCommitment::new(commitment, &self.keys[0]));
        let opening = segment.lists.opening(unit).ok_or(LabError::Unit)?;
        let docket = self.docket(unit, self.facts(&honest, vec![]), claim, opening);
        Ok(Case { docket, accused, honest, absorbed })
    }

    /// The merge that is due: the base and two accepted deltas.
    pub(super) fn merge_task(&self) -> Task {
        Task {
            spec: self.spec,
            unit: Unit::Merge,
            round: ROUND,
            slot: 0,
            pre: self.base.clone(),
            base: vec![],
            deltas: (0..2u32).map(|n| self.small_delta(n)).collect(),
            tokens: vec![],
            losses: vec![],
        }
    }

    fn small_delta(&self, n: u32) -> Vec<Words> {
        let scale = |word: &u32| (f32::from_bits(*word) * (0.01 + n as f32 * 0.02)).to_bits();
        let count = self.base.len() / 2;
        self.base[..count].iter().map(|t| t.iter().map(scale).collect()).collect()
    }

    /// A dispute about the base that this run of a merge claims.
    pub(super) fn merge_case(&self, accused: Witness) -> Result<Case, LabError> {
        let task = self.merge_task();
        let deltas = task.deltas.iter().map(|d| root_of(StateKind::Delta, &self.spec, d)).collect();
        let honest = self.truth(task);
        let root = accused.post_tree().map(|tree| tree.root()).ok_or(LabError::Unit)?;
        let absorbed = Some(root) == honest.post_tree().map(|tree| tree.root());
        let (network, run, poster) = (NETWORK, RUN, peer_key(&self.keys[0]));
        let claim = BaseClaim { network, run, round: ROUND, root, poster };
        let claim = Claim::Base(SignedBase::new(claim, &self.keys[0]));
        let docket = self.docket(Unit::Merge, self.facts(&honest, deltas), claim, Opening::Nothing);
        Ok(Case { docket, accused, honest, absorbed })
    }

    fn docket(&self, unit: Unit, facts: Facts, claim: Claim, opening: Opening) -> Docket {
        Docket { facts, claim, unit, opening, challenger: peer_key(&self.keys[1]), nonce: Digest([3; 32]) }
    }

    /// A player for `side` that knows what `witness` ran.
    pub(super) fn player(&self, side: Side, witness: &Witness) -> Player {
        Player::new(side, witness.clone(), Arc::clone(&self.shards))
    }

    /// Plays a case between the automatic players.
    pub fn judge(&self, case: &Case) -> Result<Trial, LabError> {
        let players =
            [self.player(Side::Accused, &case.accused), self.player(Side::Challenger, &case.honest)];
        play(case.docket.clone(), players, self.keys())
    }

    /// Plays a case between two hands.
    pub(super) fn judge_hands(&self, docket: Docket, hands: [Hand; 2]) -> Result<Trial, LabError> {
        duel(docket, hands, self.keys())
    }

    /// Tells one lie and plays its dispute.
    pub fn tell(&self, lie: Lie) -> Result<Ending, LabError> {
        let case = self.case(lie.unit, &lie)?;
        if case.absorbed {
            return Ok(Ending::Absorbed);
        }
        self.judge(&case).map(|trial| Ending::Judged(Box::new(trial)))
    }
}
