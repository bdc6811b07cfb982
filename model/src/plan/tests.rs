//! Plans against the rows one by one.

mod buffers;
mod parts;

use super::*;
use crate::program::first_state;
use crate::program::step_program;
use crate::selftest::golden_spec;
use crate::{
    Architecture, Backend, Engine, Inputs, Observer, Outputs, RunSpec, StepId, StepScalars, Unobserved,
};
use crate::{Words, Workspace, execute_in, initial_parameters};

/// Sees all rows, so that none go together.
struct Watching;
impl Observer for Watching {
    fn output(&mut self, _at: usize, _row: &crate::program::Row, _words: &mut Words) {}
}

/// Context, width, heads, layers, batch: heads and contexts at the edges of tiles, strips and blocks of queries.
const SIZES: [[u32; 5]; 6] = [
    [2, 16, 1, 1, 1],
    [19, 36, 3, 2, 3],
    [57, 64, 2, 1, 2],
    [64, 32, 1, 2, 1],
    [131, 30, 2, 1, 1],
    [300, 66, 2, 1, 1],
];

fn spec([context, width, heads, layers, batch]: [u32; 5]) -> RunSpec {
    let mut spec = golden_spec();
    (spec.model.context, spec.model.width, spec.model.layers) = (context, width, layers);
    (spec.model.hidden, spec.batch) = (2 * width + 1, batch);
    if let Architecture::Gpt(gpt) = &mut spec.model.architecture {
        gpt.heads = heads;
    }
    spec
}

fn run(spec: &RunSpec, engine: Engine, workspace: &mut Workspace, observer: &mut dyn Observer) -> Outputs {
    let state = first_state(spec, &initial_parameters(spec));
    let count = spec.batch * (spec.model.context + 1);
    let tokens: Words = (0..count).map(|i| i * i % 251).collect();
    let at = StepId { round: 0, slot: 0, step: 1 };
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    execute_in(workspace, &step_program(spec), inputs, &StepScalars::new(spec, at), &engine, observer)
}

fn engines() -> Vec<Engine> {
    let fast = Backend::available().into_iter().filter(|backend| *backend != Backend::Reference);
    fast.flat_map(|backend| [1, 2].map(|threads| Engine { backend, threads })).collect()
}

/// M-8.1: after a large run's step, a small one's keeps no more than if it had been alone, and the same once more.
#[test]
fn a_workspace_forgets_what_another_run_needed() {
    let engine = Engine { backend: Backend::best(), threads: 1 };
    let [large, small] = [spec([19, 36, 3, 5, 2]), spec([19, 36, 3, 1, 2])];
    let step = |workspace: &mut Workspace, spec: &RunSpec| {
        let outputs = run(spec, engine, workspace, &mut Unobserved);
        workspace.recycle(outputs.post.into_iter().chain([outputs.batch]));
        workspace.elements()
    };
    let (mut alone, mut shared) = (Workspace::default(), Workspace::default());
    let expected = step(&mut alone, &small);
    assert_eq!(step(&mut alone, &small), expected);
    assert!(step(&mut shared, &large) > 2 * expected);
    assert_eq!(step(&mut shared, &small), expected);
}

/// M-8.2, M-8.3: rows that go together, and rows that run again, give the bits of the rows one by one.
#[test]
fn plans_change_no_bit() {
    for spec in SIZES.map(spec) {
        let reference = Engine { backend: Backend::Reference, threads: 1 };
        let expected = run(&spec, reference, &mut Workspace::default(), &mut Watching);
        for engine in engines() {
            for recompute in [Recompute::Nothing, Recompute::Blocks] {
                let mut workspace = Workspace::new(recompute);
                for _ in 0..2 {
                    let found = run(&spec, engine, &mut workspace, &mut Unobserved);
                    assert_eq!(found, expected, "{engine:?} {recompute:?} {:?}", spec.model);
                    workspace.recycle(found.post);
                }
            }
        }
    }
}

/// M-8.2: every attention of the GPT is found, both ways; a plan for who sees whole outputs has every row.
#[test]
fn attentions_are_found() {
    let spec = spec(SIZES[1]);
    let program = step_program(&spec);
    let plan = Plan::new(&program, Recompute::Nothing);
    let count = |is: fn(&Work) -> bool| plan.stages.iter().filter(|stage| is(&stage.work)).count();
    assert_eq!(count(|work| matches!(work, Work::AttentionForward(_))), spec.model.layers as usize);
    assert_eq!(count(|work| matches!(work, Work::AttentionBackward(_))), spec.model.layers as usize);
    assert_eq!(Plan::traced(&program).stages.len(), program.rows.len());
}

/// M-8.2: a row that reads the probabilities keeps their attention apart.
#[test]
fn a_read_probability_is_written() {
    let mut program = step_program(&spec(SIZES[1]));
    let at = program.rows.iter().position(|row| row.kind == crate::op::Kind::Divide).expect("a softmax");
    let mut reader = program.rows[at + 1].clone();
    reader.home = Home::Trace(program.trace_leaves);
    program.trace_leaves += 1;
    program.rows.push(reader);
    let plan = Plan::new(&program, Recompute::Nothing);
    assert!(plan.stages.iter().any(|stage| stage.work == Work::Row(at)));
}
