//! What a run trains: model, optimizer, schedule and shape of a segment, as canonical bytes (M-6.1).

mod error;
mod limits;
mod model;
mod training;

pub use error::SpecError;
pub use model::{Activation, Architecture, GptSpec, LlamaSpec, MlpSpec, ModelSpec};
pub use training::{AdamWSpec, Decay, OptimizerSpec, OuterSpec, ScheduleSpec, SgdSpec};

use borsh::{BorshDeserialize, BorshSerialize};

/// The version of every definition in this crate; a run pins it when it opens.
pub const ARITHMETIC_VERSION: u16 = 3;

/// binary32 bits in a canonical encoding: floats travel as integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct F32Bits(pub u32);

impl F32Bits {
    /// True for a finite value at or above +0.
    pub fn is_finite_positive_or_zero(self) -> bool {
        self.0 < 0x7F80_0000
    }
}

/// Everything that fixes the bits of a run, except the data (M-6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunSpec {
    /// Must be [`ARITHMETIC_VERSION`].
    pub arithmetic_version: u16,
    /// Seeds the initial state and dropout.
    pub seed: [u8; 32],
    /// The model.
    pub model: ModelSpec,
    /// Sequences per step.
    pub batch: u32,
    /// Micro-batches that a step's gradient is summed over; divides the batch.
    pub accumulation: u32,
    /// Inner optimizer.
    pub optimizer: OptimizerSpec,
    /// Learning rate.
    pub schedule: ScheduleSpec,
    /// Outer optimizer.
    pub outer: OuterSpec,
    /// Steps per segment, H; at least 4 under merge rule `local`.
    pub steps: u32,
    /// Slots per round, K.
    pub slots: u16,
    /// Rounds of the run.
    pub rounds: u32,
}
