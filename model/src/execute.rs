//! Runs a program: stage after stage of its plan, buffers freed after their last reader (M-4.1, M-8).

use crate::control;
use crate::kernel::attention::{self, Backward, Forward, Heads};
use crate::kernel::{Engine, Sources, compute};
use crate::op::{OPERANDS_MAX, SCALARS_MAX};
use crate::plan::{AttentionBackward, AttentionForward, Plan, Recompute, Work};
use crate::program::{Home, Leaf, Program, Row};
use crate::schedule::StepScalars;
use std::collections::BTreeSet;

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

/// Sees every output as it is written: tracing, and nothing else in an honest build.
pub trait Observer {
    /// Called once a row, in order, with the row's position and its output.
    fn output(&mut self, at: usize, row: &Row, words: &mut Words);

    /// True for an observer that looks at nothing: then rows may go together (M-8.2), and `output` is not called.
    fn is_blind(&self) -> bool {
        false
    }
}

/// Sees nothing.
pub struct Unobserved;
impl Observer for Unobserved {
    fn output(&mut self, _at: usize, _row: &Row, _words: &mut Words) {}

    fn is_blind(&self) -> bool {
        true
    }
}

/// Buffers kept from one run to the next: fresh pages cost more than most rows. It never changes a bit.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    spare: Vec<Words>,
    recompute: Recompute,
    /// The last program, whether it was watched, and its plan.
    planned: Option<(Program, bool, Plan)>,
}

impl Workspace {
    /// A workspace whose runs compute again what `recompute` says, where nobody watches them.
    pub fn new(recompute: Recompute) -> Workspace {
        Workspace { recompute, ..Workspace::default() }
    }

    /// Takes tensors that the caller needs no more, such as the state before the last step.
    pub fn recycle(&mut self, tensors: impl IntoIterator<Item = Words>) {
        tensors.into_iter().for_each(|words| self.give_back(words));
    }

    /// The plan for `program`; for a new one, buffers that none of its rows can use are forgotten.
    fn plan(&mut self, program: &Program, blind: bool) -> (Program, bool, Plan) {
        match self.planned.take() {
            Some(planned) if planned.1 == blind && planned.0 == *program => planned,
            _ => {
                let lengths: BTreeSet<u64> = program.rows.iter().map(Row::elements).collect();
                self.spare.retain(|words| lengths.contains(&(words.len() as u64)));
                let plan = if blind { Plan::new(program, self.recompute) } else { Plan::traced(program) };
                (program.clone(), blind, plan)
            }
        }
    }

    /// A buffer of this length; a row writes every element, so what it holds does not matter.
    fn take(&mut self, length: usize) -> Words {
        match self.spare.iter().rposition(|words| words.len() == length) {
            Some(at) => self.spare.swap_remove(at),
            None => vec![0; length],
        }
    }

    /// Elements of all buffers that are kept.
    #[cfg(test)]
    pub(crate) fn elements(&self) -> usize {
        self.spare.iter().map(Vec::len).sum()
    }

    fn give_back(&mut self, words: Words) {
        if !words.is_empty() {
            self.spare.push(words);
        }
    }
}

struct Machine<'a> {
    program: &'a Program,
    inputs: Inputs<'a>,
    engine: &'a Engine,
    trace: Vec<Words>,
    outputs: Outputs,
    workspace: &'a mut Workspace,
}

