//! Gradient accumulation: micro-batches whose chains continue one another (M-4.8).

mod support;

use retrace_model::program::{Home, parameter_table, step_program};
use retrace_model::{Inputs, OptimizerSpec, Outputs, RunSpec, SgdSpec};
use support::{Generator, random_state, random_tokens, run, run_spec, scalars};

/// Four sequences of a small GPT.
fn small(tied: bool) -> RunSpec {
    let mut spec = run_spec([2, 12, 3, 5, 20, 4]);
    spec.model.tied = tied;
    spec
}

fn step(spec: &RunSpec) -> Outputs {
    let mut draw = Generator(21);
    let (state, tokens) = (random_state(spec, &mut draw), random_tokens(spec, &mut draw));
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    run(&step_program(spec), inputs, &scalars(spec, 1, 2))
}

/// M-4.8: a head of its own, no dropout: the number of micro-batches is no part of the result, to the last bit.
#[test]
fn micro_batches_change_no_bit() {
    let sgd = SgdSpec {
        momentum: retrace_model::F32Bits(0.9f32.to_bits()),
        weight_decay: retrace_model::F32Bits(0.1f32.to_bits()),
        clip_norm: retrace_model::F32Bits(0.5f32.to_bits()),
    };
    for optimizer in [small(false).optimizer, OptimizerSpec::Sgd(sgd)] {
        let whole = RunSpec { optimizer, ..small(false) };
        assert_eq!(whole.check(), Ok(()));
        let expected = step(&whole);
        assert_ne!(expected.loss, 0);
        for accumulation in [2, 4] {
            let found = step(&RunSpec { accumulation, ..whole });
            assert!(found == expected, "accumulation {accumulation}");
        }
    }
}

/// M-4.8: a tied table's chain takes turns between scatter and head, so only what feeds it stays what it was.
#[test]
fn a_tied_table_keeps_the_loss() {
    let whole = small(true);
    let halves = RunSpec { accumulation: 2, ..whole };
    let (expected, found) = (step(&whole), step(&halves));
    assert_eq!((found.loss, found.batch), (expected.loss, expected.batch));
    let first_moment = parameter_table(&whole.model).len();
    assert!(found.post[first_moment] != expected.post[first_moment]);
}

/// M-4.8, M-4.3: forward and backward once a micro-batch, loss, clipping and optimizer once a step.
#[test]
fn only_the_passes_repeat() {
    let rows = |accumulation| step_program(&RunSpec { accumulation, ..small(false) }).rows;
    let (one, four) = (rows(1), rows(4));
    let posts = |rows: &[retrace_model::program::Row]| {
        rows.iter().filter(|row| matches!(row.home, Home::Post(_) | Home::Loss | Home::Batch)).count()
    };
    assert_eq!(posts(&one), posts(&four));
    // Clipping has a row sum, a sum of those and, but for the first, an addition a tensor, then the scale.
    let tensors = parameter_table(&small(false).model).len();
    let after = 3 * tensors + 3 * tensors;
    // The scatter has a row a sequence, whatever the number of passes.
    let passes = |rows: usize| rows - after - 2 - 4;
    assert_eq!(passes(four.len()), 4 * passes(one.len()));
    for (at, row) in four.iter().enumerate() {
        assert_eq!(row.check(), Ok(()), "row {at}");
    }
}
