//! Numbers that programs use, derived by integers alone from the run and the step (M-5.2).
//!
//! Everything here runs on the soft-float bodies, so that a ledger can derive a scalar without a floating-point
//! instruction and gets the bits that the kernels were given.

use crate::arithmetic::{Real32, Real64};
use crate::elementary::{cos_pi_half_turn, from_u32_exact, powi};
use crate::program::Scalar;
use crate::soft::{Soft32, Soft64};
use crate::spec::{Decay, F32Bits, RunSpec};

const ONE: u32 = 0x3F80_0000;

fn whole(n: u32) -> Soft64 {
    from_u32_exact::<Soft64>(n)
}

/// 1 / n, n rounded to binary32 first.
pub fn reciprocal(n: u32) -> u32 {
    (Soft32::from_bits(ONE) / whole(n).narrow()).to_bits()
}

/// -1 / n.
pub fn negated_reciprocal(n: u32) -> u32 {
    reciprocal(n) ^ 0x8000_0000
}

/// 1 / sqrt(n).
pub fn reciprocal_root(n: u32) -> u32 {
    (Soft32::from_bits(ONE) / whole(n).narrow().sqrt()).to_bits()
}

/// 1 - x.
pub fn one_minus(x: F32Bits) -> u32 {
    (Soft32::from_bits(ONE) - Soft32::from_bits(x.0)).to_bits()
}

/// The scalars of one step that depend on where it stands in the run, as binary32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepScalars {
    /// Learning rate.
    pub learning_rate: u32,
    /// 1 / (1 - beta1^t).
    pub first_correction: u32,
    /// 1 / (1 - beta2^t).
    pub second_correction: u32,
}

impl StepScalars {
    /// Scalars of step `step` (from 0) of a segment of round `round`. t = step + 1: moments start anew (M-5.2).
    pub fn new(spec: &RunSpec, round: u32, step: u32) -> StepScalars {
        let t = step.saturating_add(1);
        StepScalars {
            learning_rate: learning_rate(spec, round, step),
            first_correction: correction(spec.optimizer.beta1, t),
            second_correction: correction(spec.optimizer.beta2, t),
        }
    }

    /// Bits of a row's scalar.
    #[inline]
    pub fn resolve(&self, scalar: Scalar) -> u32 {
        match scalar {
            Scalar::Bits(bits) => bits,
            Scalar::LearningRate => self.learning_rate,
            Scalar::FirstCorrection => self.first_correction,
            Scalar::SecondCorrection => self.second_correction,
        }
    }
}

fn correction(beta: F32Bits, t: u32) -> u32 {
    let one = whole(1);
    (one / (one - powi(Soft32::from_bits(beta.0).widen(), t))).narrow().to_bits()
}

fn learning_rate(spec: &RunSpec, round: u32, step: u32) -> u32 {
    let peak = Soft32::from_bits(spec.schedule.peak.0).widen();
    let warmup = spec.schedule.warmup_steps;
    let warm = if step < warmup { whole(step + 1) / whole(warmup) } else { whole(1) };
    let decayed = match spec.schedule.decay {
        Decay::Constant => whole(1),
        Decay::Cosine { floor } => {
            // Rounds and steps are bounded by the run's checks, so the products stay below 2^53.
            let total = whole(spec.rounds) * whole(spec.steps);
            let done = whole(round.min(spec.rounds)) * whole(spec.steps) + whole(step);
            let floor = Soft32::from_bits(floor.0).widen();
            let half = Soft64::from_bits(0x3FE0_0000_0000_0000);
            let wave = half * (whole(1) + cos_pi_half_turn(done / total));
            floor + (whole(1) - floor) * wave
        }
    };
    (peak * warm * decayed).narrow().to_bits()
}
