//! A trainer's segment: H steps from a base, the delta, the lists, and the commitment to all of it (V-3.3, V-5.2).

use crate::commitment::{Commitment, SegmentLists, word_bytes};
use crate::digest::{Digest, ListPath, TensorPath, TensorTree, tensor_digest};
use crate::docket::{Listed, ListedLoss, Opening};
use crate::replay::{Task, Witness};
use crate::rerun::Rerun;
use crate::signature::{PeerKey, message};
use crate::state::{StateKind, root_of, root_of_on, words_digest};
use crate::trace::Trace;
use crate::unit::Unit;
use retrace_model::program::{Row, delta_program, first_state, loss_program, step_program};
use retrace_model::{
    Engine, Inputs, Observer, Outputs, RunSpec, StepId, StepScalars, Words, Workspace, assigned_tokens,
    execute, execute_in,
};
use std::sync::Arc;

/// How a trainer behaves. The defaults are honest: they change nothing.
pub trait Conduct: Send + Sync {
    /// True for one that looks at no output, so that rows may be fused.
    fn is_blind(&self) -> bool {
        false
    }
    /// The tokens that a step trains on.
    fn tokens(&self, _at: StepId, _tokens: &mut Words) {}
    /// The derived scalars of a step.
    fn scalars(&self, _at: StepId, _scalars: &mut StepScalars) {}
    /// An output of a unit, before later rows read it; `before` is the state that the unit starts from.
    fn output(&self, _unit: Unit, _at: usize, _row: &Row, _before: &[Words], _words: &mut Words) {}
}

/// Changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;
impl Conduct for Honest {
    fn is_blind(&self) -> bool {
        true
    }
}

/// Observes a unit on behalf of a conduct.
pub struct Conducted<'a> {
    /// Whose conduct.
    pub conduct: &'a dyn Conduct,
    /// Which unit runs.
    pub unit: Unit,
    /// The state that it starts from.
    pub before: &'a [Words],
}

impl Observer for Conducted<'_> {
    fn is_blind(&self) -> bool {
        self.conduct.is_blind()
    }

    fn output(&mut self, at: usize, row: &Row, words: &mut Words) {
        self.conduct.output(self.unit, at, row, self.before, words);
    }
}

/// Where a segment stands and what it reads.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'a> {
    /// What the run trains.
    pub spec: &'a RunSpec,
    /// The round's beacon.
    pub beacon: &'a [u8; 32],
    /// Round.
    pub round: u32,
    /// Slot.
    pub slot: u16,
    /// The manifest's shards.
    pub shards: &'a [Vec<u8>],
    /// Tensors of the base: parameters, then outer momenta.
    pub base: &'a [Words],
}

/// A trained segment with all that it may have to open.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The attested lists.
    pub lists: SegmentLists,
    /// End less base, one tensor a parameter.
    pub delta: Vec<Words>,
    /// Bits of the mean loss.
    pub mean_loss: u32,
    /// State before each step, and after the last.
    pub checkpoints: Vec<Vec<Words>>,
}

