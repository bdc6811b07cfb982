//! Every op's definition: the integers' bits are the hardware's, and a gradient op is the slope of its op.
#![allow(clippy::disallowed_methods)] // the judge of slopes is plain binary64 with the platform's functions

mod support;

use retrace_model::arithmetic::Real32;
use retrace_model::op::{Arguments, Form, KINDS, Kind, OPERANDS_MAX, SCALARS_MAX};
use retrace_model::soft::Soft32;
use retrace_model::{element_value, next_accumulator};
use support::Generator;

const CASES: u64 = 4000;

/// What an op is given, as words.
#[derive(Clone, Copy, Debug)]
struct Given {
    words: [u32; OPERANDS_MAX],
    scalars: [u32; SCALARS_MAX],
    index: [u64; 4],
    accumulator: u32,
}

impl Given {
    fn draw(kind: Kind, draw: &mut Generator) -> Given {
        let mut given = Given {
            words: std::array::from_fn(|_| draw.word()),
            scalars: std::array::from_fn(|_| draw.word()),
            index: std::array::from_fn(|_| draw.below(5)),
            accumulator: draw.word(),
        };
        let id = [0, 1, 2, u32::MAX, 0x7FC0_0000][draw.below(5) as usize];
        match kind {
            Kind::EmbeddingBackward => given.words[0] = id,
            Kind::CrossEntropy | Kind::CrossEntropyBackward => given.words[2] = id,
            Kind::RotaryTable => {
                given.scalars[1] = (f32::from_bits(given.scalars[0]) * 2e-8).to_bits();
                given.scalars[2] = draw.below(4) as u32 * 7;
                given.index = [draw.below(70_000), draw.below(2), draw.below(2), draw.below(64)];
            }
            Kind::Dropout => given.scalars[..4].fill_with(|| draw.next() as u32),
            _ => {}
        }
        given
    }

    fn bits<F: Real32>(&self, kind: Kind) -> u32 {
        let arguments = Arguments {
            x: self.words.map(F::from_bits),
            words: self.words,
            s: self.scalars.map(F::from_bits),
            index: self.index,
        };
        match kind.form() {
            Form::Element => element_value(kind, arguments),
            _ => next_accumulator(kind, F::from_bits(self.accumulator), arguments).to_bits(),
        }
    }
}

/// M-1.5, M-3.1: both bodies of every definition, over ordinary and special words.
#[test]
fn both_bodies_of_every_definition_agree() {
    for kind in KINDS {
        let mut draw = Generator(0x0D0 ^ kind as u64);
        for _ in 0..CASES {
            let given = Given::draw(kind, &mut draw);
            assert_eq!(given.bits::<Soft32>(kind), given.bits::<f32>(kind), "{kind:?} {given:08x?}");
        }
    }
}

/// The bits of an element op of these operands, as a number; no scalars, index 0.
fn value(kind: Kind, operands: &[f32]) -> f64 {
    let mut words = [0; OPERANDS_MAX];
    words.iter_mut().zip(operands).for_each(|(word, x)| *word = x.to_bits());
    let given = Given { words, scalars: [0; SCALARS_MAX], index: [0; 4], accumulator: 0 };
    f64::from(f32::from_bits(given.bits::<f32>(kind)))
}

/// erf by its series, then by its continued fraction: nothing of the library's own.
fn plain_erf(x: f64) -> f64 {
    let a = x.abs();
    let value = if a < 2.5 {
        let (mut term, mut sum) = (a, a);
        for n in 1..80 {
            term *= -a * a / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        2.0 / std::f64::consts::PI.sqrt() * sum
    } else {
        let tail = (1..=120).rev().fold(a, |rest, n| a + f64::from(n) / 2.0 / rest);
        1.0 - (-a * a).exp() / (std::f64::consts::PI.sqrt() * tail)
    };
    value.copysign(x)
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn plain_gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

fn plain_gelu_erf(x: f64) -> f64 {
    0.5 * x * (1.0 + plain_erf(x / std::f64::consts::SQRT_2))
}

type Plain = fn(f64) -> f64;

/// An op of one operand, its gradient op, and the same function in plain binary64.
const ACTIVATIONS: [(Kind, Kind, Plain); 4] = [
    (Kind::Gelu, Kind::GeluBackward, plain_gelu_tanh),
    (Kind::GeluErf, Kind::GeluErfBackward, plain_gelu_erf),
    (Kind::Silu, Kind::SiluBackward, |x| x * logistic(x)),
    (Kind::Relu, Kind::ReluBackward, |x| if x > 0.0 { x } else { 0.0 }),
];

/// M-3.6, M-3.11: forward is the function, backward its slope by central differences, over both tails and the bend.
#[test]
fn activations_and_their_slopes_agree_with_plain_binary64() {
    const REACH: f64 = 1e-5;
    for (forward, backward, plain) in ACTIVATIONS {
        for step in -900..=900i32 {
            // Never 0 itself, where the rectifier has no slope.
            let x = step as f32 * 0.011 + 0.0037;
            let (wide, dy) = (f64::from(x), 1.0 + step.rem_euclid(7) as f32 * 0.25);
            let (found, expected) = (value(forward, &[x]), plain(wide));
            assert!(
                (found - expected).abs() <= 3e-7 * (1.0 + expected.abs()),
                "{forward:?} {x}: {found}, {expected}"
            );
            let slope = (plain(wide + REACH) - plain(wide - REACH)) / (2.0 * REACH);
            let (found, expected) = (value(backward, &[x, dy]), f64::from(dy) * slope);
            assert!(
                (found - expected).abs() <= 2e-6 * f64::from(dy),
                "{backward:?} {x}: {found}, {expected}"
            );
        }
    }
}

/// M-3.8: the gradient of a token's loss by its logits, an ignored target included.
#[test]
fn cross_entropy_and_its_slope_agree_with_plain_binary64() {
    let logits = [0.3f32, -1.2, 2.5, 0.0, 1.1];
    let top = 2.5f32;
    let e = logits.map(|l| (l - top).exp());
    let sum: f32 = e.iter().sum();
    let plain = |l: &[f64], target: usize| l.iter().map(|v| v.exp()).sum::<f64>().ln() - l[target];
    for target in 0..logits.len() {
        let wide = logits.map(f64::from);
        let id = f32::from_bits(target as u32);
        let loss = value(Kind::CrossEntropy, &[sum, logits[target] - top, id]);
        assert!((loss - plain(&wide, target)).abs() < 1e-6);
        for column in 0..logits.len() {
            let at = |offset: f64| {
                let mut moved = wide;
                moved[column] += offset;
                plain(&moved, target)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            let words = [e[column].to_bits(), sum.to_bits(), target as u32];
            let scalars = [0x3F80_0000, 0, 0, 0, 0];
            let given = Given { words, scalars, index: [0, 0, 0, column as u64], accumulator: 0 };
            let found = f64::from(f32::from_bits(given.bits::<f32>(Kind::CrossEntropyBackward)));
            assert!((found - expected).abs() < 1e-6, "{target} {column}: {found}, {expected}");
            for ignored in [u32::MAX, 0x7FC0_0000] {
                let given = Given { words: [words[0], words[1], ignored], ..given };
                assert_eq!(given.bits::<f32>(Kind::CrossEntropyBackward), 0);
                assert_eq!(given.bits::<f32>(Kind::CrossEntropy), 0);
            }
        }
    }
}
