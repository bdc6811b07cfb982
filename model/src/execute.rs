//! Runs a program: stage after stage of its plan, buffers freed after their last reader (M-4.1, M-8).

use crate::control;
use crate::kernel::attention::{self, Backward, Forward, Heads};
use crate::kernel::{Engine, Sources, compute};
use crate::observer::{Observer, Parts, Sight, View};
use crate::op::{OPERANDS_MAX, SCALARS_MAX};
use crate::plan::{AttentionBackward, AttentionForward, Plan, Stage, Work};
use crate::program::{Home, Leaf, Operand, Program, Row};
use crate::schedule::StepScalars;
use crate::update::{Update, update};
use crate::workspace::Workspace;

/// A tensor's elements as raw words, row-major: binary32 bits or token ids.
pub type Words = Vec<u32>;

/// What a program reads from outside, by leaf.
#[derive(Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// Entries of the pre-state.
    pub pre: &'a [Words],
    /// Entries of the base state.
    pub base: &'a [Words],
    /// Accepted deltas, each a list of entries.
    pub deltas: &'a [&'a [Words]],
    /// The assigned tokens, in the order of the batch.
    pub tokens: &'a [u32],
    /// The segment's losses.
    pub losses: &'a [u32],
}

/// What a program writes to outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Entries of the post-state, delta or base.
    pub post: Vec<Words>,
    /// The gathered batch, for step programs.
    pub batch: Words,
    /// Bits of the loss.
    pub loss: u32,
}

/// A value of the op list in its buffer, which may be longer.
#[derive(Clone, Debug, Default)]
struct Held {
    words: Words,
    slot: usize,
}

struct Machine<'a> {
    program: &'a Program,
    plan: &'a Plan,
    inputs: Inputs<'a>,
    /// The pre-state, where the caller gave it away: an entry leaves when its successor takes its place.
    given: Option<Vec<Words>>,
    engine: &'a Engine,
    /// Who takes outputs in parts.
    parts: Option<&'a dyn Parts>,
    trace: Vec<Held>,
    outputs: Outputs,
    workspace: &'a mut Workspace,
}