impl Assignment<'_> {
    /// The step's tokens by the rules; none when no shard is long enough.
    pub fn tokens(&self, step: u32) -> Option<Words> {
        let at = StepId { round: self.round, slot: self.slot, step };
        assigned_tokens(self.spec, self.beacon, at, self.shards)
    }

    /// Trains the segment; `progress` hears of every finished step. None when the data has no place for a sequence.
    pub fn train(
        &self,
        engine: &Engine,
        conduct: &dyn Conduct,
        progress: impl FnMut(u32),
    ) -> Option<Segment> {
        self.train_in(&mut Workspace::default(), engine, conduct, progress)
    }

    /// [`Assignment::train`] with buffers that the last run in `workspace` left behind: for who trains segment after
    /// segment.
    pub fn train_in(
        &self,
        workspace: &mut Workspace,
        engine: &Engine,
        conduct: &dyn Conduct,
        mut progress: impl FnMut(u32),
    ) -> Option<Segment> {
        let program = step_program(self.spec);
        let mut checkpoints = vec![first_state(self.spec, self.base)];
        let mut lists = SegmentLists { step_roots: vec![], losses: vec![], batches: vec![] };
        for step in 0..self.spec.steps {
            let at = StepId { round: self.round, slot: self.slot, step };
            let mut tokens = self.tokens(step)?;
            conduct.tokens(at, &mut tokens);
            let mut scalars = StepScalars::new(self.spec, at);
            conduct.scalars(at, &mut scalars);
            let before = checkpoints.last()?;
            let inputs = Inputs { pre: before, tokens: &tokens, ..Inputs::default() };
            let mut observer = Conducted { conduct, unit: Unit::Step(step), before };
            let Outputs { post, batch, loss } =
                execute_in(workspace, &program, inputs, &scalars, engine, &mut observer);
            lists.step_roots.push(root_of_on(StateKind::Inner, self.spec, &post, engine.threads));
            lists.losses.push(loss);
            lists.batches.push(words_digest(&batch));
            checkpoints.push(post);
            progress(step);
        }
        let before = checkpoints.last()?;
        let inputs = Inputs { pre: before, base: self.base, ..Inputs::default() };
        let mut observer = Conducted { conduct, unit: Unit::Delta, before };
        let none = StepScalars::default();
        let delta = execute(&delta_program(self.spec), inputs, &none, engine, &mut observer).post;
        let inputs = Inputs { losses: &lists.losses, ..Inputs::default() };
        let mut observer = Conducted { conduct, unit: Unit::Loss, before: &[] };
        let mean_loss = execute(&loss_program(self.spec), inputs, &none, engine, &mut observer).loss;
        Some(Segment { lists, delta, mean_loss, checkpoints })
    }

    /// The task of a unit of this segment, from a state before it and the segment's lists.
    pub fn task(&self, unit: Unit, pre: &[Words], lists: &SegmentLists) -> Option<Task> {
        let spec = *self.spec;
        let (mut tokens, mut losses, mut base) = (Words::new(), Words::new(), Vec::new());
        match unit {
            Unit::Step(step) => {
                tokens = self.tokens(step)?;
                // The first step's operands are proved under the base.
                base = if step == 0 { self.base.to_vec() } else { Vec::new() };
            }
            Unit::Delta => base = self.base.to_vec(),
            Unit::Loss => losses = lists.losses.clone(),
            Unit::Merge => return None,
        }
        let (round, slot, pre, deltas) = (self.round, self.slot, pre.to_vec(), Vec::new());
        Some(Task { spec, unit, round, slot, pre, base, deltas, tokens, losses })
    }

    /// Runs a unit as `conduct` would.
    pub fn witness(&self, mut task: Task, engine: &Engine, conduct: &dyn Conduct) -> Witness {
        let scalars = self.conducted_inputs(&mut task, conduct);
        conducted(task, scalars, engine, conduct)
    }

    /// Runs a unit as `conduct` would, and keeps digests alone.
    pub fn rerun(&self, task: Task, engine: &Engine, conduct: Arc<dyn Conduct>) -> Rerun {
        self.rerun_in(&mut Workspace::default(), task, engine, conduct)
    }

    /// [`Assignment::rerun`] with buffers that the last run in `workspace` left behind: for who replays unit after
    /// unit.
    pub fn rerun_in(
        &self,
        workspace: &mut Workspace,
        mut task: Task,
        engine: &Engine,
        conduct: Arc<dyn Conduct>,
    ) -> Rerun {
        let scalars = self.conducted_inputs(&mut task, conduct.as_ref());
        Rerun::new_in(workspace, task, scalars, engine, conduct)
    }

    /// Changes the task's tokens as `conduct` would, and gives the scalars that it would use.
    fn conducted_inputs(&self, task: &mut Task, conduct: &dyn Conduct) -> StepScalars {
        let mut scalars = task.scalars();
        if let Unit::Step(step) = task.unit {
            let at = StepId { round: self.round, slot: self.slot, step };
            conduct.tokens(at, &mut task.tokens);
            conduct.scalars(at, &mut scalars);
        }
        scalars
    }
}

/// Runs a task as `conduct` would, with these scalars.
pub fn conducted(task: Task, scalars: StepScalars, engine: &Engine, conduct: &dyn Conduct) -> Witness {
    let before = task.pre.clone();
    let mut observer = Conducted { conduct, unit: task.unit, before: &before };
    Witness::run(task, scalars, engine, &mut observer)
}

impl Segment {
    /// The state that a unit of this segment starts from; empty where it reads none.
    pub fn before(&self, unit: Unit) -> &[Words] {
        match unit {
            Unit::Step(step) => self.checkpoints.get(step as usize).map_or(&[], Vec::as_slice),
            Unit::Delta => self.checkpoints.last().map_or(&[], Vec::as_slice),
            Unit::Loss | Unit::Merge => &[],
        }
    }

