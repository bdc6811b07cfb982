//! The runs of the lab: small ones that have every op, architecture, optimizer and option between them (V-4.8).

use super::bench::Bench;
use retrace_model::selftest::golden_spec;
use retrace_model::{
    Activation, Architecture, Backend, Engine, F32Bits, GptSpec, LlamaSpec, MlpSpec, OptimizerSpec, RunSpec,
    SgdSpec,
};

/// A run with its name.
pub(super) struct Run {
    pub name: &'static str,
    pub bench: Bench,
}

/// binary32 of 0.25, 0.9, 0.1, 1, 10,000 and 1e-5.
const QUARTER: F32Bits = F32Bits(0x3E80_0000);
const NINE_TENTHS: F32Bits = F32Bits(0x3F66_6666);
const TENTH: F32Bits = F32Bits(0x3DCC_CCCD);
const ONE: F32Bits = F32Bits(0x3F80_0000);
const ROPE_BASE: F32Bits = F32Bits(0x461C_4000);
const EPSILON: F32Bits = F32Bits(0x3727_C5AC);

const SGD: OptimizerSpec =
    OptimizerSpec::Sgd(SgdSpec { momentum: NINE_TENTHS, weight_decay: TENTH, clip_norm: ONE });

/// Two blocks of width 12: large enough for every kind of move but a second opening of one tensor.
pub(super) fn small_spec() -> RunSpec {
    let mut spec = golden_spec();
    (spec.model.context, spec.model.width, spec.model.hidden, spec.batch) = (9, 12, 20, 2);
    spec
}

fn gpt(activation: Activation) -> Architecture {
    Architecture::Gpt(GptSpec { activation, ..GptSpec::new(3) })
}

/// Dropout, a head of its own, two micro-batches.
fn varied(architecture: Architecture) -> RunSpec {
    let mut spec = small_spec();
    (spec.model.dropout, spec.model.tied, spec.accumulation) = (QUARTER, false, 2);
    spec.model.architecture = architecture;
    spec
}

/// A table of more than 256 chunks and chains of more than 256 terms: both are narrowed twice.
fn wide() -> RunSpec {
    let mut spec = small_spec();
    (spec.model.vocabulary, spec.model.width, spec.model.layers) = (4096, 18, 1);
    spec
}

/// All runs of the lab by name; every one is within the limits of a run (M-6.1).
pub(super) fn specs() -> [(&'static str, RunSpec); 8] {
    let llama = Architecture::Llama(LlamaSpec {
        heads: 3,
        key_value_heads: 1,
        rope_base: ROPE_BASE,
        norm_epsilon: EPSILON,
    });
    let with = |architecture| {
        let mut spec = small_spec();
        spec.model.architecture = architecture;
        spec
    };
    let sgd = |spec: RunSpec| RunSpec { optimizer: SGD, ..spec };
    let mlp = |activation| Architecture::Mlp(MlpSpec { activation });
    [
        ("gpt", small_spec()),
        ("gpt-silu", with(gpt(Activation::Silu))),
        ("gpt-erf-dropout-sgd", sgd(varied(gpt(Activation::GeluErf)))),
        ("llama", with(llama)),
        ("llama-dropout-sgd", sgd(varied(llama))),
        ("mlp-relu-dropout", varied(mlp(Activation::Relu))),
        ("mlp-gelu-sgd", sgd(varied(mlp(Activation::GeluTanh)))),
        ("gpt-wide", wide()),
    ]
}

/// A bench for a specification, over two shards of bytes.
pub(super) fn bench(spec: RunSpec) -> Bench {
    let shard = |n: u32, k: u32| (0..n).map(|i| (i * i / 7 + i * k) as u8).collect();
    Bench::new(spec, vec![shard(900, 0), shard(700, 13)], Engine { backend: Backend::best(), threads: 1 })
}

/// All runs, ready to lie in.
pub(super) fn runs() -> Vec<Run> {
    specs().into_iter().map(|(name, spec)| Run { name, bench: bench(spec) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrace_model::op::{KINDS, Kind};
    use retrace_model::program::{delta_program, loss_program, merge_program, step_program};

    /// V-4.8, M-6.1: the lab's runs could be opened, and have every op between them.
    #[test]
    fn the_runs_have_every_op() {
        let mut found: Vec<Kind> = Vec::new();
        for (name, spec) in specs() {
            assert_eq!(spec.check(), Ok(()), "{name}");
            let programs =
                [step_program(&spec), delta_program(&spec), loss_program(&spec), merge_program(&spec, 2)];
            found.extend(programs.iter().flat_map(|program| &program.rows).map(|row| row.kind));
        }
        let missing: Vec<Kind> = KINDS.into_iter().filter(|kind| !found.contains(kind)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
