//! Runs a program: row after row, buffers freed after their last reader (M-4.1).

use crate::kernel::{Engine, Sources, compute};
use crate::op::{OPERANDS_MAX, SCALARS_MAX};
use crate::program::{Home, Leaf, Program, Row};
use crate::schedule::StepScalars;

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
}

/// Sees nothing.
pub struct Unobserved;
impl Observer for Unobserved {
    fn output(&mut self, _at: usize, _row: &Row, _words: &mut Words) {}
}

/// Buffers kept from one run to the next: fresh pages cost more than most rows. It never changes a bit.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    spare: Vec<Words>,
}

impl Workspace {
    /// Takes tensors that the caller needs no more, such as the state before the last step.
    pub fn recycle(&mut self, tensors: impl IntoIterator<Item = Words>) {
        tensors.into_iter().for_each(|words| self.give_back(words));
    }

    /// Forgets buffers that no row of `program` can use.
    fn fit(&mut self, program: &Program) {
        self.spare.retain(|words| program.rows.iter().any(|row| row.elements() == words.len() as u64));
    }

    /// A buffer of this length; a row writes every element, so what it holds does not matter.
    fn take(&mut self, length: usize) -> Words {
        match self.spare.iter().rposition(|words| words.len() == length) {
            Some(at) => self.spare.swap_remove(at),
            None => vec![0; length],
        }
    }

    fn give_back(&mut self, words: Words) {
        if !words.is_empty() {
            self.spare.push(words);
        }
    }
}

struct Machine<'a> {
    inputs: Inputs<'a>,
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

    fn run(&mut self, row: &Row, scalars: &StepScalars, engine: &Engine) -> Words {
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
        compute(engine, row, &sources, bytemuck::cast_slice_mut(&mut out));
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
}

/// Last row that reads each leaf of the op list.
fn last_readers(program: &Program) -> Vec<usize> {
    let mut last = vec![0; program.trace_leaves as usize];
    for (at, row) in program.rows.iter().enumerate() {
        for operand in row.operands.iter().chain(&row.start) {
            if let Leaf::Trace(leaf) = operand.leaf {
                last[leaf as usize] = at;
            }
        }
    }
    last
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
    workspace.fit(program);
    let last = last_readers(program);
    let trace = vec![Words::new(); program.trace_leaves as usize];
    let outputs = Outputs { post: vec![Words::new(); program.post_entries as usize], ..Outputs::default() };
    let mut machine = Machine { inputs, trace, outputs, workspace };
    for (at, row) in program.rows.iter().enumerate() {
        let mut words = machine.run(row, scalars, engine);
        observer.output(at, row, &mut words);
        machine.store(row.home, words);
        for operand in row.operands.iter().chain(&row.start) {
            if let Leaf::Trace(leaf) = operand.leaf
                && last[leaf as usize] == at
            {
                machine.free(leaf);
            }
        }
    }
    (0..program.trace_leaves).for_each(|leaf| machine.free(leaf));
    machine.outputs
}
