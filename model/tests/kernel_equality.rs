//! Every backend against the reference, bit for bit, on drawn rows of every kind and on whole steps.

mod support;

use retrace_model::op::{KINDS, Kind};
use retrace_model::program::{Home, Range, Row, step_program};
use retrace_model::{Activation, Engine, F32Bits, Inputs, RunSpec, execute};
use support::rows::{Case, Size, case};
use support::{
    Generator, Outputs, REFERENCE, engines, llama_spec, mlp_spec, random_state, random_tokens, run_row,
    run_spec, scalars, view,
};

fn assert_equal(kind: Kind, seed: u64, case: &Case) {
    let expected = run_row(&case.row, &case.leaves, &REFERENCE);
    for engine in engines() {
        let found = run_row(&case.row, &case.leaves, &engine);
        if let Some(at) = (0..expected.len()).find(|at| found[*at] != expected[*at]) {
            let (index, row) = (case.row.index(at as u64), &case.row);
            let [found, expected] = [found[at], expected[at]];
            panic!("{kind:?} seed {seed} {engine:?} {index:?}: {found:08x} is not {expected:08x}\n{row:#?}");
        }
    }
}

fn check(kind: Kind, size: Size, cases: u64) {
    for seed in 0..cases {
        let mut draw = Generator(seed << 8 | kind as u64);
        assert_equal(kind, seed, &case(kind, size, &mut draw));
    }
}

/// M-3.1, M-3.2, M-3.3, M-3.4, M-4.2, M-1.3: odd shapes, any view, ranges, masks, special values, ids that name
/// nothing.
#[test]
fn small_rows_of_every_kind() {
    for kind in KINDS {
        check(kind, Size::Small, if kind == Kind::MatMul { 400 } else { 120 });
    }
}

/// M-3.3, M-3.4, M-3.7: chains longer than one block, the causal ones too.
#[test]
fn long_chains() {
    for kind in [Kind::MatMul, Kind::ColumnSum, Kind::ColumnDot, Kind::RowDot] {
        check(kind, Size::Long, if kind == Kind::MatMul { 60 } else { 8 });
    }
}

/// M-3.1, M-3.3, M-3.4: rows that two threads share.
#[test]
fn large_rows_of_every_kind() {
    for kind in KINDS {
        check(kind, Size::Large, if kind == Kind::MatMul { 8 } else { 2 });
    }
}

/// A product of an m x k and a k x n matrix that starts at an m x n one, each of the two as it is or transposed.
fn product([m, k, n]: [u32; 3], [a_turned, b_turned]: [bool; 2], range: Range) -> Row {
    let [rows, terms, columns] = [m, k, n].map(u64::from);
    let (a_row, a_term) = if a_turned { (1, rows) } else { (terms, 1) };
    let (b_term, b_column) = if b_turned { (1, terms) } else { (columns, 1) };
    let a = view(0, rows * terms, [0, 0, a_row, 0], a_term);
    let b = view(1, terms * columns, [0, 0, 0, b_column], b_term);
    let start = Some(view(2, rows * columns, [0, 0, columns, 1], 0));
    let (kind, operands, home) = (Kind::MatMul, vec![a, b], Home::Trace(0));
    Row { kind, shape: [1, 1, m, n], terms: k, range, masked: false, start, operands, scalars: vec![], home }
}

/// M-3.3, M-8.2: widths as models have them, that no drawn row reaches: more than one block of columns and of terms,
/// rows of an operand that lie a whole block apart, operands of many panels as they are and transposed.
#[test]
fn products_as_wide_as_models() {
    let shapes =
        [[40, 512, 600], [3, 512, 1100], [40, 300, 257], [1, 1, 1025], [40, 1024, 33], [17, 513, 530]];
    let turns = [[false, false], [false, true], [true, false], [true, true]];
    for (seed, shape) in (0..).zip(shapes) {
        let [m, k, n] = shape.map(|extent| extent as usize);
        let mut draw = Generator(seed);
        let leaves: Vec<_> = [m * k, k * n, m * n].map(|count| draw.words(count)).into();
        for turned in turns {
            for range in [Range::Full, Range::UpTo(2), Range::From(2)] {
                let case = Case { row: product(shape, turned, range), leaves: leaves.clone() };
                assert_equal(Kind::MatMul, seed, &case);
            }
        }
    }
}

