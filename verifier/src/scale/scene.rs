//! One row of a run's step program with real digests for all that it reads and writes, and the claim around it.

use super::chain::Lie;
use super::tensor::{Source, Words};
use crate::commitment::{Commitment, SegmentLists, SignedCommitment};
use crate::digest::{Digest, ListKind, ListTree, tensor_digest};
use crate::docket::{Claim, Docket, Facts, Shard};
use crate::game::Side;
use crate::lab::Draws;
use crate::pins::{program_pin, program_tree};
use crate::signature::peer_key;
use crate::state::{StateKind, state_tree};
use crate::unit::Unit;
use ed25519_dalek::SigningKey;
use retrace_model::op::Kind;
use retrace_model::program::{Home, Leaf, Operand, Program, Row};
use retrace_model::{RunSpec, StepId, StepScalars};
use std::collections::BTreeMap;
use std::sync::Arc;

/// States before and after a step are of this kind.
const KIND: StateKind = StateKind::Inner;
const STEP: u32 = 1;
const ROUND: u32 = 0;
const SLOT: u16 = 0;
/// Lies that are drawn for a row at most, until one does not round away.
const TRIES: usize = 256;

/// Tensors that were hashed already, by leaf and length: they follow from a seed.
#[derive(Clone, Debug)]
pub struct Sources {
    seed: u64,
    threads: usize,
    kept: BTreeMap<(Leaf, u64), Arc<Source>>,
}

impl Sources {
    /// None yet; they will be hashed on up to `threads` threads.
    pub fn new(seed: u64, threads: usize) -> Sources {
        Sources { seed, threads, kept: BTreeMap::new() }
    }

    fn source(&mut self, leaf: Leaf, length: u64, words: Words) -> &Arc<Source> {
        self.kept.entry((leaf, length)).or_insert_with(|| {
            let name = tensor_digest(&borsh::to_vec(&(self.seed, leaf, length)).unwrap_or_default());
            let salt = name.0.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
            Arc::new(Source::new(length, words, salt, self.threads))
        })
    }
}

/// A dispute over one element of one row, with everything that both sides need to play it.
pub struct Scene {
    pub(super) docket: Docket,
    pub(super) row: Row,
    pub(super) at: usize,
    pub(super) element: u64,
    pub(super) lie: Lie,
    pub(super) output: Source,
    pub(super) ops: ListTree,
    pub(super) post: ListTree,
    pub(super) pre: ListTree,
    pub(super) rows: ListTree,
    pub(super) scalars: StepScalars,
    sources: BTreeMap<(Leaf, u64), Arc<Source>>,
    keys: [SigningKey; 2],
}

/// Why a row cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SceneError {
    /// The row reads or writes something that a scene does not have.
    #[error("the row reads or writes what a scene does not have")]
    Leaf,
    /// Every lie that was drawn rounds away before the end of its chain.
    #[error("every lie that was drawn rounds away before the end of its chain")]
    Absorbed,
    /// The run has too few steps.
    #[error("the run has too few steps")]
    Steps,
}

/// A digest of nothing that is ever opened.
fn filler(list: &str, at: usize) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(list.as_bytes()).update(&(at as u64).to_le_bytes());
    hasher.finalize().into()
}

fn fillers(list: &str, count: usize) -> Vec<Digest> {
    (0..count).map(|at| filler(list, at)).collect()
}

impl Scene {
    /// The dispute over row `at` of the step program of `spec`, with a lie of that `number` under the seed of the
    /// sources. Tensors already in `sources` are not hashed again.
    ///
    /// # Errors
    /// When the row reads tokens or losses, when all lies would be absorbed, or when the run has fewer than two steps.
    pub fn new(
        spec: &RunSpec,
        program: &Program,
        at: usize,
        sources: &mut Sources,
        number: u64,
    ) -> Result<Scene, SceneError> {
        let row = program.rows.get(at).ok_or(SceneError::Leaf)?.clone();
        if spec.steps <= STEP {
            return Err(SceneError::Steps);
        }
        for operand in row.operands.iter().chain(&row.start) {
            let words = kind_of(spec, operand.leaf)?;
            sources.source(operand.leaf, operand.length, words);
        }
        let home = leaf_of(row.home)?;
        let words = kind_of(spec, home)?;
        let output = Arc::clone(sources.source(home, row.elements(), words));
        let empty = || ListTree::new(ListKind::Ops, Vec::<[u8; 32]>::new());
        let mut scene = Scene {
            docket: docket(spec, program, [filler("none", 0); 3]),
            element: 0,
            lie: Lie { lane: 0, link: 0 },
            output: (*output).clone(),
            ops: empty(),
            post: empty(),
            pre: empty(),
            rows: program_tree(program),
            scalars: StepScalars::new(spec, StepId { round: ROUND, slot: SLOT, step: STEP }),
            sources: sources.kept.clone(),
            keys: keys(),
            row,
            at,
        };
        scene.tell(&mut Draws::new(sources.seed, number))?;
        scene.commit(spec, program)?;
        Ok(scene)
    }

    /// Draws a lie that does not round away, and puts the wrong value into the output.
    fn tell(&mut self, draws: &mut Draws) -> Result<(), SceneError> {
        for _ in 0..TRIES {
            self.element = self.drawn_element(draws).ok_or(SceneError::Leaf)?;
            self.lie = self.drawn_lie(draws);
            let claimed = self.value(Some(self.lie)).ok_or(SceneError::Leaf)?;
            if Some(claimed) != self.value(None) {
                self.output = self.output.with_lie(self.element, claimed);
                return Ok(());
            }
        }
        Err(SceneError::Absorbed)
    }

