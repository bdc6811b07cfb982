//! The limits of a run, in the order of their checks (M-6.1).

use super::{ARITHMETIC_VERSION, Architecture, Decay, F32Bits, OptimizerSpec, RunSpec, SpecError};
use crate::program::{TERMS_MAX, parameter_count};

/// binary32 bits of 1.
const ONE: u32 = 0x3F80_0000;
/// Elements that one op may have, with room for a factor of eight.
const ELEMENTS_MAX: u64 = 1 << 37;
/// Rows that a block of any architecture has at most, forward and backward.
const BLOCK_ROWS: u64 = 96;

impl RunSpec {
    /// Checks every limit (M-6.1).
    pub fn check(&self) -> Result<(), SpecError> {
        if self.arithmetic_version != ARITHMETIC_VERSION {
            return Err(SpecError::Version { found: self.arithmetic_version });
        }
        self.check_sizes()?;
        self.check_divisions()?;
        self.check_volumes()?;
        self.check_rates()
    }

    fn check_sizes(&self) -> Result<(), SpecError> {
        let m = &self.model;
        // A model without heads passes as one with one.
        let heads = m.heads().unwrap_or(1);
        let key_value_heads =
            if let Architecture::Llama(llama) = &m.architecture { llama.key_value_heads } else { 1 };
        let sizes = [
            ("vocabulary", m.vocabulary, 256, 1 << 18),
            ("context", m.context, 2, 1 << 15),
            ("width", m.width, 1, 1 << 15),
            ("heads", heads, 1, 1 << 10),
            ("key_value_heads", key_value_heads, 1, 1 << 10),
            ("layers", m.layers, 1, 256),
            ("hidden", m.hidden, 1, 1 << 17),
            ("batch", self.batch, 1, 1 << 12),
            ("accumulation", self.accumulation, 1, 1 << 12),
            ("steps", self.steps, 4, 1 << 14),
            ("slots", u32::from(self.slots), 1, 256),
            ("rounds", self.rounds, 1, 1 << 20),
            ("warmup_steps", self.schedule.warmup_steps, 1, self.steps),
        ];
        match sizes.into_iter().find(|(_, found, low, high)| !(low..=high).contains(&found)) {
            Some((field, found, low, high)) => Err(SpecError::Size { field, found, low, high }),
            None => Ok(()),
        }
    }

    /// What must come out even. Sizes are checked before, so nothing is zero.
    fn check_divisions(&self) -> Result<(), SpecError> {
        let m = &self.model;
        let (batch, accumulation) = (self.batch, self.accumulation);
        if !batch.is_multiple_of(accumulation) {
            return Err(SpecError::Accumulation { accumulation, batch });
        }
        if let Some(heads) = m.heads()
            && !m.width.is_multiple_of(heads)
        {
            return Err(SpecError::Heads { heads, width: m.width });
        }
        match &m.architecture {
            Architecture::Gpt(_) => Ok(()),
            Architecture::Llama(llama) => {
                let (heads, key_value_heads) = (llama.heads, llama.key_value_heads);
                let head = m.width / heads;
                if !heads.is_multiple_of(key_value_heads) {
                    return Err(SpecError::KeyValueHeads { key_value_heads, heads });
                }
                if head.is_multiple_of(2) { Ok(()) } else { Err(SpecError::OddHead { head }) }
            }
            Architecture::Mlp(_) if m.tied => Err(SpecError::Tied),
            Architecture::Mlp(_) => Ok(()),
        }
    }

    /// A run whose rows could not be named in a dispute, or whose programs a block could not derive, never opens.
    fn check_volumes(&self) -> Result<(), SpecError> {
        let m = &self.model;
        let [context, width, layers, hidden] = [m.context, m.width, m.layers, m.hidden].map(u64::from);
        let tokens = self.tokens_per_step();
        let predictions = u64::from(self.batch) * u64::from(m.predictions());
        let scores = m.heads().map_or(0, |heads| tokens * u64::from(heads) * context);
        // Only an MLP's first layer reads a whole context at once.
        let inputs = if m.heads().is_none() { context * width } else { width };
        let slots = u64::from(self.slots);
        let passes = BLOCK_ROWS * (layers + 1) * u64::from(self.accumulation);
        let volumes = [
            ("tokens of a step", tokens, u64::from(TERMS_MAX)),
            ("attention scores of a step", scores, ELEMENTS_MAX),
            ("logits of a step", predictions * u64::from(m.vocabulary), ELEMENTS_MAX),
            ("hidden activations of a step", predictions * hidden, ELEMENTS_MAX),
            ("inputs of the first layer", inputs, u64::from(TERMS_MAX)),
            ("weights of the first layer", inputs * hidden, ELEMENTS_MAX),
            ("embeddings of a step", tokens * width, 1 << 40),
            ("rows of a step's passes", passes, 1 << 15),
            ("rows of all merge programs", parameter_count(m) * slots * slots, 1 << 20),
        ];
        match volumes.into_iter().find(|(_, found, high)| found > high) {
            Some((what, found, high)) => Err(SpecError::Volume { what, found, high }),
            None => Ok(()),
        }
    }

