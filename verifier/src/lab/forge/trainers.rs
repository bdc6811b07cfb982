//! Trainers that do other work than they were assigned, or less (V-4.9).

use super::super::LabError;
use super::super::bench::Bench;
use super::super::study::distort;
use super::{Answer, Strategy, convict};
use crate::segment::Conduct;
use crate::unit::Unit;
use retrace_model::op::Kind;
use retrace_model::program::{Home, Row};
use retrace_model::{StepId, StepScalars, Words};

const ZHANG: &str = "Zhang 2022, synthesized data";
const FANG: &str = "Fang 2023, updates under the tolerance";
const LU: &str = "Lu 2023, a malicious stage";
const ORDER: &str = "data order, seeds, dropout";
const RULES: &str = "the run's own rules";

/// The table of these strategies.
pub(super) const STRATEGIES: [Strategy; 19] = [
    ("chosen-batch", ZHANG, "trains on bytes of its own making", |s| tell(&s.plain, Trainer::ChosenBatch)),
    ("interpolated-steps", ZHANG, "claims the middle between the state before and the one due", |s| {
        tell(&s.plain, Trainer::Interpolated)
    }),
    ("skipped-steps", ZHANG, "claims that a step changed nothing", |s| tell(&s.plain, Trainer::Skipped)),
    ("infinitesimal-update", FANG, "moves every word of the state by one bit instead of training", |s| {
        tell(&s.plain, Trainer::Infinitesimal)
    }),
    ("tolerance-riding", FANG, "adds one bit to every word of an honest step", |s| {
        tell(&s.plain, Trainer::Riding)
    }),
    (
        "faked-small-updates",
        "top-Q audits",
        "makes large updates and leaves small tensors as they were",
        |s| tell(&s.plain, Trainer::FakedSmall),
    ),
    ("reordered-data", ORDER, "takes the assigned sequences in another order", |s| {
        tell(&s.plain, Trainer::ReorderedBatch)
    }),
    ("chosen-dropout", ORDER, "draws its own dropout", |s| tell(&s.varied, Trainer::ChosenDropout)),
    ("wrong-rate", RULES, "updates with twice the learning rate", |s| tell(&s.plain, Trainer::WrongRate)),
    ("wrong-rate-sgd", RULES, "updates with twice the learning rate, by SGD", |s| {
        tell(&s.varied, Trainer::WrongRate)
    }),
    ("wrong-optimizer-step", RULES, "corrects its moments as if many steps had gone before", |s| {
        tell(&s.plain, Trainer::WrongCorrection)
    }),
    ("negated-activation", LU, "multiplies a layer's activations by -1", |s| {
        distorted(&s.plain, Kind::Gelu, false)
    }),
    ("noisy-activation", LU, "replaces a layer's activations by noise", |s| {
        distorted(&s.plain, Kind::Gelu, true)
    }),
    ("poisoned-gradient", LU, "multiplies a layer's gradient by -1", |s| {
        distorted(&s.plain, Kind::GeluBackward, false)
    }),
    ("noisy-gradient", LU, "replaces a layer's gradient by noise", |s| {
        distorted(&s.plain, Kind::GeluBackward, true)
    }),
    ("false-loss", RULES, "reports half the loss of every step", |s| tell(&s.plain, Trainer::FalseLoss)),
    ("false-mean-loss", RULES, "reports half the mean of its true losses", |s| {
        told_in(&s.plain, Unit::Loss, Trainer::FalseMean)
    }),
    ("forged-delta", RULES, "trains honestly and uploads a poisoned delta", |s| {
        told_in(&s.plain, Unit::Delta, Trainer::ForgedDelta)
    }),
    ("wrong-merge", RULES, "posts a base with one poisoned tensor", |s| {
        told_in(&s.plain, Unit::Merge, Trainer::WrongMerge)
    }),
];

/// The step in dispute: one in the middle of a segment, from a state that the trainer itself claimed.
const STEP: Unit = Unit::Step(1);

fn tell(bench: &Bench, trainer: Trainer) -> Result<Answer, LabError> {
    told_in(bench, STEP, trainer)
}

