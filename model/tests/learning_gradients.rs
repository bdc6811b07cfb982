//! The step program's gradients against central finite differences of a plain binary64 GPT.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

mod support;

use retrace_model::program::{parameter_table, step_program};
use retrace_model::{Inputs, RunSpec, Words, execute};
use support::{
    Generator, Outputs, fast, gradient_rows, numbers, plain, random_state, random_tokens, run_spec, scalars,
};

struct Step {
    spec: RunSpec,
    tokens: Words,
    parameters: Vec<Vec<f64>>,
    loss: f64,
    gradients: Vec<Vec<f64>>,
}

/// One step on random numbers; token ids lie below `alphabet`.
fn step(spec: RunSpec, seed: u64, alphabet: u32) -> Step {
    let mut draw = Generator(seed);
    let state = random_state(&spec, &mut draw);
    let tokens: Words = random_tokens(&spec, &mut draw).iter().map(|id| id % alphabet).collect();
    let program = step_program(&spec);
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let mut outputs = Outputs::default();
    let end = execute(&program, inputs, &scalars(&spec, 0, 0), &fast(), &mut outputs);
    assert_eq!(end.batch, tokens);
    let gradients = gradient_rows(&program).into_iter().map(|at| numbers(&outputs.0[at])).collect();
    let parameters = state[..parameter_table(&spec.model).len()].iter().map(|w| numbers(w)).collect();
    Step { spec, tokens, parameters, loss: f64::from(f32::from_bits(end.loss)), gradients }
}

impl Step {
    fn difference(&mut self, tensor: usize, element: usize) -> f64 {
        const REACH: f64 = 1e-4;
        let place = self.parameters[tensor][element];
        let mut at = |offset: f64| {
            self.parameters[tensor][element] = place + offset;
            let loss = plain::loss(&self.spec.model, &self.parameters, &self.tokens);
            self.parameters[tensor][element] = place;
            loss
        };
        (at(REACH) - at(-REACH)) / (2.0 * REACH)
    }

    fn check(&mut self, samples: u64) {
        let plain = plain::loss(&self.spec.model, &self.parameters, &self.tokens);
        assert!((self.loss - plain).abs() <= 1e-5 * plain, "loss {} is not {plain}", self.loss);
        let table = parameter_table(&self.spec.model);
        assert_eq!(self.gradients.len(), table.len());
        let mut draw = Generator(99);
        for (tensor, shape) in table.iter().enumerate() {
            let largest = self.gradients[tensor].iter().fold(0.0f64, |most, g| most.max(g.abs()));
            for sample in 0..samples {
                let mut element = draw.below(shape.elements()) as usize;
                if tensor == 0 && sample % 2 == 0 {
                    // Rows of tokens that occur, so that the scatter counts too.
                    let width = u64::from(shape.columns);
                    let token = self.tokens[sample as usize % self.tokens.len()];
                    element = (u64::from(token) * width + draw.below(width)) as usize;
                }
                let (found, expected) = (self.gradients[tensor][element], self.difference(tensor, element));
                let allowed = 1e-3 * expected.abs() + 1e-4 * largest + 1e-7;
                let name = &shape.name;
                assert!((found - expected).abs() <= allowed, "{name}[{element}]: {found} is not {expected}");
            }
        }
    }
}

/// M-4.4, M-3.5, M-3.6, M-3.7, M-3.8, M-3.10: the gradient of every parameter tensor.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    step(run_spec([2, 12, 3, 7, 20, 2]), 1, 256).check(12);
}

/// M-4.4: one head, one sequence, the shortest context; a head of width one.
#[test]
fn gradients_of_degenerate_shapes() {
    step(run_spec([1, 5, 1, 2, 3, 1]), 2, 256).check(6);
    step(run_spec([1, 3, 3, 5, 1, 3]), 3, 256).check(6);
}

/// M-4.4: repeated tokens, so that one embedding row collects many gradients.
#[test]
fn gradients_with_repeated_tokens() {
    step(run_spec([1, 8, 2, 9, 16, 3]), 4, 3).check(8);
}
