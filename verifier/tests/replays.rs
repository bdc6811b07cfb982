//! Replays in parts and in buffers of the replay before: every digest is that of the definition.

use retrace_model::{
    Architecture, Backend, Engine, GptSpec, RunSpec, Words, Workspace, initial_parameters,
    selftest::golden_spec,
};
use retrace_verifier::hashing::words_digest;
use retrace_verifier::segment::{Assignment, Claimed, Honest, Segment};
use retrace_verifier::{Trace, Unit, Witness};
use std::sync::Arc;

/// Context, width, heads, hidden width, batch: heads whose scores are whole parts and heads whose are not, outputs of
/// odd lengths, outputs that threads share.
const SIZES: [[u32; 5]; 5] =
    [[9, 12, 3, 20, 2], [16, 18, 3, 37, 3], [48, 44, 2, 130, 2], [64, 128, 4, 515, 1], [80, 30, 1, 61, 1]];

fn spec([context, width, heads, hidden, batch]: [u32; 5]) -> RunSpec {
    let mut spec = golden_spec();
    let model = &mut spec.model;
    (model.context, model.width, model.hidden, model.layers) = (context, width, hidden, 1);
    model.architecture = Architecture::Gpt(GptSpec::new(heads));
    (spec.batch, spec.steps) = (batch, 4);
    spec
}

struct Place {
    spec: RunSpec,
    shards: Vec<Vec<u8>>,
    base: Vec<Words>,
}

impl Place {
    fn of(size: [u32; 5]) -> Place {
        let spec = spec(size);
        assert_eq!(spec.check(), Ok(()));
        let mut base = initial_parameters(&spec);
        base.extend(base.clone());
        let shards = vec![(0..900u32).map(|i| (i * i / 7) as u8).collect()];
        Place { spec, shards, base }
    }

    fn assignment(&self, slot: u16) -> Assignment<'_> {
        let (spec, shards, base) = (&self.spec, &self.shards[..], &self.base[..]);
        Assignment { spec, beacon: &[7; 32], round: 0, slot, shards, base }
    }
}

fn units(spec: &RunSpec) -> Vec<Unit> {
    vec![Unit::Step(0), Unit::Step(spec.steps - 1), Unit::Delta, Unit::Loss]
}

/// What a segment is, to be compared.
fn bits(segment: &Segment) -> (Vec<u8>, &[Words], u32, &[Vec<Words>]) {
    let lists = borsh::to_vec(&segment.lists).unwrap();
    (lists, &segment.delta, segment.mean_loss, &segment.checkpoints)
}

/// V-5.2, M-8.5: one after another in one workspace, replays give every digest of the definition, each unit of each
/// size, on every backend.
#[test]
fn replays_give_the_digests_of_the_definition() {
    let reference = Engine { backend: Backend::Reference, threads: 1 };
    let fast = Backend::available().into_iter().filter(|backend| *backend > Backend::Portable);
    let engines: Vec<Engine> =
        fast.flat_map(|backend| [1, 2].map(|threads| Engine { backend, threads })).collect();
    let mut workspaces = vec![Workspace::default(); engines.len()];
    let mut compared = 0;
    for size in SIZES {
        let place = Place::of(size);
        let at = place.assignment(0);
        let segment = at.train(&reference, &Honest, |_| {}).unwrap();
        for unit in units(&place.spec) {
            let task = at.task(unit, segment.before(unit), &segment.lists).unwrap();
            let defined: Witness = at.witness(task.clone(), &reference, &Honest);
            for (engine, workspace) in engines.iter().zip(&mut workspaces) {
                let rerun = at.rerun_in(workspace, task.clone(), engine, Arc::new(Honest));
                let outline = rerun.outline();
                for (row, words) in defined.outputs.iter().enumerate() {
                    assert_eq!(
                        outline.digest(row),
                        Some(words_digest(words)),
                        "{size:?} {unit} {engine:?} {row}"
                    );
                    compared += 1;
                }
                assert_eq!(outline.trace_root(), defined.trace_root(), "{size:?} {unit} {engine:?}");
                assert_eq!(Claimed::replayed(&rerun), Claimed::replayed(&defined));
            }
        }
    }
    assert!(compared >= 1000, "{compared} digests");
}

/// V-3.3, M-8.1: segments one after another in one workspace, of other sizes too, are those of a workspace each.
#[test]
fn segments_in_one_workspace() {
    let engine = Engine { backend: Backend::best(), threads: 2 };
    let mut workspace = Workspace::default();
    for size in [SIZES[1], SIZES[1], SIZES[2], SIZES[1]] {
        let place = Place::of(size);
        for slot in 0..2 {
            let at = place.assignment(slot);
            let alone = at.train(&engine, &Honest, |_| {}).unwrap();
            let together = at.train_in(&mut workspace, &engine, &Honest, |_| {}).unwrap();
            assert!(bits(&alone) == bits(&together), "{size:?}, slot {slot}");
            let task = at.task(Unit::Step(1), alone.before(Unit::Step(1)), &alone.lists).unwrap();
            let replayed = at.rerun_in(&mut workspace, task, &engine, Arc::new(Honest));
            assert_eq!(Claimed::replayed(&replayed).post, Some(alone.lists.step_roots[1]));
        }
    }
}