impl<'a> Machine<'a> {
    /// The row before the one who takes parts.
    fn sight(&self, row: usize) -> Sight<'a> {
        Sight::new(self.parts, row)
    }

    fn leaf(&self, leaf: Leaf) -> &[u32] {
        match leaf {
            Leaf::Trace(at) => &self.trace[at as usize].words,
            Leaf::Pre(at) => match &self.given {
                Some(state) => &state[at as usize],
                None => &self.inputs.pre[at as usize],
            },
            Leaf::Base(at) => &self.inputs.base[at as usize],
            Leaf::Post(at) => &self.outputs.post[at as usize],
            Leaf::Batch => &self.outputs.batch,
            Leaf::Tokens => self.inputs.tokens,
            Leaf::Delta(which, at) => &self.inputs.deltas[usize::from(which)][at as usize],
            Leaf::Losses => self.inputs.losses,
        }
    }

    /// An operand's leaf, without what its buffer has beyond.
    fn view(&self, operand: &Operand) -> &[f32] {
        let words = self.leaf(operand.leaf);
        bytemuck::cast_slice(match operand.leaf {
            Leaf::Trace(_) => &words[..operand.length as usize],
            _ => words,
        })
    }

    fn sources(&self, row: &Row, scalars: &StepScalars) -> Sources<'_> {
        let mut operands: [&[f32]; OPERANDS_MAX] = [&[]; OPERANDS_MAX];
        for (slot, operand) in operands.iter_mut().zip(&row.operands) {
            *slot = self.view(operand);
        }
        let start = row.start.as_ref().map_or(&[][..], |start| self.view(start));
        let mut resolved = [0.0; SCALARS_MAX];
        for (slot, scalar) in resolved.iter_mut().zip(&row.scalars) {
            *slot = f32::from_bits(scalars.resolve(*scalar));
        }
        Sources { operands, start, scalars: resolved }
    }

    /// How many stages, this one first, are updates that go together.
    fn together(&self, stage: &Stage) -> usize {
        if self.given.is_some() { stage.together } else { 1 }
    }

    /// Runs updates that go together.
    fn update(&mut self, stages: &[Stage], scalars: &StepScalars) {
        let program = self.program;
        let rows: Vec<_> = stages.iter().filter_map(Stage::updated).collect();
        let entries = rows.iter().map(|(at, _)| match (program.rows[*at].home, &mut self.given) {
            (Home::Post(entry), Some(state)) => std::mem::take(&mut state[entry as usize]),
            _ => Words::new(),
        });
        let mut words: Vec<Words> = entries.collect();
        let updates: Vec<_> = rows.iter().map(|(at, own)| self.update_of(*at, *own, scalars)).collect();
        update(self.engine, &updates, &mut words);
        for ((at, _), words) in rows.into_iter().zip(words) {
            self.store(program.rows[at].home, words, None);
        }
    }

    /// Row `at`, which writes over its operand `own`.
    fn update_of(&self, at: usize, own: usize, scalars: &StepScalars) -> Update<'_> {
        let row = &self.program.rows[at];
        Update { row, sources: self.sources(row, scalars), own, sight: self.sight(at) }
    }

    /// The output of a stage of row `at` alone.
    fn run(&mut self, at: usize, stage: &Stage, scalars: &StepScalars) -> Words {
        let (row, sight) = (&self.program.rows[at], self.sight(at));
        if let (Some(own), Some(state), Home::Post(entry)) = (stage.in_place, &mut self.given, row.home) {
            let mut words = [std::mem::take(&mut state[entry as usize])];
            update(self.engine, &[self.update_of(at, own, scalars)], &mut words);
            return std::mem::take(&mut words[0]);
        }
        let elements = row.elements() as usize;
        let mut out = match stage.slots[0] {
            Some(slot) => self.workspace.lend(slot, self.plan.slots[slot]),
            None => self.workspace.take(elements),
        };
        compute(
            self.engine,
            row,
            &self.sources(row, scalars),
            bytemuck::cast_slice_mut(&mut out[..elements]),
            sight,
        );
        out
    }

    fn free(&mut self, leaf: u32) {
        let held = std::mem::take(&mut self.trace[leaf as usize]);
        self.workspace.give_back(held.slot, held.words);
    }

    fn store(&mut self, home: Home, words: Words, slot: Option<usize>) {
        match home {
            Home::Trace(at) => self.trace[at as usize] = Held { words, slot: slot.unwrap_or_default() },
            Home::Post(at) => self.outputs.post[at as usize] = words,
            Home::Batch => self.outputs.batch = words,
            Home::Loss => self.outputs.loss = words.first().copied().unwrap_or(0),
        }
    }

    /// Buffers for the outputs of these rows.
    fn take_outputs<const N: usize>(&mut self, rows: [usize; N], slots: &[Option<usize>]) -> [Words; N] {
        let mut slots = slots.iter();
        rows.map(|at| match slots.next() {
            Some(Some(slot)) => self.workspace.lend(*slot, self.plan.slots[*slot]),
            _ => self.workspace.take(self.program.rows[at].elements() as usize),
        })
    }

    fn store_outputs<const N: usize>(
        &mut self,
        rows: [usize; N],
        outputs: [Words; N],
        slots: &[Option<usize>],
    ) {
        for ((at, words), slot) in rows.into_iter().zip(outputs).zip(slots) {
            self.store(self.program.rows[at].home, words, *slot);
        }
    }

    /// Shows outputs that are all there to the one who takes parts.
    fn show<const N: usize>(&self, rows: [usize; N], outputs: &[Words; N]) {
        for (at, words) in rows.into_iter().zip(outputs) {
            let elements = self.program.rows[at].elements() as usize;
            self.sight(at).whole(self.engine.threads, bytemuck::cast_slice(&words[..elements]));
        }
    }

    /// An operand by head; its positions are dimension `position` of its row, or its terms where that is 4.
    fn heads(&self, row: usize, operand: usize, position: usize) -> Heads {
        let view = &self.program.rows[row].operands[operand];
        let leaf = self.leaf(view.leaf)[view.offset as usize..].as_ptr();
        let strides = match position {
            4 => [view.strides[0], view.strides[2], view.term_stride],
            _ => [view.strides[0], view.strides[1], view.strides[position]],
        };
        Heads { at: leaf.cast_mut().cast(), strides: strides.map(|stride| stride as usize) }
    }

    fn forward(&self, f: AttentionForward, [top, sum, mixed]: [*mut u32; 3]) -> Forward {
        Forward {
            extent: f.extent,
            query: self.heads(f.scores, 0, 2),
            key: self.heads(f.scores, 1, 3),
            value: self.heads(f.mixed(), 1, 4),
            top: top.cast(),
            sum: sum.cast(),
            mixed: self.written(f.mixed(), mixed),
        }
    }

    /// An output by (batch, position, head, lane).
    fn written(&self, row: usize, out: *mut u32) -> Heads {
        let [_, context, heads, head] = self.program.rows[row].shape.map(|n| n as usize);
        Heads { at: out.cast(), strides: [context * heads * head, head, heads * head] }
    }

    fn attention_forward(&mut self, f: AttentionForward, slots: &[Option<usize>]) {
        let rows = [f.top(), f.sum(), f.mixed()];
        let mut outputs = self.take_outputs(rows, slots);
        let views = self.forward(f, outputs.each_mut().map(|words| words.as_mut_ptr()));
        // SAFETY: the plan found these rows, each of which its check proved; the outputs are this call's alone.
        unsafe { attention::forward(self.engine, &views, self.sight(f.scores)) };
        self.show(rows, &outputs);
        self.store_outputs(rows, outputs, slots);
    }

    fn attention_backward(&mut self, b: AttentionBackward, slots: &[Option<usize>]) {
        let rows = [b.query(), b.key(), b.value()];
        let mut outputs = self.take_outputs(rows, slots);
        let f = b.forward;
        let kept = [f.top(), f.sum()].map(|at| match self.program.rows[at].home {
            Home::Trace(leaf) => self.trace[leaf as usize].words.as_ptr().cast_mut(),
            _ => std::ptr::null_mut(),
        });
        let [query, key, value] = outputs.each_mut().map(|words| words.as_mut_ptr());
        let views = Backward {
            forward: self.forward(f, [kept[0], kept[1], std::ptr::null_mut()]),
            gradient: self.heads(b.first, 0, 2),
            query: self.written(b.query(), query),
            key: self.written(b.key(), key),
            value: self.written(b.value(), value),
        };
        // SAFETY: as above; of the forward pass only leaves are read that the plan keeps until now.
        unsafe { attention::backward(self.engine, &views, self.sight(b.first)) };
        self.show(rows, &outputs);
        self.store_outputs(rows, outputs, slots);
    }
}