    fn check_rates(&self) -> Result<(), SpecError> {
        let mut rates = vec![("init_std", self.model.init_std), ("dropout", self.model.dropout)];
        let mut shares = vec![("dropout", self.model.dropout), ("outer momentum", self.outer.momentum)];
        match &self.model.architecture {
            Architecture::Gpt(gpt) => rates.push(("norm_epsilon", gpt.norm_epsilon)),
            Architecture::Llama(llama) => {
                rates.extend([("norm_epsilon", llama.norm_epsilon), ("rope_base", llama.rope_base)]);
            }
            Architecture::Mlp(_) => {}
        }
        match &self.optimizer {
            OptimizerSpec::AdamW(o) => {
                let betas = [("beta1", o.beta1), ("beta2", o.beta2)];
                rates.extend(betas);
                rates.extend([("epsilon", o.epsilon), ("weight_decay", o.weight_decay)]);
                shares.extend(betas);
            }
            OptimizerSpec::Sgd(o) => {
                rates.extend([("momentum", o.momentum), ("weight_decay", o.weight_decay)]);
                shares.push(("momentum", o.momentum));
            }
        }
        rates.extend([("clip_norm", self.optimizer.clip_norm()), ("peak", self.schedule.peak)]);
        if let Decay::Cosine { floor } | Decay::Linear { floor } = self.schedule.decay {
            rates.push(("decay floor", floor));
        }
        rates.extend([
            ("outer learning_rate", self.outer.learning_rate),
            ("outer momentum", self.outer.momentum),
        ]);
        if let Some((field, _)) = rates.into_iter().find(|(_, rate)| !rate.is_finite_positive_or_zero()) {
            return Err(SpecError::Rate { field });
        }
        // Bits of numbers at or above zero are in the numbers' own order.
        if let Some((field, _)) = shares.into_iter().find(|(_, F32Bits(bits))| *bits >= ONE) {
            return Err(SpecError::Share { field });
        }
        match &self.model.architecture {
            Architecture::Llama(llama) if llama.rope_base.0 < ONE => Err(SpecError::RopeBase),
            _ => Ok(()),
        }
    }

    /// Tokens that one step reads as inputs: batch times context.
    pub fn tokens_per_step(&self) -> u64 {
        u64::from(self.batch) * u64::from(self.model.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::golden_spec;
    use crate::spec::{Activation, LlamaSpec, MlpSpec};

    fn with(change: impl Fn(&mut RunSpec)) -> Result<(), SpecError> {
        let mut spec = golden_spec();
        change(&mut spec);
        spec.check()
    }

    /// M-6.1: each limit refuses by name, in the order of the checks.
    #[test]
    fn limits() {
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|s| s.arithmetic_version = 2), Err(SpecError::Version { found: 2 }));
        let steps = SpecError::Size { field: "steps", found: 3, low: 4, high: 1 << 14 };
        assert_eq!(with(|s| s.steps = 3), Err(steps));
        assert_eq!(with(|s| s.accumulation = 2), Err(SpecError::Accumulation { accumulation: 2, batch: 3 }));
        let volume = |result| matches!(result, Err(SpecError::Volume { .. }));
        assert!(volume(with(|s| (s.batch, s.model.context) = (1024, 1 << 15))));
        assert!(volume(with(|s| (s.slots, s.model.layers) = (256, 256))));
        assert!(volume(with(|s| (s.batch, s.accumulation) = (1 << 10, 1 << 10))));
        let peak = Err(SpecError::Rate { field: "peak" });
        assert_eq!(with(|s| s.schedule.peak = F32Bits(0xBF80_0000)), peak);
        assert_eq!(with(|s| s.model.dropout = F32Bits(ONE)), Err(SpecError::Share { field: "dropout" }));
        assert_eq!(with(|s| s.model.dropout = F32Bits(ONE - 1)), Ok(()));
        let outer = Err(SpecError::Share { field: "outer momentum" });
        assert_eq!(with(|s| s.outer.momentum = F32Bits(ONE)), outer);
    }

    /// M-6.1: what only a Llama or an MLP can get wrong.
    #[test]
    fn architectures() {
        let llama = |heads, key_value_heads, rope_base| {
            let (rope_base, norm_epsilon) = (F32Bits(rope_base), F32Bits(0x3727_C5AC));
            let own = LlamaSpec { heads, key_value_heads, rope_base, norm_epsilon };
            with(|s| s.model.architecture = Architecture::Llama(own))
        };
        assert_eq!(llama(6, 3, ONE), Ok(()));
        let groups = SpecError::KeyValueHeads { key_value_heads: 4, heads: 6 };
        assert_eq!(llama(6, 4, ONE), Err(groups));
        let none = SpecError::Size { field: "key_value_heads", found: 0, low: 1, high: 1 << 10 };
        assert_eq!(llama(6, 0, ONE), Err(none));
        assert_eq!(llama(5, 5, ONE), Err(SpecError::Heads { heads: 5, width: 36 }));
        assert_eq!(llama(4, 2, ONE), Err(SpecError::OddHead { head: 9 }));
        assert_eq!(llama(6, 3, ONE - 1), Err(SpecError::RopeBase));
        let mlp = |change: fn(&mut RunSpec)| {
            with(|s| {
                s.model.architecture = Architecture::Mlp(MlpSpec { activation: Activation::Relu });
                s.model.tied = false;
                change(s);
            })
        };
        assert_eq!(mlp(|_| ()), Ok(()));
        assert_eq!(mlp(|s| s.model.tied = true), Err(SpecError::Tied));
        let wide = mlp(|s| (s.model.context, s.model.width) = (1 << 12, (1 << 12) + 1));
        let found = (1 << 24) + (1 << 12);
        assert_eq!(wide, Err(SpecError::Volume { what: "inputs of the first layer", found, high: 1 << 24 }));
    }
}
