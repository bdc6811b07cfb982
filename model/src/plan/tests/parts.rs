//! Outputs in parts against the rows one by one.

use super::{engines, run, spec};
use crate::plan::{Plan, Recompute, Work};
use crate::program::{Row, first_state, step_program};
use crate::{
    Backend, Engine, Inputs, Observer, PART_UNIT, Parts, RunSpec, StepId, StepScalars, Unobserved, Words,
    Workspace, advance_in, initial_parameters,
};
use std::sync::Mutex;

/// Keeps every output, put together from its parts.
struct Gathered {
    rows: Vec<Mutex<(Words, Vec<bool>)>>,
}

impl Gathered {
    fn new(spec: &RunSpec) -> Gathered {
        let lengths = step_program(spec).rows.into_iter().map(|row| row.elements() as usize);
        let rows = lengths.map(|length| Mutex::new((vec![0; length], vec![false; length])));
        Gathered { rows: rows.collect() }
    }

    fn outputs(self) -> Vec<Words> {
        let whole = |row: Mutex<(Words, Vec<bool>)>| {
            let (words, seen) = row.into_inner().expect("no part failed");
            assert!(seen.iter().all(|seen| *seen), "an element was not shown");
            words
        };
        self.rows.into_iter().map(whole).collect()
    }
}

impl Parts for Gathered {
    fn part(&self, at: usize, first: usize, words: &[u32]) {
        let mut row = self.rows[at].lock().expect("no part failed");
        let end = first + words.len();
        assert!(first.is_multiple_of(PART_UNIT) && (end.is_multiple_of(PART_UNIT) || end == row.0.len()));
        assert!(row.1[first..end].iter().all(|seen| !seen), "row {at}: an element was shown twice");
        row.0[first..end].copy_from_slice(words);
        row.1[first..end].fill(true);
    }
}

impl Observer for Gathered {
    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }
}

/// Keeps every output.
#[derive(Default)]
struct Kept(Vec<Words>);

impl Observer for Kept {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.0.push(words.clone());
    }
}

/// Context, width, heads, layers, batch: heads that are whole parts and heads that are not, sheets that are full, and
/// one that ends with its head; outputs of no width that a part divides.
const SIZES: [[u32; 5]; 7] = [
    [16, 16, 1, 1, 1],
    [19, 36, 3, 2, 3],
    [48, 36, 3, 1, 2],
    [64, 66, 2, 2, 5],
    [256, 64, 1, 1, 1],
    [272, 30, 2, 1, 1],
    [300, 66, 2, 1, 1],
];

/// M-8.5: every element of every row is shown once, in whole parts, and with the bits of its definition.
#[test]
fn parts_are_the_rows_of_the_definition() {
    for spec in SIZES.map(spec) {
        let reference = Engine { backend: Backend::Reference, threads: 1 };
        let mut kept = Kept::default();
        let expected = run(&spec, reference, &mut Workspace::default(), &mut kept);
        for engine in engines() {
            let mut workspace = Workspace::default();
            for _ in 0..2 {
                let mut gathered = Gathered::new(&spec);
                let found = run(&spec, engine, &mut workspace, &mut gathered);
                assert!(found == expected, "{engine:?} {:?}", spec.model);
                assert!(gathered.outputs() == kept.0, "{engine:?} {:?}", spec.model);
                workspace.recycle(found.post);
            }
        }
    }
}

/// M-8.4, M-8.5: so they are where the state takes the place of the one before, among runs that show nothing or all.
#[test]
fn parts_of_updates_in_place() {
    let spec = spec([32, 130, 2, 1, 2]);
    let program = step_program(&spec);
    let tokens: Words = (0..spec.batch * (spec.model.context + 1)).map(|i| i * i % 251).collect();
    let mut states = vec![(first_state(&spec, &initial_parameters(&spec)), Vec::new())];
    let step =
        |state: &mut Vec<Words>, workspace: &mut Workspace, at, engine, observer: &mut dyn Observer| {
            let inputs = Inputs { tokens: &tokens, ..Inputs::default() };
            let scalars = StepScalars::new(&spec, StepId { round: 0, slot: 0, step: at });
            advance_in(workspace, &program, state, inputs, &scalars, &engine, observer);
        };
    for at in 0..3 {
        let (mut state, mut kept) = (states[at].0.clone(), Kept::default());
        let reference = Engine { backend: Backend::Reference, threads: 1 };
        step(&mut state, &mut Workspace::default(), at as u32, reference, &mut kept);
        states.push((state, kept.0));
    }
    for engine in engines() {
        let mut workspace = Workspace::new(Recompute::Blocks);
        let mut state = states[0].0.clone();
        for at in 0..3u32 {
            let mut gathered = Gathered::new(&spec);
            let (before, after) = (state.clone(), &states[at as usize + 1]);
            step(&mut state, &mut workspace, at, engine, &mut gathered);
            assert!(state == after.0 && gathered.outputs() == after.1, "{engine:?}");
            let observer: &mut dyn Observer = if at == 1 { &mut Unobserved } else { &mut Kept::default() };
            state = before;
            step(&mut state, &mut workspace, at, engine, observer);
            assert!(state == after.0, "{engine:?}");
        }
    }
}

/// M-8.5: attentions whose heads are whole parts go together, others row by row; no more memory is taken than by whole
/// rows.
#[test]
fn attentions_in_parts() {
    let fused = |size| {
        let plan = Plan::in_parts(&step_program(&spec(size)));
        let count = |is: fn(&Work) -> bool| plan.stages.iter().filter(|stage| is(&stage.work)).count();
        [
            count(|work| matches!(work, Work::AttentionForward(_))),
            count(|work| matches!(work, Work::AttentionBackward(_))),
        ]
    };
    assert_eq!(fused(SIZES[3]), [2, 2]);
    assert_eq!(fused(SIZES[1]), [0, 0]);
    for size in SIZES {
        let program = step_program(&spec(size));
        assert!(Plan::in_parts(&program).peak_bytes() <= Plan::traced(&program).peak_bytes(), "{size:?}");
    }
}
