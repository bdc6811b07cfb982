//! Dropout in programs: where it stands, that backward drops what forward dropped, and that it is the step's own.

mod support;

use retrace_model::op::Kind;
use retrace_model::program::{Row, Scalar, evaluation_program, step_program};
use retrace_model::{F32Bits, Inputs, RunSpec, StepId, StepScalars, Words, execute};
use std::collections::BTreeMap;
use support::{
    Generator, Outputs, fast, gradient_rows, numbers, random_state, random_tokens, run, run_spec, scalars,
};

fn spec(share: f32) -> RunSpec {
    let mut spec = run_spec([2, 12, 3, 7, 20, 4]);
    spec.model.dropout = F32Bits(share.to_bits());
    spec
}

fn drops(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|row| row.kind == Kind::Dropout).collect()
}

/// M-4.8: GPT-2's places, each a site that occurs once forward and once backward, in one shape, in every micro-batch.
#[test]
fn a_site_drops_twice() {
    for accumulation in [1, 2] {
        let program = step_program(&RunSpec { accumulation, ..spec(0.25) });
        let mut sites: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
        for row in drops(&program.rows) {
            assert_eq!(row.check(), Ok(()));
            let [Scalar::DropoutKeyLow, Scalar::DropoutKeyHigh, Scalar::Bits(site), threshold, scale] =
                row.scalars[..]
            else {
                panic!("{:?}", row.scalars)
            };
            let scale_bits = (1.0f32 / 0.75).to_bits();
            assert_eq!([threshold, scale], [Scalar::Bits(3 << 30), Scalar::Bits(scale_bits)]);
            sites.entry(site).or_default().push(row);
        }
        // The embeddings' sum, and in each of two blocks the probabilities and both projections.
        assert_eq!(sites.len() as u32, accumulation * (1 + 2 * 3));
        assert_eq!(sites.keys().copied().collect::<Vec<_>>(), (0..sites.len() as u32).collect::<Vec<_>>());
        for rows in sites.values() {
            let [forward, backward] = rows[..] else { panic!("{} rows of a site", rows.len()) };
            assert_eq!((forward.shape, forward.masked), (backward.shape, backward.masked));
            assert_ne!(forward.operands, backward.operands);
        }
    }
}

/// M-4.8: a run without dropout has no row of it, and neither has an evaluation.
#[test]
fn none_where_there_is_none() {
    assert!(drops(&step_program(&spec(0.0)).rows).is_empty());
    let (with, without) = (evaluation_program(&spec(0.25), 2), evaluation_program(&spec(0.0), 2));
    assert_eq!(with, without);
    assert!(!drops(&step_program(&spec(f32::from_bits(1))).rows).is_empty());
}

/// M-5.2: run, round, slot and step each make another key; only the dropped share is the run's.
#[test]
fn every_step_drops_its_own() {
    let at = |round, slot, step| StepId { round, slot, step };
    let key = |spec: &RunSpec, at| StepScalars::new(spec, at).dropout_keys;
    let mut keys = vec![key(&spec(0.1), at(0, 0, 0))];
    keys.extend([at(1, 0, 0), at(0, 1, 0), at(0, 0, 1)].map(|at| key(&spec(0.1), at)));
    keys.push(key(&RunSpec { seed: [8; 32], ..spec(0.1) }, at(0, 0, 0)));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    assert_eq!(key(&spec(0.1), at(3, 2, 1)), key(&spec(0.2), at(3, 2, 1)));
}

/// The step's loss, and its gradients in table order.
fn step(spec: &RunSpec, state: &[Words], tokens: &[u32]) -> (f64, Vec<Vec<f64>>) {
    let program = step_program(spec);
    let mut outputs = Outputs::default();
    let inputs = Inputs { pre: state, tokens, ..Inputs::default() };
    let end = execute(&program, inputs, &scalars(spec, 0, 1), &fast(), &mut outputs);
    let gradients = gradient_rows(&program).iter().map(|at| numbers(&outputs.0[*at])).collect();
    (f64::from(f32::from_bits(end.loss)), gradients)
}

/// M-4.8: what is dropped is a function of the place alone, so the loss with dropout has a slope, and the gradients
/// are that slope.
#[test]
fn gradients_are_those_of_the_dropped_model() {
    for accumulation in [1, 2] {
        let spec = RunSpec { accumulation, ..spec(0.3) };
        let mut draw = Generator(31);
        let (mut state, tokens) = (random_state(&spec, &mut draw), random_tokens(&spec, &mut draw));
        let (_, gradients) = step(&spec, &state, &tokens);
        for (tensor, gradient) in gradients.iter().enumerate() {
            let steepest =
                (0..gradient.len()).max_by(|i, j| gradient[*i].abs().total_cmp(&gradient[*j].abs()));
            let element = steepest.expect("an element");
            let place = f32::from_bits(state[tensor][element]);
            let mut at = |offset: f32| {
                state[tensor][element] = (place + offset).to_bits();
                let loss = step(&spec, &state, &tokens).0;
                state[tensor][element] = place.to_bits();
                loss
            };
            let difference = (at(0.01) - at(-0.01)) / 0.02;
            let (found, allowed) = (gradient[element], 0.02 * difference.abs() + 2e-4);
            assert!((found - difference).abs() <= allowed, "tensor {tensor}: {found} is not {difference}");
        }
    }
}

/// M-3.13, M-5.2: about a quarter is dropped, what is kept is scaled, and the rest of the run is as without.
#[test]
fn a_quarter_is_dropped() {
    let spec = spec(0.25);
    let mut draw = Generator(32);
    let (state, tokens) = (random_state(&spec, &mut draw), random_tokens(&spec, &mut draw));
    let program = step_program(&spec);
    let mut outputs = Outputs::default();
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let dropped = execute(&program, inputs, &scalars(&spec, 0, 1), &fast(), &mut outputs);
    let at = program.rows.iter().position(|row| row.kind == Kind::Dropout).expect("a row");
    let (before, after) = (numbers(&outputs.0[at - 1]), numbers(&outputs.0[at]));
    let gone = after.iter().filter(|x| **x == 0.0).count() as f64 / after.len() as f64;
    assert!((gone - 0.25).abs() < 0.06, "{gone}");
    let kept = before.iter().zip(&after).filter(|(_, y)| **y != 0.0);
    assert!(kept.into_iter().all(|(x, y)| (y * 0.75 - x).abs() <= 1e-6 * x.abs()));
    let other = run(&program, inputs, &scalars(&spec, 0, 2));
    assert_ne!(other.loss, dropped.loss, "another step drops others");
}
