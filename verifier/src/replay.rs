//! Replay of a unit: everything it reads, run once, every output kept or its digest (V-5.2).

use crate::digest::{Digest, ListTree};
use crate::rerun::Rerun;
use crate::segment::Honest;
use crate::state::{StateKind, words_digest};
use crate::trace::{Homes, Outline, Trace};
use crate::unit::Unit;
use retrace_model::program::{Home, Program, Row, delta_program, loss_program, merge_program, step_program};
use retrace_model::{Engine, Inputs, Observer, RunSpec, StepId, StepScalars, Unobserved, Words, execute};
use std::collections::BTreeSet;
use std::sync::Arc;

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

    /// Runs the task by the rules, and keeps digests alone.
    pub fn rerun(self, engine: &Engine) -> Rerun {
        let scalars = self.scalars();
        Rerun::new(self, scalars, engine, Arc::new(Honest))
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

/// One party's own run of a unit, with every output in memory: for units that are small.
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
    homes: Homes,
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
        let homes = Homes::of(&program);
        Witness { task, program, outputs, scalars, homes }
    }

    /// Position of the row whose output is claimed at `home`.
    pub fn row_at(&self, home: Home) -> Option<usize> {
        self.homes.row_at(home)
    }

    /// The post-state's tensors, in order.
    pub fn post(&self) -> Vec<&Words> {
        self.homes.post().iter().map(|at| &self.outputs[*at]).collect()
    }

    /// Tree over the post-state's entries; none for a loss.
    pub fn post_tree(&self) -> Option<ListTree> {
        self.outline().post_tree().cloned()
    }

    /// The plain trace root (V-5.3).
    pub fn trace_root(&self) -> Digest {
        self.outline().trace_root()
    }
}

impl Trace for Witness {
    fn task(&self) -> &Task {
        &self.task
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn scalars(&self) -> &StepScalars {
        &self.scalars
    }

    fn outline(&self) -> Outline {
        let digests = self.outputs.iter().map(|words| words_digest(words)).collect();
        let loss = self.row_at(Home::Loss).and_then(|at| self.outputs[at].first().copied());
        Outline::new(&self.task, self.homes.clone(), digests, loss)
    }

    fn show(&self, rows: &BTreeSet<usize>, see: &mut dyn FnMut(usize, &[u32])) {
        rows.iter()
            .filter_map(|at| Some((*at, self.outputs.get(*at)?)))
            .for_each(|(at, words)| see(at, words));
    }
}
