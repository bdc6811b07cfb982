//! Numbers that programs use, derived by integers alone from the run and the step (M-5.2).
//!
//! Everything here runs on the soft-float bodies, so that a ledger can derive a scalar without a floating-point
//! instruction and gets the bits that the kernels were given.

use crate::arithmetic::{Real32, Real64};
use crate::elementary::{cos_pi_half_turn, from_u32_exact, powi};
use crate::program::Scalar;
use crate::random::StepId;
use crate::soft::{Soft32, Soft64};
use crate::spec::{Decay, F32Bits, OptimizerSpec, RunSpec};

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

/// Elements that dropout keeps have a word below this: floor(2^32 (1 - p)), at most 2^32 - 1 (M-5.2).
pub fn keep_threshold(dropout: F32Bits) -> u32 {
    let keep = one_minus(dropout);
    // 1 - p is at least 2^-24 and at most 1, so 2^32 (1 - p) is a whole number: the significand, shifted exactly.
    let significand = u64::from(keep & 0x007F_FFFF | 0x0080_0000);
    u32::try_from((significand << 9) >> 127u32.saturating_sub(keep >> 23)).unwrap_or(u32::MAX)
}

/// What dropout multiplies the kept elements by: 1 / (1 - p).
pub fn keep_scale(dropout: F32Bits) -> u32 {
    (Soft32::from_bits(ONE) / Soft32::from_bits(one_minus(dropout))).to_bits()
}

/// The scalars of one step that depend on where it stands in the run, as binary32 bits or plain words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepScalars {
    /// Learning rate.
    pub learning_rate: u32,
    /// 1 / (1 - beta1^t); +0 for an optimizer without it.
    pub first_correction: u32,
    /// 1 / (1 - beta2^t); +0 for an optimizer without it.
    pub second_correction: u32,
    /// Key of the step's dropout, two words.
    pub dropout_keys: [u32; 2],
}

impl StepScalars {
    /// Scalars of a step. Corrections are of t = step + 1: moments start anew in every segment (M-5.2).
    pub fn new(spec: &RunSpec, at: StepId) -> StepScalars {
        let t = at.step.saturating_add(1);
        let [first_correction, second_correction] = match &spec.optimizer {
            OptimizerSpec::AdamW(adamw) => [correction(adamw.beta1, t), correction(adamw.beta2, t)],
            OptimizerSpec::Sgd(_) => [0; 2],
        };
        StepScalars {
            learning_rate: learning_rate(spec, at),
            first_correction,
            second_correction,
            dropout_keys: dropout_keys(&spec.seed, at),
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
            Scalar::DropoutKeyLow => self.dropout_keys[0],
            Scalar::DropoutKeyHigh => self.dropout_keys[1],
        }
    }
}

/// A key that no other step of the run has: nobody chooses what is dropped (M-5.2).
fn dropout_keys(seed: &[u8; 32], at: StepId) -> [u32; 2] {
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 dropout");
    hasher.update(seed).update(&at.round.to_le_bytes()).update(&at.slot.to_le_bytes());
    hasher.update(&at.step.to_le_bytes());
    let mut draw = [0; 8];
    hasher.finalize_xof().fill(&mut draw);
    let key = u64::from_le_bytes(draw);
    [key as u32, (key >> 32) as u32]
}

fn correction(beta: F32Bits, t: u32) -> u32 {
    let one = whole(1);
    (one / (one - powi(Soft32::from_bits(beta.0).widen(), t))).narrow().to_bits()
}

fn learning_rate(spec: &RunSpec, at: StepId) -> u32 {
    let peak = Soft32::from_bits(spec.schedule.peak.0).widen();
    let warmup = spec.schedule.warmup_steps;
    let warm = if at.step < warmup { whole(at.step + 1) / whole(warmup) } else { whole(1) };
    let widened = |floor: F32Bits| Soft32::from_bits(floor.0).widen();
    let decayed = match spec.schedule.decay {
        Decay::Constant => whole(1),
        Decay::Cosine { floor } => {
            let half = Soft64::from_bits(0x3FE0_0000_0000_0000);
            let wave = half * (whole(1) + cos_pi_half_turn(progress(spec, at)));
            widened(floor) + (whole(1) - widened(floor)) * wave
        }
        Decay::Linear { floor } => {
            widened(floor) + (whole(1) - widened(floor)) * (whole(1) - progress(spec, at))
        }
    };
    (peak * warm * decayed).narrow().to_bits()
}

/// Steps of the run before this one, as a share of all.
fn progress(spec: &RunSpec, at: StepId) -> Soft64 {
    // Rounds and steps are bounded by the run's checks, so the products stay below 2^53.
    let total = whole(spec.rounds) * whole(spec.steps);
    let done = whole(at.round.min(spec.rounds)) * whole(spec.steps) + whole(at.step);
    done / total
}

#[cfg(test)]
mod tests {
    use super::{keep_scale, keep_threshold};
    use crate::spec::F32Bits;

    /// M-5.2: the share of words below the threshold is 1 - p, and never none.
    #[test]
    fn what_dropout_keeps() {
        let threshold = |p: f32| keep_threshold(F32Bits(p.to_bits()));
        assert_eq!([0.5, 0.25, 0.75].map(threshold), [1 << 31, 3 << 30, 1 << 30]);
        assert_eq!(threshold(f32::from_bits(0x3F80_0000 - 1)), 1 << 8);
        assert_eq!(threshold(f32::from_bits(1)), u32::MAX, "1 - p is 1");
        // 0.1 is 0x3DCCCCCD, and 1 less it rounds to 0x3F666666.
        assert_eq!(threshold(0.1), 0xE666_6600);
        assert_eq!(keep_scale(F32Bits(0.5f32.to_bits())), 2.0f32.to_bits());
        assert_eq!(keep_scale(F32Bits(0.1f32.to_bits())), (1.0 / (1.0 - 0.1f32)).to_bits());
    }
}
