//! How a run trains: optimizer, schedule and the outer step (M-6.1, M-5.1 to M-5.4).

use super::F32Bits;
use borsh::{BorshDeserialize, BorshSerialize};

/// What turns gradients into parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum OptimizerSpec {
    /// Adam with decoupled decay.
    AdamW(AdamWSpec),
    /// Stochastic gradient descent with momentum.
    Sgd(SgdSpec),
}

/// AdamW with global-norm clipping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AdamWSpec {
    /// Decay of the first moment.
    pub beta1: F32Bits,
    /// Decay of the second moment.
    pub beta2: F32Bits,
    /// Added to the denominator.
    pub epsilon: F32Bits,
    /// Decoupled weight decay, for matrices; vectors have none.
    pub weight_decay: F32Bits,
    /// Bound of the global gradient norm.
    pub clip_norm: F32Bits,
}

/// Momentum with global-norm clipping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SgdSpec {
    /// Share of the last update that is kept.
    pub momentum: F32Bits,
    /// Decoupled weight decay, for matrices; vectors have none.
    pub weight_decay: F32Bits,
    /// Bound of the global gradient norm.
    pub clip_norm: F32Bits,
}

impl OptimizerSpec {
    /// What the optimizer keeps for every parameter between steps, in state order: prefixes of the entries' names.
    pub fn moments(&self) -> &'static [&'static str] {
        match self {
            OptimizerSpec::AdamW(_) => &["adamw.first/", "adamw.second/"],
            OptimizerSpec::Sgd(_) => &["sgd.momentum/"],
        }
    }

    /// Bound of the global gradient norm.
    pub fn clip_norm(&self) -> F32Bits {
        match self {
            OptimizerSpec::AdamW(adamw) => adamw.clip_norm,
            OptimizerSpec::Sgd(sgd) => sgd.clip_norm,
        }
    }
}

/// How the learning rate moves over the whole run, on top of the warm-up inside each segment (M-5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Decay {
    /// No decay.
    Constant,
    /// Half a cosine from 1 to the given floor.
    Cosine {
        /// Factor at the end of the run.
        floor: F32Bits,
    },
    /// A straight line from 1 to the given floor.
    Linear {
        /// Factor at the end of the run.
        floor: F32Bits,
    },
}

/// Learning-rate schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ScheduleSpec {
    /// Peak learning rate.
    pub peak: F32Bits,
    /// Steps of linear warm-up at the start of every segment.
    pub warmup_steps: u32,
    /// Decay over the run.
    pub decay: Decay,
}

/// The outer Nesterov step of merge rule `local`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OuterSpec {
    /// Outer learning rate.
    pub learning_rate: F32Bits,
    /// Outer momentum.
    pub momentum: F32Bits,
}
