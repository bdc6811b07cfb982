//! The golden steps on this machine: one hash, whatever the backend and the number of threads.

use retrace_model::op::Kind;
use retrace_model::program::{Range, Row, step_program};
use retrace_model::selftest::{goldens, run};
use retrace_model::{
    Backend, Engine, Inputs, Observer, StepId, StepScalars, Unobserved, Words, Workspace, assigned_tokens,
    execute, execute_in, initial_parameters, program, selftest,
};
use std::collections::BTreeSet;

/// M-4.9, M-1.5: when a definition changes on purpose, the new hash is what this test prints.
#[test]
fn every_backend_gives_the_golden_hashes() {
    let outcomes = run(2);
    assert_eq!(outcomes.len(), goldens().len() * 2 * Backend::available().len());
    for outcome in outcomes {
        assert_eq!(outcome.hash, outcome.expected, "{} {:?}", outcome.golden, outcome.engine);
        assert!(outcome.is_golden());
    }
}

/// M-6.1, M-4.9: golden runs are runs, and together they show every architecture and optimizer.
#[test]
fn golden_runs_are_runs() {
    let runs = goldens();
    assert!(runs.iter().all(|golden| golden.spec.check() == Ok(())));
    assert_eq!(runs.map(|golden| golden.name), ["mlp", "gpt", "llama", "wide", "long"]);
}

/// How a product's operands lie: both as they are, or one of the two transposed.
fn form(row: &Row) -> Option<&'static str> {
    let [a, b] = row.operands.as_slice() else { return None };
    match (a.term_stride == 1, b.strides[3] == 1) {
        (true, true) => Some("NN"),
        (true, false) => Some("NT"),
        (false, true) => Some("TN"),
        (false, false) => None,
    }
}

/// M-4.9: each form of a product, and each causal one, has its second block of terms and of columns, where it has
/// several strips of rows too: an engine that goes wrong there shows.
#[test]
fn golden_runs_reach_beyond_a_block() {
    const TERMS: u32 = 256;
    const COLUMNS: u32 = 512;
    const ROWS: u32 = 14;
    let mut reached = BTreeSet::new();
    for row in goldens().iter().flat_map(|golden| step_program(&golden.spec).rows) {
        let [_, outer, inner, columns] = row.shape;
        if row.kind != Kind::MatMul || outer.max(inner) <= ROWS {
            continue;
        }
        let many = [row.terms > TERMS, columns > COLUMNS];
        match row.range {
            _ if row.masked && many[1] => reached.insert("masked"),
            Range::UpTo(_) if many[0] => reached.insert("up to"),
            Range::From(_) if many[0] => reached.insert("from"),
            Range::Full if many == [true; 2] => form(&row).is_some_and(|form| reached.insert(form)),
            _ => false,
        };
    }
    assert_eq!(reached, BTreeSet::from(["NN", "NT", "TN", "masked", "up to", "from"]));
}

/// A backend's name fills the column that it is printed in.
#[test]
fn names_of_backends_keep_to_their_column() {
    assert_eq!(
        format!("{:<10}|{:>10}|{}", Backend::Avx2, Backend::Portable, Backend::Neon),
        "avx2      |  portable|neon"
    );
}

struct Finite(usize);
impl Observer for Finite {
    fn output(&mut self, at: usize, row: &Row, words: &mut Words) {
        assert!(words.iter().all(|word| f32::from_bits(*word).is_finite()), "row {at}: {row:?}");
        self.0 += 1;
    }
}

/// M-4.9: nothing in a golden run overflows, so that a difference anywhere shows to the end.
#[test]
fn golden_runs_stay_finite() {
    for golden in goldens() {
        let mut finite = Finite(0);
        golden.run(&Engine { backend: Backend::best(), threads: 1 }, &mut finite);
        assert_eq!(finite.0, 2 * step_program(&golden.spec).rows.len());
    }
}

/// M-4.1: a run in a workspace that other programs used gives what a fresh one gives.
#[test]
fn a_used_workspace_changes_nothing() {
    let mut spec = selftest::golden_spec();
    let engine = Engine { backend: Backend::best(), threads: 1 };
    let mut workspace = Workspace::default();
    for batch in [3, 2, 3] {
        spec.batch = batch;
        let at = StepId { round: 0, slot: 0, step: 1 };
        let shard: Vec<u8> = (0..1000u32).map(|i| ((i * i) >> 2) as u8).collect();
        let tokens = assigned_tokens(&spec, &[3; 32], at, &[shard]).expect("the shard is long enough");
        let parameters = initial_parameters(&spec);
        let state = program::first_state(&spec, &parameters);
        let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
        let scalars = StepScalars::new(&spec, at);
        for program in [program::step_program(&spec), program::evaluation_program(&spec, batch)] {
            let fresh = execute(&program, inputs, &scalars, &engine, &mut Unobserved);
            let again = execute_in(&mut workspace, &program, inputs, &scalars, &engine, &mut Unobserved);
            assert_eq!(fresh, again);
        }
    }
}
