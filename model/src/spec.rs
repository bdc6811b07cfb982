//! What a run trains: model, optimizer, schedule and shape of a segment, as canonical bytes (M-6.1).

use borsh::{BorshDeserialize, BorshSerialize};

/// The version of every definition in this crate; a run pins it when it opens.
pub const ARITHMETIC_VERSION: u16 = 1;

/// binary32 bits in a canonical encoding: floats travel as integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct F32Bits(pub u32);

impl F32Bits {
    /// True for a finite value at or above +0.
    pub fn is_finite_positive_or_zero(self) -> bool {
        self.0 < 0x7F80_0000
    }
}

/// A decoder-only transformer with learned positions, pre-norm blocks and tied embeddings (GPT-2's shape).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GptSpec {
    /// Token ids; 256 for bytes.
    pub vocabulary: u32,
    /// Tokens that a position may see.
    pub context: u32,
    /// Model width.
    pub width: u32,
    /// Attention heads; divides the width.
    pub heads: u32,
    /// Blocks.
    pub layers: u32,
    /// Width of the MLP's hidden layer.
    pub hidden: u32,
    /// Standard deviation of the initial weights.
    pub init_std: F32Bits,
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

/// Everything that fixes the bits of a run, except the data (M-6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunSpec {
    /// Must be [`ARITHMETIC_VERSION`].
    pub arithmetic_version: u16,
    /// Seeds the initial state.
    pub seed: [u8; 32],
    /// The model.
    pub model: GptSpec,
    /// Sequences per step.
    pub batch: u32,
    /// Inner optimizer.
    pub optimizer: AdamWSpec,
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

/// A run specification that this version refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Another version of the arithmetic.
    #[error("arithmetic version {found} is not {ARITHMETIC_VERSION}")]
    Version {
        /// The version named.
        found: u16,
    },
    /// A size is zero or above its limit.
    #[error("{field} is {found}, outside {low}..={high}")]
    Size {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
        /// Smallest allowed.
        low: u32,
        /// Largest allowed.
        high: u32,
    },
    /// A product of sizes is above what one op, one reduction or one block may hold.
    #[error("{what} is {found}, at most {high} is allowed")]
    Volume {
        /// Which product.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Largest allowed.
        high: u64,
    },
    /// Heads do not divide the width.
    #[error("{heads} heads do not divide width {width}")]
    Heads {
        /// Heads named.
        heads: u32,
        /// Width named.
        width: u32,
    },
    /// A rate that is negative, infinite or NaN.
    #[error("{field} is not a finite number at or above zero")]
    Rate {
        /// Which field.
        field: &'static str,
    },
}

impl RunSpec {
    /// Checks every limit (M-6.1).
    pub fn check(&self) -> Result<(), SpecError> {
        if self.arithmetic_version != ARITHMETIC_VERSION {
            return Err(SpecError::Version { found: self.arithmetic_version });
        }
        let m = &self.model;
        let sizes = [
            ("vocabulary", m.vocabulary, 256, 1 << 18),
            ("context", m.context, 2, 1 << 15),
            ("width", m.width, 1, 1 << 15),
            ("heads", m.heads, 1, 1 << 10),
            ("layers", m.layers, 1, 256),
            ("hidden", m.hidden, 1, 1 << 17),
            ("batch", self.batch, 1, 1 << 12),
            ("steps", self.steps, 4, 1 << 14),
            ("slots", u32::from(self.slots), 1, 256),
            ("rounds", self.rounds, 1, 1 << 20),
            ("warmup_steps", self.schedule.warmup_steps, 1, self.steps),
        ];
        for (field, found, low, high) in sizes {
            if !(low..=high).contains(&found) {
                return Err(SpecError::Size { field, found, low, high });
            }
        }
        if !m.width.is_multiple_of(m.heads) {
            return Err(SpecError::Heads { heads: m.heads, width: m.width });
        }
        self.check_volumes()?;
        self.check_rates()
    }

    /// A run whose rows could not be named in a dispute, or whose programs a block could not derive, never opens.
    fn check_volumes(&self) -> Result<(), SpecError> {
        let m = &self.model;
        let [context, heads, layers] = [m.context, m.heads, m.layers].map(u64::from);
        let tokens = self.tokens_per_step();
        let tensors = 4 + crate::program::BLOCK_PARAMETERS as u64 * layers;
        let slots = u64::from(self.slots);
        let element_max = 1 << 37;
        let volumes = [
            ("tokens of a step", tokens, u64::from(crate::program::TERMS_MAX)),
            ("attention scores of a step", tokens * heads * context, element_max),
            ("logits of a step", tokens * u64::from(m.vocabulary), element_max),
            ("hidden activations of a step", tokens * u64::from(m.hidden), element_max),
            ("rows of all merge programs", tensors * slots * slots, 1 << 20),
        ];
        match volumes.into_iter().find(|(_, found, high)| found > high) {
            Some((what, found, high)) => Err(SpecError::Volume { what, found, high }),
            None => Ok(()),
        }
    }

    fn check_rates(&self) -> Result<(), SpecError> {
        let floor = match self.schedule.decay {
            Decay::Constant => F32Bits(0),
            Decay::Cosine { floor } => floor,
        };
        let o = &self.optimizer;
        let rates = [
            ("init_std", self.model.init_std),
            ("beta1", o.beta1),
            ("beta2", o.beta2),
            ("epsilon", o.epsilon),
            ("weight_decay", o.weight_decay),
            ("clip_norm", o.clip_norm),
            ("peak", self.schedule.peak),
            ("decay floor", floor),
            ("outer learning_rate", self.outer.learning_rate),
            ("outer momentum", self.outer.momentum),
        ];
        for (field, rate) in rates {
            if !rate.is_finite_positive_or_zero() {
                return Err(SpecError::Rate { field });
            }
        }
        Ok(())
    }

    /// Tokens that one step trains on.
    pub fn tokens_per_step(&self) -> u64 {
        u64::from(self.batch) * u64::from(self.model.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::golden_spec;

    /// M-6.1: each limit refuses by name, in the order of the checks.
    #[test]
    fn limits() {
        let with = |change: fn(&mut RunSpec)| {
            let mut spec = golden_spec();
            change(&mut spec);
            spec.check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|s| s.arithmetic_version = 2), Err(SpecError::Version { found: 2 }));
        let steps = SpecError::Size { field: "steps", found: 3, low: 4, high: 1 << 14 };
        assert_eq!(with(|s| s.steps = 3), Err(steps));
        assert_eq!(with(|s| s.model.heads = 5), Err(SpecError::Heads { heads: 5, width: 36 }));
        let volume = |result| matches!(result, Err(SpecError::Volume { .. }));
        assert!(volume(with(|s| (s.batch, s.model.context) = (1024, 1 << 15))));
        assert!(volume(with(|s| (s.slots, s.model.layers) = (256, 256))));
        let peak = Err(SpecError::Rate { field: "peak" });
        assert_eq!(with(|s| s.schedule.peak = F32Bits(0xBF80_0000)), peak);
    }
}