    fn drawn_element(&self, draws: &mut Draws) -> Option<u64> {
        if self.row.kind != Kind::EmbeddingBackward {
            return Some(draws.below(self.row.elements()));
        }
        // The row of an id that a token has, so that a term adds something.
        let ids = &self.row.operands[0];
        let place = ids.place([0; 4], draws.below(u64::from(self.row.terms)), &[])?;
        let columns = u64::from(self.row.shape[3]);
        Some(u64::from(self.source(ids)?.word(place)) * columns + draws.below(columns))
    }

    /// Commits to the lists and the state that the tensors are in.
    fn commit(&mut self, spec: &RunSpec, program: &Program) -> Result<(), SceneError> {
        let (mut ops, mut post, mut pre) = (
            fillers("ops", program.trace_leaves as usize),
            fillers("post", program.post_entries as usize),
            fillers("pre", KIND.entries(spec)),
        );
        for ((leaf, _), source) in &self.sources {
            match leaf {
                Leaf::Trace(at) => ops[*at as usize] = source.digest(),
                Leaf::Post(at) => post[*at as usize] = source.digest(),
                Leaf::Pre(at) => pre[*at as usize] = source.digest(),
                _ => {}
            }
        }
        match self.row.home {
            Home::Trace(at) => ops[at as usize] = self.output.digest(),
            Home::Post(at) => post[at as usize] = self.output.digest(),
            _ => return Err(SceneError::Leaf),
        }
        self.ops = ListTree::new(ListKind::Ops, ops);
        self.post = state_tree(KIND, spec, &post);
        self.pre = state_tree(KIND, spec, &pre);
        let batch = self.sources.iter().find(|((leaf, _), _)| *leaf == Leaf::Batch);
        let batch = batch.map_or_else(|| filler("batch", 0), |(_, source)| source.digest());
        self.docket = docket(spec, program, [self.pre.root(), self.post.root(), batch]);
        Ok(())
    }

    /// What an operand reads.
    pub(super) fn source(&self, operand: &Operand) -> Option<&Source> {
        self.sources.get(&(operand.leaf, operand.length)).map(Arc::as_ref)
    }

    /// A side's key.
    pub(super) fn key(&self, side: Side) -> &SigningKey {
        &self.keys[usize::from(side == Side::Challenger)]
    }

    /// The element at which the lie is told, row-major.
    pub fn element(&self) -> u64 {
        self.element
    }

    /// The row that is played.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// Bytes of all operands and of the output.
    pub fn tensor_bytes(&self) -> u64 {
        let operands = self.row.operands.iter().chain(&self.row.start);
        operands.map(|operand| operand.length * 4).sum::<u64>() + self.output.bytes()
    }
}

/// What the words of a leaf look like.
fn kind_of(spec: &RunSpec, leaf: Leaf) -> Result<Words, SceneError> {
    match leaf {
        Leaf::Trace(_) | Leaf::Pre(_) => Ok(Words::Numbers),
        // Second moments, of which the square root is taken.
        Leaf::Post(_) => Ok(Words::Positive),
        Leaf::Batch => Ok(Words::Ids(spec.model.vocabulary)),
        _ => Err(SceneError::Leaf),
    }
}

fn leaf_of(home: Home) -> Result<Leaf, SceneError> {
    match home {
        Home::Trace(at) => Ok(Leaf::Trace(at)),
        Home::Post(at) => Ok(Leaf::Post(at)),
        Home::Batch | Home::Loss => Err(SceneError::Leaf),
    }
}

fn keys() -> [SigningKey; 2] {
    [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]))
}

/// The docket of a dispute over step 1 of a segment whose lists have these roots before, after and of the batch there.
fn docket(spec: &RunSpec, program: &Program, [before, after, batch]: [Digest; 3]) -> Docket {
    let [accused, challenger] = keys();
    let steps = spec.steps as usize;
    let mut lists = SegmentLists {
        step_roots: fillers("step", steps),
        losses: vec![0x4000_0000; steps],
        batches: fillers("batch", steps),
    };
    lists.step_roots[STEP as usize - 1] = before;
    lists.step_roots[STEP as usize] = after;
    lists.batches[STEP as usize] = batch;
    let (network, run) = (filler("network", 0), filler("run", 0));
    let commitment = Commitment {
        network,
        run,
        round: ROUND,
        slot: SLOT,
        data_root: lists.batch_tree().root(),
        delta_root: filler("delta", 0),
        delta_bytes: 0,
        checkpoint_root: lists.step_tree().root(),
        loss_root: tensor_digest(&lists.loss_bytes()),
        mean_loss: 0x4000_0000,
        lists: lists.digest(),
        trainer: peer_key(&accused),
    };
    let facts = Facts {
        network,
        run,
        spec: *spec,
        manifest: vec![Shard { digest: filler("shard", 0), bytes: 1 << 30 }],
        program: program_pin(program),
        round: ROUND,
        beacon: [0x5A; 32],
        base: filler("base", 0),
        deltas: Vec::new(),
    };
    let unit = Unit::Step(STEP);
    let opening = lists.opening(unit).unwrap_or(crate::docket::Opening::Nothing);
    let claim = Claim::Segment(SignedCommitment::new(commitment, &accused));
    Docket { facts, claim, unit, opening, challenger: peer_key(&challenger), nonce: filler("nonce", 0) }
}
