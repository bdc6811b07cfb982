//! Every op of every program, forward, backward, optimizer, delta, loss and merge: one lie each, judged.

use retrace_model::op::{KINDS, Kind};
use retrace_model::program::{Program, Row, delta_program, loss_program, merge_program, step_program};
use retrace_model::selftest::golden_spec;
use retrace_model::{
    Activation, Architecture, Backend, Engine, F32Bits, GptSpec, LlamaSpec, OptimizerSpec, RunSpec, SgdSpec,
};
use retrace_verifier::evidence::{Lists, judging_bytes};
use retrace_verifier::game::MoveKind;
use retrace_verifier::lab::{Bench, ENVELOPE_BYTES, Ending, Lie, Trial};
use retrace_verifier::{Side, Unit, evidence};
use std::collections::BTreeMap;

const STEP: u32 = 1;

fn small_spec() -> RunSpec {
    let mut spec = golden_spec();
    spec.model.context = 9;
    spec.model.width = 12;
    spec.model.hidden = 20;
    spec.batch = 2;
    spec
}

/// The small run, then runs that between them have every op that it lacks.
fn specs() -> Vec<RunSpec> {
    let bits = |x: f32| F32Bits(x.to_bits());
    let mut specs = vec![small_spec()];
    for activation in [Activation::GeluErf, Activation::Silu, Activation::Relu] {
        let mut spec = small_spec();
        (spec.model.dropout, spec.model.tied, spec.accumulation) = (bits(0.25), false, 2);
        spec.model.architecture = Architecture::Gpt(GptSpec { activation, ..GptSpec::new(3) });
        let (momentum, weight_decay, clip_norm) = (bits(0.9), bits(0.1), bits(1.0));
        spec.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
        specs.push(spec);
    }
    let (rope_base, norm_epsilon) = (bits(10_000.0), bits(1e-5));
    let llama = LlamaSpec { heads: 3, key_value_heads: 1, rope_base, norm_epsilon };
    let mut spec = small_spec();
    spec.model.architecture = Architecture::Llama(llama);
    specs.push(spec);
    specs.iter().for_each(|spec| assert_eq!(spec.check(), Ok(())));
    specs
}

fn bench(spec: RunSpec) -> Bench {
    let shards =
        vec![(0..900u32).map(|i| (i * i / 7) as u8).collect(), (0..700u32).map(|i| (i * 13) as u8).collect()];
    Bench::new(spec, shards, Engine { backend: Backend::best(), threads: 1 })
}

fn programs(spec: &RunSpec) -> [(Unit, Program); 4] {
    [
        (Unit::Step(STEP), step_program(spec)),
        (Unit::Delta, delta_program(spec)),
        (Unit::Loss, loss_program(spec)),
        (Unit::Merge, merge_program(spec, 2)),
    ]
}

/// The bound of a judged move from its row's shape, in thousandths of what was really posted.
fn bound_per_mille(spec: &RunSpec, trial: &Trial, row: &Row, ops: u32) -> u64 {
    let shards = trial.bundle.docket.facts.manifest.iter().map(|shard| shard.bytes);
    let entries = u64::from(step_program(spec).post_entries);
    let lists = Lists { ops: ops.into(), entries, shard_bytes: shards.max().unwrap_or(0) };
    let (bound, posted) = (judging_bytes(row, &lists), trial.judging_bytes + ENVELOPE_BYTES);
    assert!(posted <= bound, "{:?}: {posted} bytes, bound {bound}", row.kind);
    bound * 1000 / posted
}

/// One row of each kind and unit: (unit, row position, kind, elements).
fn places(spec: &RunSpec) -> Vec<(Unit, usize, Kind, usize)> {
    let mut places = Vec::new();
    for (unit, program) in programs(spec) {
        // First and last row of each kind: forward and backward, first and last layer.
        let mut seen: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
        for (at, row) in program.rows.iter().enumerate() {
            seen.entry(row.kind).and_modify(|(_, last)| *last = at).or_insert((at, at));
        }
        for (kind, (first, last)) in seen {
            for at in if first == last { vec![first] } else { vec![first, last] } {
                places.push((unit, at, kind, program.rows[at].elements() as usize));
            }
        }
    }
    places
}

/// V-4.1 to V-4.8, V-3.6, V-6.2: a lie that changes the claimed post-state is convicted and located, whatever the op.
#[test]
fn every_op_is_judged() {
    let mut covered = BTreeMap::new();
    let (mut absorbed, mut bounds) = (0, Vec::new());
    for spec in specs() {
        let known: Vec<Kind> = covered.keys().copied().collect();
        every_new_op(spec, &known, &mut covered, &mut absorbed, &mut bounds);
    }
    let missing: Vec<Kind> = KINDS.into_iter().filter(|kind| !covered.contains_key(kind)).collect();
    assert!(missing.is_empty(), "never convicted: {missing:?}");
    assert!(absorbed > 0, "no lie was absorbed: the count is not being made");
    bounds.sort_unstable();
    let [median, high] = [bounds.len() / 2, bounds.len() * 9 / 10].map(|at| bounds[at]);
    assert!(median <= 1600, "the bound is {median} thousandths of a typical judging move");
    println!("convicted {covered:?}, absorbed {absorbed}");
    println!("bound / posted, thousandths: median {median}, nine in ten {high}, most {:?}", bounds.last());
}

/// Lies in one run, in the ops that are not `known` from runs before.
fn every_new_op(
    spec: RunSpec,
    known: &[Kind],
    covered: &mut BTreeMap<Kind, usize>,
    absorbed: &mut usize,
    bounds: &mut Vec<u64>,
) {
    let bench = bench(spec);
    let programs = BTreeMap::from(programs(&spec));
    for (unit, row, kind, elements) in places(&spec) {
        if known.contains(&kind) {
            continue;
        }
        for (element, mask) in [(0, 1), (elements / 2, 0x0040_0000), (elements - 1, 0x8000_0000)] {
            let lie = Lie { unit, row, element, mask };
            match bench.tell(lie).unwrap_or_else(|e| panic!("{kind:?} {lie:?}: {e}")) {
                Ending::Absorbed => *absorbed += 1,
                Ending::Judged(trial) => {
                    let finding =
                        trial.outcome.finding.unwrap_or_else(|| panic!("{kind:?} {lie:?}: no finding"));
                    assert_eq!(trial.outcome.winner, Side::Challenger, "{kind:?} {lie:?}");
                    assert_eq!((finding.row as usize, finding.kind), (row, kind), "{lie:?}");
                    assert_eq!(finding.element as usize, element, "{kind:?} {lie:?}");
                    assert!(
                        trial.judging_bytes <= 8_192 - ENVELOPE_BYTES,
                        "{kind:?}: {} bytes",
                        trial.judging_bytes
                    );
                    assert!(trial.posted_bytes <= 131_072, "{kind:?}: {} bytes", trial.posted_bytes);
                    assert!(trial.moves_a_side <= 13, "{kind:?}: {} moves", trial.moves_a_side);
                    if trial.bundle.moves.last().map(|m| m.body.kind()) == Some(MoveKind::Judge) {
                        let program = &programs[&unit];
                        bounds.push(bound_per_mille(&spec, &trial, &program.rows[row], program.trace_leaves));
                    }
                    let bytes = borsh::to_vec(&trial.bundle).unwrap();
                    let bundle = evidence::read(&bytes).unwrap();
                    assert_eq!(evidence::judge(&bundle).unwrap().finding, finding);
                    *covered.entry(kind).or_insert(0) += 1;
                }
            }
        }
    }
}
