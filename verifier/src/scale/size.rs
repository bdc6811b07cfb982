//! Runs from a toy to seven billion parameters, in one layout (V-4.10).

use retrace_model::program::{ParameterShape, parameter_table};
use retrace_model::selftest::golden_spec;
use retrace_model::{Architecture, GptSpec, RunSpec};
use std::fmt;

/// How large a model is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Some ten thousand parameters.
    Toy,
    /// A hundred million.
    Million100,
    /// A billion.
    Billion1,
    /// Seven billion.
    Billion7,
}

/// All sizes, smallest first.
pub const SIZES: [Size; 4] = [Size::Toy, Size::Million100, Size::Billion1, Size::Billion7];

struct Shape {
    vocabulary: u32,
    context: u32,
    width: u32,
    layers: u32,
    hidden: u32,
    heads: u32,
}

impl Size {
    /// Its name, also on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Size::Toy => "toy",
            Size::Million100 => "100M",
            Size::Billion1 => "1B",
            Size::Billion7 => "7B",
        }
    }

    fn shape(self) -> Shape {
        let (vocabulary, context) = (131_072, 2048);
        match self {
            Size::Toy => Shape { vocabulary: 256, context: 32, width: 48, layers: 2, hidden: 192, heads: 4 },
            Size::Million100 => {
                Shape { vocabulary: 50_257, context: 1024, width: 768, layers: 12, hidden: 3072, heads: 12 }
            }
            Size::Billion1 => Shape { vocabulary, context, width: 2048, layers: 16, hidden: 8192, heads: 32 },
            // The layer of a Llama of this size, with two matrices behind its attention and not three.
            Size::Billion7 => {
                Shape { vocabulary, context, width: 4096, layers: 41, hidden: 11_008, heads: 32 }
            }
        }
    }

    /// Sequences of a step, one run each.
    fn sequences(self) -> &'static [u32] {
        match self {
            Size::Toy => &[4],
            Size::Million100 | Size::Billion1 => &[1],
            Size::Billion7 => &[1, 16],
        }
    }

    /// The runs that are played, by tokens of a step.
    pub fn runs(self) -> Vec<RunSpec> {
        let shape = self.shape();
        let run = |sequences: &u32| {
            let mut spec = golden_spec();
            let m = &mut spec.model;
            (m.vocabulary, m.context, m.width) = (shape.vocabulary, shape.context, shape.width);
            (m.layers, m.hidden) = (shape.layers, shape.hidden);
            m.architecture = Architecture::Gpt(GptSpec::new(shape.heads));
            (spec.batch, spec.steps, spec.schedule.warmup_steps) = (*sequences, 500, 10);
            spec
        };
        self.sequences().iter().map(run).collect()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Numbers that a run's model learns.
pub(super) fn parameters(spec: &RunSpec) -> u64 {
    parameter_table(&spec.model).iter().map(ParameterShape::elements).sum()
}

#[cfg(test)]
mod tests {
    use super::{SIZES, parameters};

    /// V-4.10: each size is that of its name, its runs could be opened, and the largest has the shapes it claims.
    #[test]
    fn sizes_are_what_they_are_called() {
        let near = [0.07e6, 100e6, 1e9, 7e9];
        for (size, near) in SIZES.into_iter().zip(near) {
            for spec in size.runs() {
                assert_eq!(spec.check(), Ok(()), "{size}");
                let ratio = parameters(&spec) as f64 / near;
                assert!((0.99..1.3).contains(&ratio), "{size}: {} parameters", parameters(&spec));
            }
        }
        let tokens: Vec<u32> = SIZES[3].runs().iter().map(|spec| spec.batch * spec.model.context).collect();
        assert_eq!(tokens, [2_048, 32_768]);
    }
}