fn told_in(bench: &Bench, unit: Unit, trainer: Trainer) -> Result<Answer, LabError> {
    convict(bench, &bench.case(unit, &trainer)?)
}

/// The last row of a kind in the program, so that another layer has it too.
fn distorted(bench: &Bench, kind: Kind, noise: bool) -> Result<Answer, LabError> {
    let honest = bench.honest(STEP)?;
    let row = honest.program.rows.iter().rposition(|row| row.kind == kind).ok_or(LabError::Unit)?;
    tell(bench, Trainer::Distorted { row, noise })
}

/// A dishonest trainer, or poster of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trainer {
    ChosenBatch,
    ReorderedBatch,
    Interpolated,
    Skipped,
    Infinitesimal,
    Riding,
    FakedSmall,
    ChosenDropout,
    WrongRate,
    WrongCorrection,
    Distorted { row: usize, noise: bool },
    FalseLoss,
    FalseMean,
    ForgedDelta,
    WrongMerge,
}

/// Entries of at most this many words are small.
const SMALL: usize = 64;
const SIGN: u32 = 0x8000_0000;
/// One in the exponent of a binary32 number: half or twice its value.
const TWICE: u32 = 1 << 23;
const ONE: u32 = 0x3F80_0000;

impl Conduct for Trainer {
    fn tokens(&self, _at: StepId, tokens: &mut Words) {
        match self {
            Trainer::ChosenBatch => {
                let chosen = b"the gradient I want ".iter().cycle();
                tokens.iter_mut().zip(chosen).for_each(|(token, byte)| *token = u32::from(*byte));
            }
            Trainer::ReorderedBatch => {
                let half = tokens.len() / 2;
                tokens.rotate_left(half);
            }
            _ => {}
        }
    }

    fn scalars(&self, _at: StepId, scalars: &mut StepScalars) {
        match self {
            Trainer::ChosenDropout => scalars.dropout_keys[1] ^= 1,
            Trainer::WrongRate => scalars.learning_rate += TWICE,
            Trainer::WrongCorrection => (scalars.first_correction, scalars.second_correction) = (ONE, ONE),
            _ => {}
        }
    }

    fn output(&self, unit: Unit, at: usize, row: &Row, before: &[Words], words: &mut Words) {
        let halve = |words: &mut Words| words.iter_mut().for_each(|word| *word = word.wrapping_sub(TWICE));
        let negate = |words: &mut Words| words.iter_mut().for_each(|word| *word ^= SIGN);
        match (self, unit) {
            (Trainer::Distorted { row, noise }, STEP) if at == *row => distort(words, *noise, at),
            (Trainer::FalseLoss, Unit::Step(_)) | (Trainer::FalseMean, Unit::Loss)
                if row.home == Home::Loss =>
            {
                halve(words);
            }
            (Trainer::ForgedDelta, Unit::Delta) if row.home == Home::Post(0) => negate(words),
            (Trainer::WrongMerge, Unit::Merge) if row.home == Home::Post(0) => negate(words),
            (_, Unit::Step(_)) => {
                if let Home::Post(entry) = row.home
                    && let Some(before) = before.get(entry as usize)
                {
                    self.entry(before, words);
                }
            }
            _ => {}
        }
    }
}

impl Trainer {
    /// What becomes of one entry of the state after a step.
    fn entry(&self, before: &Words, words: &mut Words) {
        match self {
            Trainer::Skipped => words.clone_from(before),
            Trainer::FakedSmall if words.len() <= SMALL => words.clone_from(before),
            Trainer::Infinitesimal => {
                words.clone_from(before);
                words.iter_mut().for_each(|word| *word ^= 1);
            }
            Trainer::Riding => words.iter_mut().for_each(|word| *word ^= 1),
            Trainer::Interpolated => {
                for (word, old) in words.iter_mut().zip(before) {
                    *word = (0.5 * (f32::from_bits(*word) + f32::from_bits(*old))).to_bits();
                }
            }
            _ => {}
        }
    }
}