/// M-3.3, M-3.7: causal products whose last strip has any number of rows, and ranges that begin or end inside one.
#[test]
fn causal_products_of_every_height() {
    for n in (1..=33).chain([57, 100]) {
        let mut draw = Generator(u64::from(n));
        let side = n as usize;
        let leaves: Vec<_> = [side * side, side * 35, side * 35].map(|count| draw.words(count)).into();
        for turned in [[false, false], [true, false]] {
            for range in [Range::UpTo(2), Range::From(2)] {
                let case = Case { row: product([n, n, 35], turned, range), leaves: leaves.clone() };
                assert_equal(Kind::MatMul, u64::from(n), &case);
            }
        }
    }
}

fn outputs(spec: &RunSpec, engine: &Engine) -> Outputs {
    let mut draw = Generator(3);
    let (state, tokens) = (random_state(spec, &mut draw), random_tokens(spec, &mut draw));
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let mut outputs = Outputs::default();
    execute(&step_program(spec), inputs, &scalars(spec, 0, 1), engine, &mut outputs);
    outputs
}

fn assert_steps_equal(spec: &RunSpec) {
    assert_eq!(spec.check(), Ok(()));
    let expected = outputs(spec, &REFERENCE);
    let program = step_program(spec);
    for engine in engines() {
        let found = outputs(spec, &engine);
        for (at, (found, expected)) in found.0.iter().zip(&expected.0).enumerate() {
            assert_eq!(found, expected, "{engine:?} row {at}: {:?}", program.rows[at]);
        }
    }
}

/// M-4.4: every output of whole steps, at sizes that no tile divides.
#[test]
fn whole_steps() {
    let sizes = [[2, 36, 3, 19, 70, 3], [1, 16, 1, 2, 16, 1], [1, 33, 3, 17, 50, 1], [2, 15, 5, 9, 64, 2]];
    sizes.map(run_spec).iter().for_each(assert_steps_equal);
}

/// M-3.7, M-4.4: attentions over contexts about a strip, a panel and a block of queries, with heads of one lane and
/// of many.
#[test]
fn attentions_of_any_size() {
    for context in [2, 13, 14, 15, 31, 32, 33, 56, 57, 100] {
        assert_steps_equal(&run_spec([1, 4, 4, context, 5, 1]));
    }
    assert_steps_equal(&run_spec([1, 64, 1, 100, 5, 1]));
    assert_steps_equal(&run_spec([1, 66, 2, 57, 5, 1]));
}

/// M-4.6, M-4.8: the same of Llamas, with dropout and without: shared keys and values, a width of one pair,
/// every head with keys of its own.
#[test]
fn whole_steps_of_llamas() {
    let sizes =
        [[2, 36, 6, 2, 19, 70, 3], [1, 2, 1, 1, 2, 1, 1], [1, 34, 17, 1, 17, 50, 1], [2, 18, 3, 3, 9, 64, 2]];
    for (spec, tied) in sizes.map(llama_spec).iter_mut().zip([true, false, true, false]) {
        spec.model.tied = tied;
        assert_steps_equal(spec);
        spec.model.dropout = F32Bits(0.2f32.to_bits());
        assert_steps_equal(spec);
    }
}

/// M-4.7, M-4.8: the same of MLPs, with every activation, dropout and micro-batches.
#[test]
fn whole_steps_of_mlps() {
    use Activation::{GeluErf, GeluTanh, Relu, Silu};
    let sizes = [
        (Relu, [2, 11, 7, 37, 6]),
        (Silu, [1, 1, 2, 1, 1]),
        (GeluErf, [3, 16, 3, 33, 9]),
        (GeluTanh, [1, 5, 4, 70, 15]),
    ];
    for ((activation, shape), accumulation) in sizes.into_iter().zip([2, 1, 3, 5]) {
        let mut spec = mlp_spec(activation, shape);
        spec.accumulation = accumulation;
        spec.model.dropout = F32Bits(0.3f32.to_bits());
        assert_steps_equal(&spec);
    }
}
