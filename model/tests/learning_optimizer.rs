//! Clipping, AdamW, schedule, delta, mean loss and merge against plain binary64 formulas.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

mod support;

use retrace_model::op::Kind;
use retrace_model::program::{
    delta_program, evaluation_program, loss_program, merge_program, parameter_table, step_program,
};
use retrace_model::{
    AdamWSpec, Decay, F32Bits, Inputs, OptimizerSpec, RunSpec, SgdSpec, StepScalars, Words, execute,
};
use support::{Generator, Outputs, fast, gradient_rows, numbers, random_state, random_tokens, run, run_spec};

fn small() -> RunSpec {
    run_spec([1, 6, 2, 4, 9, 2])
}

fn number(x: F32Bits) -> f64 {
    f64::from(f32::from_bits(x.0))
}

fn adamw(spec: &RunSpec) -> AdamWSpec {
    let OptimizerSpec::AdamW(adamw) = spec.optimizer else { panic!("AdamW, by default") };
    adamw
}

fn bits(x: f32) -> F32Bits {
    F32Bits(x.to_bits())
}

fn assert_near(found: f64, expected: f64, scale: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-6 * scale.abs() + 1e-12, "{what}: {found} is not {expected}");
}

/// The learning rate by its formula.
fn rate(spec: &RunSpec, round: u32, step: u32) -> f64 {
    let warm = (f64::from(step + 1) / f64::from(spec.schedule.warmup_steps)).min(1.0);
    let total = f64::from(spec.rounds) * f64::from(spec.steps);
    let done = f64::from(round) * f64::from(spec.steps) + f64::from(step);
    let decayed = match spec.schedule.decay {
        Decay::Constant => 1.0,
        Decay::Cosine { floor } => {
            let wave = 0.5 * (1.0 + (std::f64::consts::PI * done / total).cos());
            number(floor) + (1.0 - number(floor)) * wave
        }
        Decay::Linear { floor } => number(floor) + (1.0 - number(floor)) * (1.0 - done / total),
    };
    number(spec.schedule.peak) * warm * decayed
}

/// M-5.2: warm-up inside every segment, cosine over the run, corrections from t = step + 1.
#[test]
fn schedule_follows_its_formula() {
    let mut spec = small();
    spec.steps = 9;
    spec.schedule.warmup_steps = 4;
    let [tenth, zero] = [bits(0.1), bits(0.0)];
    let cosines = [Decay::Cosine { floor: tenth }, Decay::Cosine { floor: zero }];
    let lines = [Decay::Linear { floor: tenth }, Decay::Linear { floor: zero }];
    for decay in cosines.into_iter().chain(lines).chain([Decay::Constant]) {
        spec.schedule.decay = decay;
        for (round, step) in (0..spec.rounds).flat_map(|r| (0..spec.steps).map(move |s| (r, s))) {
            let scalars = support::scalars(&spec, round, step);
            let expected = rate(&spec, round, step);
            assert_near(number(F32Bits(scalars.learning_rate)), expected, expected, "learning rate");
            let corrections = [scalars.first_correction, scalars.second_correction];
            for (found, beta) in corrections.into_iter().zip([adamw(&spec).beta1, adamw(&spec).beta2]) {
                let expected = 1.0 / (1.0 - number(beta).powi(step as i32 + 1));
                assert_near(number(F32Bits(found)), expected, expected, "correction");
            }
        }
    }
}

/// One step; its state before and after, its clipped gradients by the formula.
fn clipped_step(spec: &RunSpec, scalars: &StepScalars) -> (Vec<Words>, Vec<Words>, Vec<Vec<f64>>) {
    let mut draw = Generator(5);
    let (state, tokens) = (random_state(spec, &mut draw), random_tokens(spec, &mut draw));
    let program = step_program(spec);
    let mut outputs = Outputs::default();
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let end = execute(&program, inputs, scalars, &fast(), &mut outputs);
    let gradients: Vec<Vec<f64>> =
        gradient_rows(&program).iter().map(|at| numbers(&outputs.0[*at])).collect();
    let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
    let bound = number(spec.optimizer.clip_norm());
    let scale = if norm > bound { bound / norm } else { 1.0 };
    let clip = program.rows.iter().position(|r| r.kind == Kind::ClipScale).expect("a clip row");
    assert_near(numbers(&outputs.0[clip])[0], scale, scale, "clip scale");
    let clipped = gradients.iter().map(|g| g.iter().map(|x| x * scale).collect()).collect();
    (state, end.post, clipped)
}

