//! A run that is never whole in memory: digests are kept, outputs are computed again when they are asked for (V-4.7).
//!
//! A part of a run needs only the rows that the asked ones depend on, and the executor frees each buffer after its
//! last reader: at no time is there more than a step that is trained, with every row by itself.

use crate::digest::Digest;
use crate::hashing::{Tracer, words_digest_on};
use crate::replay::Task;
use crate::segment::{Conduct, Conducted};
use crate::trace::{Homes, Outline, Trace};
use retrace_model::program::{Home, Program, Row};
use retrace_model::{Engine, Inputs, Observer, Outputs, StepScalars, Words, Workspace, execute_in};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// One party's own run of a unit, kept as digests.
pub struct Rerun {
    task: Task,
    program: Program,
    scalars: StepScalars,
    engine: Engine,
    conduct: Arc<dyn Conduct>,
    outline: Outline,
    runs: AtomicU32,
}

impl fmt::Debug for Rerun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rerun")
            .field("unit", &self.task.unit)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}

/// Shows outputs as a conduct leaves them.
struct Shown<'a, F> {
    conducted: Conducted<'a>,
    /// Positions in the whole program of the rows that run; none where all of them do.
    positions: &'a [usize],
    see: F,
}

impl<F: FnMut(usize, &[u32])> Observer for Shown<'_, F> {
    fn output(&mut self, at: usize, row: &Row, words: &mut Words) {
        let at = self.positions.get(at).copied().unwrap_or(at);
        self.conducted.output(at, row, words);
        (self.see)(at, words);
    }
}

impl Rerun {
    /// Runs the task once with these scalars, as `conduct` would, and keeps the digests of all outputs.
    pub fn new(task: Task, scalars: StepScalars, engine: &Engine, conduct: Arc<dyn Conduct>) -> Rerun {
        Rerun::new_in(&mut Workspace::default(), task, scalars, engine, conduct)
    }

    /// [`Rerun::new`] with buffers that the last run in `workspace` left behind: for who replays unit after unit. The
    /// workspace is not kept: what is asked for later runs in buffers of its own.
    pub fn new_in(
        workspace: &mut Workspace,
        task: Task,
        scalars: StepScalars,
        engine: &Engine,
        conduct: Arc<dyn Conduct>,
    ) -> Rerun {
        let program = task.program();
        let homes = Homes::of(&program);
        let outline = Outline::new(&task, homes.clone(), Vec::new(), None);
        let runs = AtomicU32::new(0);
        let mut rerun = Rerun { task, program, scalars, engine: *engine, conduct, outline, runs };
        let (digests, loss) = rerun.digests(workspace);
        let loss = homes.row_at(Home::Loss).map(|_| loss);
        rerun.outline = Outline::new(&rerun.task, homes, digests, loss);
        rerun
    }

    /// Runs all of it, and gives the digests of its outputs, by row, and the bits of its loss.
    fn digests(&self, workspace: &mut Workspace) -> (Vec<Digest>, u32) {
        let outputs;
        let digests;
        if self.conduct.is_blind() {
            let mut tracer = Tracer::new(&self.program);
            outputs = self.run(workspace, &self.program, &mut tracer);
            digests = tracer.digests();
        } else {
            // Who changes an output has it whole.
            let mut found = Vec::with_capacity(self.program.rows.len());
            let see = |_, words: &[u32]| found.push(words_digest_on(words, self.engine.threads));
            let mut shown = Shown { conducted: self.conducted(), positions: &[], see };
            outputs = self.run(workspace, &self.program, &mut shown);
            digests = found;
        }
        workspace.recycle(outputs.post.into_iter().chain([outputs.batch]));
        (digests, outputs.loss)
    }

    /// Runs the program, or a part of it.
    fn run(&self, workspace: &mut Workspace, program: &Program, observer: &mut dyn Observer) -> Outputs {
        let task = &self.task;
        let deltas: Vec<&[Words]> = task.deltas.iter().map(Vec::as_slice).collect();
        let (pre, base, tokens, losses) = (&task.pre, &task.base, &task.tokens, &task.losses);
        let inputs = Inputs { pre, base, deltas: &deltas, tokens, losses };
        self.runs.fetch_add(1, Ordering::Relaxed);
        execute_in(workspace, program, inputs, &self.scalars, &self.engine, observer)
    }

    /// An observer on behalf of the conduct.
    fn conducted(&self) -> Conducted<'_> {
        Conducted { conduct: self.conduct.as_ref(), unit: self.task.unit, before: &self.task.pre }
    }

    /// The rows that the wanted ones depend on, and their positions in the whole program.
    fn part(&self, wanted: &BTreeSet<usize>) -> (Program, Vec<usize>) {
        let mut needed = vec![false; self.program.rows.len()];
        for at in (0..needed.len()).rev() {
            needed[at] |= wanted.contains(&at);
            if needed[at] {
                let row = &self.program.rows[at];
                let reads = row.operands.iter().chain(&row.start);
                reads
                    .filter_map(|operand| self.outline.writer(operand.leaf))
                    .for_each(|at| needed[at] = true);
            }
        }
        let positions: Vec<usize> = (0..needed.len()).filter(|at| needed[*at]).collect();
        let rows = positions.iter().map(|at| self.program.rows[*at].clone()).collect();
        let (trace_leaves, post_entries) = (self.program.trace_leaves, self.program.post_entries);
        (Program { rows, trace_leaves, post_entries }, positions)
    }
}

impl Trace for Rerun {
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
        self.outline.clone()
    }

    fn show(&self, rows: &BTreeSet<usize>, see: &mut dyn FnMut(usize, &[u32])) {
        let (program, positions) = self.part(rows);
        if positions.is_empty() {
            return;
        }
        let wanted = |at, words: &[u32]| {
            if rows.contains(&at) {
                see(at, words);
            }
        };
        let mut shown = Shown { conducted: self.conducted(), positions: &positions, see: wanted };
        self.run(&mut Workspace::default(), &program, &mut shown);
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}
