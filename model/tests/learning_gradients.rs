//! The step program's gradients against central finite differences of plain binary64 models.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

mod support;

use retrace_model::op::Kind;
use retrace_model::program::{Program, parameter_table, step_program};
use retrace_model::{Activation, F32Bits, GptSpec, Inputs, RunSpec, Words, execute};
use support::{
    Generator, Outputs, fast, gpt_spec, gradient_rows, llama_spec, mlp_spec, numbers, plain, random_state,
    random_tokens, run_spec, scalars,
};

struct Step {
    spec: RunSpec,
    tokens: Words,
    parameters: Vec<Vec<f64>>,
    /// What each element of each dropout is multiplied by, in order of execution.
    kept: Vec<Vec<f64>>,
    loss: f64,
    gradients: Vec<Vec<f64>>,
}

/// One step on random numbers; token ids lie below `alphabet`.
fn step(spec: RunSpec, seed: u64, alphabet: u32) -> Step {
    assert_eq!(spec.check(), Ok(()));
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
    let kept = kept(&program, &outputs);
    Step { spec, tokens, parameters, kept, loss: f64::from(f32::from_bits(end.loss)), gradients }
}

/// What the forward dropouts kept: they are those whose operand is an activation or attention's probabilities.
fn kept(program: &Program, outputs: &Outputs) -> Vec<Vec<f64>> {
    let of = |at: usize, row: &retrace_model::program::Row| {
        let before = program.rows.iter().position(|r| support::writes(r, row.operands[0].leaf))?;
        let forward = [Kind::GeluErf, Kind::Divide].contains(&program.rows[before].kind);
        let ratio = |(after, before): (f64, f64)| if after == 0.0 { 0.0 } else { after / before };
        let pairs = numbers(&outputs.0[at]).into_iter().zip(numbers(&outputs.0[before]));
        forward.then(|| pairs.map(ratio).collect())
    };
    let dropouts = program.rows.iter().enumerate().filter(|(_, row)| row.kind == Kind::Dropout);
    dropouts.filter_map(|(at, row)| of(at, row)).collect()
}

impl Step {
    fn plain(&self) -> f64 {
        plain::loss(&self.spec.model, &self.parameters, &self.tokens, &self.kept)
    }

    fn difference(&mut self, tensor: usize, element: usize) -> f64 {
        const REACH: f64 = 1e-4;
        let place = self.parameters[tensor][element];
        let mut at = |offset: f64| {
            self.parameters[tensor][element] = place + offset;
            let loss = self.plain();
            self.parameters[tensor][element] = place;
            loss
        };
        (at(REACH) - at(-REACH)) / (2.0 * REACH)
    }

    fn check(&mut self, samples: u64) {
        let plain = self.plain();
        assert!((self.loss - plain).abs() <= 1e-5 * plain, "loss {} is not {plain}", self.loss);
        let table = parameter_table(&self.spec.model);
        assert_eq!(self.gradients.len(), table.len());
        let mut draw = Generator(99);
        for (tensor, shape) in table.iter().enumerate() {
            let largest = self.gradients[tensor].iter().fold(0.0f64, |most, g| most.max(g.abs()));
            assert!(largest > 0.0, "{} has no gradient", shape.name);
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

/// M-4.4, M-3.6: other activations, a head with a table of its own.
#[test]
fn gradients_of_other_gpts() {
    for (activation, tied) in
        [(Activation::GeluErf, false), (Activation::Silu, true), (Activation::Relu, false)]
    {
        let own = GptSpec { activation, norm_epsilon: F32Bits(1e-3f32.to_bits()), ..GptSpec::new(2) };
        let mut spec = gpt_spec(own, [2, 8, 6, 12, 2]);
        spec.model.tied = tied;
        step(spec, 5, 256).check(8);
    }
}

/// M-4.6: every head with keys of its own, groups of two and of three, one key for all; tied and not.
#[test]
fn gradients_of_llamas() {
    let mut spec = llama_spec([2, 12, 3, 3, 7, 20, 2]);
    step(spec, 6, 256).check(8);
    spec.model.tied = false;
    step(spec, 7, 256).check(8);
    for shape in
        [[1, 24, 6, 2, 9, 17, 2], [2, 16, 4, 2, 5, 3, 1], [1, 12, 3, 1, 8, 10, 2], [1, 2, 1, 1, 2, 1, 1]]
    {
        step(llama_spec(shape), 8, 256).check(6);
    }
    step(llama_spec([1, 8, 2, 1, 9, 16, 3]), 9, 3).check(8);
}

/// M-4.7: every activation, one hidden layer and three.
#[test]
fn gradients_of_mlps() {
    use Activation::{GeluErf, GeluTanh, Relu, Silu};
    for (activation, layers) in [(GeluTanh, 1), (GeluErf, 2), (Silu, 3), (Relu, 2)] {
        step(mlp_spec(activation, [layers, 6, 4, 10, 5]), 10, 256).check(8);
    }
    step(mlp_spec(GeluErf, [1, 5, 6, 8, 4]), 11, 3).check(8);
}

/// M-4.8: micro-batches give the gradient of the whole batch.
#[test]
fn gradients_of_micro_batches() {
    let mut specs = [
        run_spec([1, 6, 2, 5, 8, 6]),
        llama_spec([1, 12, 6, 2, 5, 8, 6]),
        mlp_spec(Activation::GeluErf, [2, 3, 4, 7, 6]),
    ];
    for spec in &mut specs {
        for accumulation in [2, 6] {
            spec.accumulation = accumulation;
            step(*spec, 12, 256).check(6);
        }
    }
}

/// M-4.8, M-4.6, M-4.7, M-3.13: what dropout zeroes has no gradient, what it keeps has its scale.
#[test]
fn gradients_with_dropout() {
    let mlp = mlp_spec(Activation::GeluErf, [2, 6, 4, 24, 8]);
    let llama = llama_spec([2, 12, 6, 2, 7, 10, 4]);
    for (mut spec, accumulation) in [(mlp, 1), (mlp, 4), (llama, 1), (llama, 2)] {
        spec.model.dropout = F32Bits(0.25f32.to_bits());
        spec.accumulation = accumulation;
        let mut step = step(spec, 13, 256);
        assert_eq!(step.kept.len(), 2 * accumulation as usize);
        // A mask's own zeros, above the diagonal, are none of dropout's.
        let causal = |at: &usize| spec.model.heads().is_none() || at % 7 <= at / 7 % 7;
        let all: Vec<f64> =
            step.kept.iter().flat_map(|t| (0..t.len()).filter(causal).map(|at| t[at])).collect();
        let dropped = all.iter().filter(|scale| **scale == 0.0).count();
        assert!((all.len() / 8..all.len() / 2).contains(&dropped), "{dropped} of {}", all.len());
        assert!(all.iter().all(|scale| *scale == 0.0 || (scale * 0.75 - 1.0).abs() < 1e-6));
        step.check(8);
    }
}