/// M-3.9, M-5.1: with clipping at work and without.
#[test]
fn adamw_follows_its_formula() {
    for clip in [0.05, 1e6] {
        let mut spec = small();
        spec.optimizer = OptimizerSpec::AdamW(AdamWSpec { clip_norm: bits(clip), ..adamw(&spec) });
        let scalars = support::scalars(&spec, 1, 2);
        let (before, after, gradients) = clipped_step(&spec, &scalars);
        let table = parameter_table(&spec.model);
        let [b1, b2] = [adamw(&spec).beta1, adamw(&spec).beta2].map(number);
        let (rate, epsilon) = (rate(&spec, 1, 2), number(adamw(&spec).epsilon));
        for (at, shape) in table.iter().enumerate() {
            let [p, m, v] = [0, 1, 2].map(|part| numbers(&before[part * table.len() + at]));
            let [p2, m2, v2] = [0, 1, 2].map(|part| numbers(&after[part * table.len() + at]));
            let decay = if shape.is_matrix { number(adamw(&spec).weight_decay) } else { 0.0 };
            for (j, g) in gradients[at].iter().enumerate() {
                let first = b1 * m[j] + (1.0 - b1) * g;
                let second = b2 * v[j] + (1.0 - b2) * g * g;
                let update = first / (1.0 - b1.powi(3)) / ((second / (1.0 - b2.powi(3))).sqrt() + epsilon);
                let parameter = p[j] - rate * (update + decay * p[j]);
                let name = &shape.name;
                assert_near(m2[j], first, m[j].abs() + g.abs(), name);
                assert_near(v2[j], second, second, name);
                assert_near(p2[j], parameter, p[j].abs() + rate * update.abs(), name);
            }
        }
    }
}

/// M-5.4, M-3.9: momentum of what was clipped, decay for matrices alone; no third tensor a parameter.
#[test]
fn sgd_follows_its_formula() {
    for clip in [0.05, 1e6] {
        let sgd = SgdSpec { momentum: bits(0.8), weight_decay: bits(0.2), clip_norm: bits(clip) };
        let spec = RunSpec { optimizer: OptimizerSpec::Sgd(sgd), ..small() };
        assert_eq!(spec.check(), Ok(()));
        let scalars = support::scalars(&spec, 1, 2);
        assert_eq!([scalars.first_correction, scalars.second_correction], [0; 2]);
        let (before, after, gradients) = clipped_step(&spec, &scalars);
        let table = parameter_table(&spec.model);
        assert_eq!(after.len(), 2 * table.len());
        let rate = rate(&spec, 1, 2);
        for (at, shape) in table.iter().enumerate() {
            let [p, u] = [0, 1].map(|part| numbers(&before[part * table.len() + at]));
            let [p2, u2] = [0, 1].map(|part| numbers(&after[part * table.len() + at]));
            let decay = if shape.is_matrix { number(sgd.weight_decay) } else { 0.0 };
            for (j, g) in gradients[at].iter().enumerate() {
                let momentum = number(sgd.momentum) * u[j] + g;
                let parameter = p[j] - rate * (momentum + decay * p[j]);
                assert_near(u2[j], momentum, u[j].abs() + g.abs(), &shape.name);
                assert_near(p2[j], parameter, p[j].abs() + rate * momentum.abs(), &shape.name);
            }
        }
    }
}

