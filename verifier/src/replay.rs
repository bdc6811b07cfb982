//! Replay of a unit: everything it reads, run once, every output kept (V-5.2).

use crate::commitment::word_bytes;
use crate::digest::{Digest, ListKind, ListTree};
use crate::signature::message;
use crate::state::{StateKind, state_tree, words_digest};
use crate::unit::Unit;
use retrace_model::program::{
    Home, Leaf, Program, Row, delta_program, loss_program, merge_program, step_program,
};
use retrace_model::{Engine, Inputs, Observer, RunSpec, StepId, StepScalars, Unobserved, Words, execute};

/// A unit with everything that it reads.
#[derive(Clone, Debug)]
pub struct Task {
    /// What the run trains.
    pub spec: RunSpec,
    /// The unit.
    pub unit: Unit,
    /// Round of the claim.
    pub round: u32,
    /// Slot of the claim; 0 for a merge, which has none.
    pub slot: u16,
    /// Tensors of the pre-state; for the first step, base parameters and what an optimizer begins with.
    pub pre: Vec<Words>,
    /// Tensors of the base (delta units).
    pub base: Vec<Words>,
    /// Accepted deltas (merge units).
    pub deltas: Vec<Vec<Words>>,
    /// Tokens of the step.
    pub tokens: Words,
    /// Losses of the segment (loss units).
    pub losses: Words,
}

impl Task {
    /// The unit's program.
    pub fn program(&self) -> Program {
        match self.unit {
            Unit::Step(_) => step_program(&self.spec),
            Unit::Delta => delta_program(&self.spec),
            Unit::Loss => loss_program(&self.spec),
            Unit::Merge => merge_program(&self.spec, self.deltas.len() as u16),
        }
    }

    /// Derived scalars of the unit.
    pub fn scalars(&self) -> StepScalars {
        let step = if let Unit::Step(step) = self.unit { step } else { 0 };
        StepScalars::new(&self.spec, StepId { round: self.round, slot: self.slot, step })
    }

    /// Runs the task by the rules.
    pub fn replay(self, engine: &Engine) -> Witness {
        let scalars = self.scalars();
        Witness::run(self, scalars, engine, &mut Unobserved)
    }

    /// How the unit's post-state is hashed; none for a loss.
    pub fn post_kind(&self) -> Option<StateKind> {
        match self.unit {
            Unit::Step(_) => Some(StateKind::Inner),
            Unit::Delta => Some(StateKind::Delta),
            Unit::Merge => Some(StateKind::Outer),
            Unit::Loss => None,
        }
    }
}

/// One party's own run of a unit, with every output: what it compares, posts and proves from.
#[derive(Clone, Debug)]
pub struct Witness {
    /// What was run.
    pub task: Task,
    /// The unit's program.
    pub program: Program,
    /// Output of each row.
    pub outputs: Vec<Words>,
    /// The scalars that were used.
    pub scalars: StepScalars,
    trace_rows: Vec<usize>,
    post_rows: Vec<usize>,
}

struct Recorder<'a> {
    outputs: Vec<Words>,
    inner: &'a mut dyn Observer,
}

impl Observer for Recorder<'_> {
    fn output(&mut self, at: usize, row: &Row, words: &mut Words) {
        self.inner.output(at, row, words);
        self.outputs.push(words.clone());
    }
}

impl Witness {
    /// Runs the task with these scalars; the observer sees each output before later rows read it.
    pub fn run(task: Task, scalars: StepScalars, engine: &Engine, observer: &mut dyn Observer) -> Witness {
        let program = task.program();
        let mut recorder = Recorder { outputs: Vec::with_capacity(program.rows.len()), inner: observer };
        let deltas: Vec<&[Words]> = task.deltas.iter().map(Vec::as_slice).collect();
        let inputs = Inputs {
            pre: &task.pre,
            base: &task.base,
            deltas: &deltas,
            tokens: &task.tokens,
            losses: &task.losses,
        };
        execute(&program, inputs, &scalars, engine, &mut recorder);
        let outputs = recorder.outputs;
        let mut trace_rows = vec![0; program.trace_leaves as usize];
        let mut post_rows = vec![0; program.post_entries as usize];
        for (at, row) in program.rows.iter().enumerate() {
            match row.home {
                Home::Trace(leaf) => trace_rows[leaf as usize] = at,
                Home::Post(entry) => post_rows[entry as usize] = at,
                Home::Batch | Home::Loss => {}
            }
        }
        Witness { task, program, outputs, scalars, trace_rows, post_rows }
    }

    /// Position of the row whose output is claimed at `home`.
    pub fn row_at(&self, home: Home) -> Option<usize> {
        match home {
            Home::Trace(leaf) => self.trace_rows.get(leaf as usize).copied(),
            Home::Post(entry) => self.post_rows.get(entry as usize).copied(),
            Home::Batch | Home::Loss => self.program.rows.iter().position(|row| row.home == home),
        }
    }

    /// Tree over the op list.
    pub fn ops_tree(&self) -> ListTree {
        let digests = self.trace_rows.iter().map(|at| words_digest(&self.outputs[*at]));
        ListTree::new(ListKind::Ops, digests.map(|d| d.0))
    }

    /// The post-state's tensors, in order.
    pub fn post(&self) -> Vec<&Words> {
        self.post_rows.iter().map(|at| &self.outputs[*at]).collect()
    }

    /// Tree over the post-state's entries; none for a loss.
    pub fn post_tree(&self) -> Option<ListTree> {
        let digests: Vec<Digest> = self.post().iter().map(|words| words_digest(words)).collect();
        Some(state_tree(self.task.post_kind()?, &self.task.spec, &digests))
    }

    /// Digest of the gathered batch, for steps.
    pub fn batch(&self) -> Option<Digest> {
        Some(words_digest(&self.outputs[self.row_at(Home::Batch)?]))
    }

    /// Bits of the loss, for steps and losses.
    pub fn loss(&self) -> Option<u32> {
        self.outputs[self.row_at(Home::Loss)?].first().copied()
    }

    /// The plain trace root: H(ops root, claimed post-state, batch, loss), so that a verdict covers all (V-5.3).
    pub fn trace_root(&self) -> Digest {
        let post = self.post_tree().map(|tree| tree.root());
        let parts = (self.ops_tree().root(), post, self.batch(), self.loss());
        Digest(message("retrace v1 trace root", &parts))
    }

    /// The words of a leaf as this party has them.
    pub fn leaf(&self, leaf: Leaf) -> Option<&[u32]> {
        let task = &self.task;
        let words = match leaf {
            Leaf::Trace(at) => &self.outputs[*self.trace_rows.get(at as usize)?],
            Leaf::Post(at) => &self.outputs[*self.post_rows.get(at as usize)?],
            Leaf::Pre(at) => task.pre.get(at as usize)?,
            Leaf::Base(at) => task.base.get(at as usize)?,
            Leaf::Delta(which, at) => task.deltas.get(usize::from(which))?.get(at as usize)?,
            Leaf::Batch => &self.outputs[self.row_at(Home::Batch)?],
            Leaf::Tokens => &task.tokens,
            Leaf::Losses => &task.losses,
        };
        Some(words)
    }

    /// Bytes of a row's output.
    pub fn output_bytes(&self, at: usize) -> Vec<u8> {
        word_bytes(&self.outputs[at])
    }
}