impl Machine<'_> {
    fn leaf(&self, leaf: Leaf) -> &[u32] {
        match leaf {
            Leaf::Trace(at) => &self.trace[at as usize],
            Leaf::Pre(at) => &self.inputs.pre[at as usize],
            Leaf::Base(at) => &self.inputs.base[at as usize],
            Leaf::Post(at) => &self.outputs.post[at as usize],
            Leaf::Batch => &self.outputs.batch,
            Leaf::Tokens => self.inputs.tokens,
            Leaf::Delta(which, at) => &self.inputs.deltas[usize::from(which)][at as usize],
            Leaf::Losses => self.inputs.losses,
        }
    }

    fn run(&mut self, row: &Row, scalars: &StepScalars) -> Words {
        let mut out = self.workspace.take(row.elements() as usize);
        let mut operands: [&[f32]; OPERANDS_MAX] = [&[]; OPERANDS_MAX];
        for (slot, operand) in operands.iter_mut().zip(&row.operands) {
            *slot = bytemuck::cast_slice(self.leaf(operand.leaf));
        }
        let start = row.start.as_ref().map_or(&[][..], |s| bytemuck::cast_slice(self.leaf(s.leaf)));
        let mut resolved = [0.0; SCALARS_MAX];
        for (slot, scalar) in resolved.iter_mut().zip(&row.scalars) {
            *slot = f32::from_bits(scalars.resolve(*scalar));
        }
        let sources = Sources { operands, start, scalars: resolved };
        compute(self.engine, row, &sources, bytemuck::cast_slice_mut(&mut out));
        out
    }

    fn free(&mut self, leaf: u32) {
        self.workspace.give_back(std::mem::take(&mut self.trace[leaf as usize]));
    }

    fn store(&mut self, home: Home, words: Words) {
        match home {
            Home::Trace(at) => self.trace[at as usize] = words,
            Home::Post(at) => self.outputs.post[at as usize] = words,
            Home::Batch => self.outputs.batch = words,
            Home::Loss => self.outputs.loss = words.first().copied().unwrap_or(0),
        }
    }

    /// Buffers for the outputs of these rows.
    fn take_outputs<const N: usize>(&mut self, rows: [usize; N]) -> [Words; N] {
        rows.map(|at| self.workspace.take(self.program.rows[at].elements() as usize))
    }

    fn store_outputs<const N: usize>(&mut self, rows: [usize; N], outputs: [Words; N]) {
        for (at, words) in rows.into_iter().zip(outputs) {
            self.store(self.program.rows[at].home, words);
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

    fn attention_forward(&mut self, f: AttentionForward) {
        let rows = [f.top(), f.sum(), f.mixed()];
        let mut outputs = self.take_outputs(rows);
        let views = self.forward(f, outputs.each_mut().map(|words| words.as_mut_ptr()));
        // SAFETY: the plan found these rows, each of which its check proved; the outputs are this call's alone.
        unsafe { attention::forward(self.engine, &views) };
        self.store_outputs(rows, outputs);
    }

    fn attention_backward(&mut self, b: AttentionBackward) {
        let rows = [b.query(), b.key(), b.value()];
        let mut outputs = self.take_outputs(rows);
        let f = b.forward;
        let kept = [f.top(), f.sum()].map(|at| match self.program.rows[at].home {
            Home::Trace(leaf) => self.trace[leaf as usize].as_ptr().cast_mut(),
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
        unsafe { attention::backward(self.engine, &views) };
        self.store_outputs(rows, outputs);
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
    control::with_default_control(|| {
        let planned = workspace.plan(program, observer.is_blind());
        let trace = vec![Words::new(); program.trace_leaves as usize];
        let outputs =
            Outputs { post: vec![Words::new(); program.post_entries as usize], ..Outputs::default() };
        let mut machine = Machine { program, inputs, engine, trace, outputs, workspace };
        for stage in &planned.2.stages {
            match stage.work {
                Work::Row(at) => {
                    let row = &program.rows[at];
                    let mut words = machine.run(row, scalars);
                    if !planned.1 {
                        observer.output(at, row, &mut words);
                    }
                    machine.store(row.home, words);
                }
                Work::AttentionForward(f) => machine.attention_forward(f),
                Work::AttentionBackward(b) => machine.attention_backward(b),
            }
            stage.frees.iter().for_each(|leaf| machine.free(*leaf));
        }
        let outputs = machine.outputs;
        workspace.planned = Some(planned);
        outputs
    })
}