/// M-4.5: delta = last parameters - base parameters, exactly one rounding.
#[test]
fn delta_is_the_difference() {
    let spec = small();
    let mut draw = Generator(6);
    let [end, base] = [random_state(&spec, &mut draw), random_state(&spec, &mut draw)];
    let inputs = Inputs { pre: &end, base: &base, ..Inputs::default() };
    let delta = run(&delta_program(&spec), inputs, &StepScalars::default()).post;
    assert_eq!(delta.len(), parameter_table(&spec.model).len());
    for ((delta, end), base) in delta.iter().zip(&end).zip(&base) {
        let expected = end.iter().zip(base).map(|(a, b)| (f32::from_bits(*a) - f32::from_bits(*b)).to_bits());
        assert_eq!(*delta, expected.collect::<Words>());
    }
}

/// M-4.5: the mean of the segment's losses, more than one lane of them.
#[test]
fn mean_loss_is_the_mean() {
    for steps in [4, 16, 37] {
        let spec = RunSpec { steps, ..small() };
        let mut draw = Generator(7);
        let losses: Words = (0..steps).map(|_| (3.0 + draw.uniform()).to_bits()).collect();
        let inputs = Inputs { losses: &losses, ..Inputs::default() };
        let loss = run(&loss_program(&spec), inputs, &StepScalars::default()).loss;
        let expected = numbers(&losses).iter().sum::<f64>() / f64::from(steps);
        assert_near(number(F32Bits(loss)), expected, expected, "mean loss");
    }
}

/// M-5.3, M-4.5: u' = mu u + mean delta, p' = p + eta (mu u' + mean delta), for one to three deltas.
#[test]
fn merge_is_an_outer_nesterov_step() {
    let spec = small();
    let count = parameter_table(&spec.model).len();
    let mut draw = Generator(8);
    let base: Vec<Words> = random_state(&spec, &mut draw).into_iter().take(2 * count).collect();
    let deltas: Vec<Vec<Words>> = (0..3).map(|_| random_state(&spec, &mut draw)).collect();
    let (mu, eta) = (number(spec.outer.momentum), number(spec.outer.learning_rate));
    for accepted in 1..=3usize {
        let slices: Vec<&[Words]> = deltas[..accepted].iter().map(|d| &d[..count]).collect();
        let inputs = Inputs { pre: &base, deltas: &slices, ..Inputs::default() };
        let next = run(&merge_program(&spec, accepted as u16), inputs, &StepScalars::default()).post;
        assert_eq!(next.len(), 2 * count);
        for at in 0..count {
            let [p, u] = [numbers(&base[at]), numbers(&base[count + at])];
            let [p2, u2] = [numbers(&next[at]), numbers(&next[count + at])];
            for j in 0..p.len() {
                let mean = slices.iter().map(|d| numbers(&d[at])[j]).sum::<f64>() / accepted as f64;
                let momentum = mu * u[j] + mean;
                let parameter = p[j] + eta * (mu * momentum + mean);
                let size = 1.0 + mean.abs();
                assert_near(u2[j], momentum, size, "momentum");
                assert_near(p2[j], parameter, p[j].abs() + size, "parameter");
            }
        }
    }
}

/// M-4.4: the evaluation program gives the step program's loss, and another batch is another size.
#[test]
fn evaluation_is_the_forward_pass() {
    let spec = small();
    let mut draw = Generator(9);
    let (state, tokens) = (random_state(&spec, &mut draw), random_tokens(&spec, &mut draw));
    let inputs = Inputs { pre: &state, tokens: &tokens, ..Inputs::default() };
    let trained = run(&step_program(&spec), inputs, &support::scalars(&spec, 0, 0));
    let evaluated = run(&evaluation_program(&spec, spec.batch), inputs, &StepScalars::default());
    assert_eq!((trained.loss, trained.batch), (evaluated.loss, evaluated.batch));
    assert!(evaluated.post.is_empty());
    let half = &tokens[..tokens.len() / 2];
    let one = run(&evaluation_program(&spec, 1), Inputs { tokens: half, ..inputs }, &StepScalars::default());
    assert_ne!(one.loss, evaluated.loss);
}