/// Runs all rows. The caller vouches that `inputs` have the shapes that the program names.
pub fn execute(
    program: &Program,
    inputs: Inputs,
    scalars: &StepScalars,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Outputs {
    execute_in(&mut Workspace::default(), program, inputs, scalars, engine, observer)
}

/// [`execute`] with buffers that the last run in `workspace` left behind: for a caller that runs step after step.
pub fn execute_in(
    workspace: &mut Workspace,
    program: &Program,
    inputs: Inputs,
    scalars: &StepScalars,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Outputs {
    run(workspace, program, (inputs, None), scalars, engine, observer)
}

/// [`execute_in`] that takes the pre-state away and leaves the post-state in its place: of what an optimizer updates
/// there is never a second copy (M-8.4). `inputs.pre` is not read; the outputs have no post-state. If an observer
/// panics the state is lost.
pub fn advance_in(
    workspace: &mut Workspace,
    program: &Program,
    state: &mut Vec<Words>,
    inputs: Inputs,
    scalars: &StepScalars,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Outputs {
    let given = Some(std::mem::take(state));
    let mut outputs = run(workspace, program, (inputs, given), scalars, engine, observer);
    *state = std::mem::take(&mut outputs.post);
    outputs
}

fn run(
    workspace: &mut Workspace,
    program: &Program,
    (inputs, given): (Inputs, Option<Vec<Words>>),
    scalars: &StepScalars,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Outputs {
    control::with_default_control(|| {
        let view = View::of(observer);
        let planned = workspace.plan(program, view);
        let trace = vec![Held::default(); program.trace_leaves as usize];
        let outputs =
            Outputs { post: vec![Words::new(); program.post_entries as usize], ..Outputs::default() };
        let plan = &planned.2;
        let (parts, mut whole) = match view {
            View::Nothing => (None, None),
            View::Parts => (observer.parts(), None),
            View::Whole => (None, Some(observer)),
        };
        let mut machine = Machine { program, plan, inputs, given, engine, parts, trace, outputs, workspace };
        let mut rest = &plan.stages[..];
        while let Some(stage) = rest.first() {
            let (now, later) = rest.split_at(machine.together(stage));
            rest = later;
            match stage.work {
                Work::Row(_) if now.len() > 1 => machine.update(now, scalars),
                Work::Row(at) => {
                    let row = &program.rows[at];
                    let mut words = machine.run(at, stage, scalars);
                    if let Some(observer) = &mut whole {
                        observer.output(at, row, &mut words);
                    }
                    machine.store(row.home, words, stage.slots[0]);
                }
                Work::AttentionForward(f) => machine.attention_forward(f, &stage.slots),
                Work::AttentionBackward(b) => machine.attention_backward(b, &stage.slots),
            }
            now.iter().flat_map(|stage| &stage.frees).for_each(|leaf| machine.free(*leaf));
        }
        let Machine { outputs, given, .. } = machine;
        // What no update took the place of serves the next run.
        workspace.recycle(given.into_iter().flatten());
        workspace.keep(planned);
        outputs
    })
}