    /// The commitment to this segment, to be signed by `trainer`.
    pub fn commitment(&self, network: Digest, run: Digest, at: &Assignment, trainer: PeerKey) -> Commitment {
        Commitment {
            network,
            run,
            round: at.round,
            slot: at.slot,
            data_root: self.lists.batch_tree().root(),
            delta_root: root_of(StateKind::Delta, at.spec, &self.delta),
            delta_bytes: self.delta.iter().map(|t| t.len() as u64 * 4).sum(),
            checkpoint_root: self.lists.step_tree().root(),
            loss_root: tensor_digest(&self.lists.loss_bytes()),
            mean_loss: self.mean_loss,
            lists: self.lists.digest(),
            trainer,
        }
    }
}

impl SegmentLists {
    /// Digest of the attested blob: BLAKE3 of the canonical bytes, so that the blob can be fetched by it.
    pub fn digest(&self) -> Digest {
        tensor_digest(&borsh::to_vec(self).unwrap_or_default())
    }

    /// The list elements that a dispute about `unit` needs; none for a unit that the lists do not have.
    pub fn opening(&self, unit: Unit) -> Option<Opening> {
        let tree = self.step_tree();
        let listed = |digests: &[Digest], path: Option<ListPath>, at: u32| {
            Some(Listed { digest: *digests.get(at as usize)?, path: path? })
        };
        Some(match unit {
            Unit::Step(step) => {
                let before = match step.checked_sub(1) {
                    Some(at) => Some(listed(&self.step_roots, tree.path(u64::from(at)), at)?),
                    None => None,
                };
                let after = listed(&self.step_roots, tree.path(u64::from(step)), step)?;
                let batch = listed(&self.batches, self.batch_tree().path(u64::from(step)), step)?;
                Opening::Step { before, after, batch, loss: self.listed_loss(step)? }
            }
            Unit::Delta => {
                let last = u32::try_from(self.step_roots.len()).ok()?.checked_sub(1)?;
                Opening::Delta { last: listed(&self.step_roots, tree.path(u64::from(last)), last)? }
            }
            Unit::Loss | Unit::Merge => Opening::Nothing,
        })
    }

    fn listed_loss(&self, step: u32) -> Option<ListedLoss> {
        let tree = TensorTree::new(word_bytes(&self.losses));
        let chunk = u64::from(step) / 256;
        let path: TensorPath = tree.path(chunk)?;
        Some(ListedLoss { chunk: tree.chunk(chunk)?.to_vec(), path })
    }
}

/// What a segment claims of a unit, as an auditor compares it (V-5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Root over the entries that the unit writes.
    pub post: Option<Digest>,
    /// Batch digest.
    pub batch: Option<Digest>,
    /// Loss bits.
    pub loss: Option<u32>,
}

impl Claimed {
    /// What `commitment` and its lists claim of `unit`; none for a unit that they do not have.
    pub fn of(commitment: &Commitment, lists: &SegmentLists, unit: Unit) -> Option<Claimed> {
        Some(match unit {
            Unit::Step(step) => {
                let at = step as usize;
                Claimed {
                    post: Some(*lists.step_roots.get(at)?),
                    batch: Some(*lists.batches.get(at)?),
                    loss: Some(*lists.losses.get(at)?),
                }
            }
            Unit::Delta => Claimed { post: Some(commitment.delta_root), batch: None, loss: None },
            Unit::Loss => Claimed { post: None, batch: None, loss: Some(commitment.mean_loss) },
            Unit::Merge => return None,
        })
    }

    /// What a replay gave.
    pub fn replayed(trace: &dyn Trace) -> Claimed {
        let outline = trace.outline();
        let post = outline.post_tree().map(|tree| tree.root());
        Claimed { post, batch: outline.batch(), loss: outline.loss() }
    }
}

/// Name of a blob that holds tensors: BLAKE3 of the canonical bytes.
pub fn tensors_blob(tensors: &[Words]) -> Vec<u8> {
    borsh::to_vec(&tensors).unwrap_or_default()
}

/// The id of a base claim.
pub fn base_id(claim: &crate::commitment::BaseClaim) -> Digest {
    Digest(message("retrace v1 base id", claim))
}
