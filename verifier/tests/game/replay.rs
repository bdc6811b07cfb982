//! What replays are compared by: trace roots, claims, pins; equal on every backend, changed by every lie.

use crate::world::{Rng, UNITS, World};
use retrace_model::{Backend, Engine};
use retrace_verifier::segment::Honest;
use retrace_verifier::{Unit, lab::Lie, program_pins, unit_pin};

/// V-5.2, V-5.3: one trace root on every backend, for sound and for diverged runs, and with dropout.
#[test]
fn every_backend_gives_one_trace_root() {
    for mut world in [World::new(), World::diverged(), World::varied()] {
        for unit in UNITS {
            let expected = world.case(unit, &Honest).honest.trace_root();
            for backend in Backend::available() {
                world.engine = Engine { backend, threads: 2 };
                assert_eq!(world.case(unit, &Honest).honest.trace_root(), expected, "{unit} on {backend}");
            }
        }
    }
}

/// V-5.3: a word changed anywhere changes the trace root, absorbed or not.
#[test]
fn every_lie_changes_the_trace_root() {
    let world = World::new();
    for unit in UNITS {
        let honest = world.case(unit, &Honest).honest;
        for seed in 0..10 {
            let mut rng = Rng(seed);
            let row = rng.below(honest.program.rows.len());
            let lie = Lie { unit, row, element: rng.below(honest.outputs[row].len()), mask: 1 };
            assert_ne!(world.case(unit, &lie).accused.trace_root(), honest.trace_root(), "{lie:?}");
        }
    }
}

/// V-3.1, V-3.7: a unit's own pin is the run's; a merge of none, or of more than the slots, has none.
#[test]
fn a_unit_pin_is_the_pin_of_the_run() {
    let spec = World::new().spec;
    let pins = program_pins(&spec);
    assert_eq!(unit_pin(&spec, Unit::Step(3), 0), Some(pins.step));
    assert_eq!(unit_pin(&spec, Unit::Delta, 0), Some(pins.delta));
    assert_eq!(unit_pin(&spec, Unit::Loss, 0), Some(pins.loss));
    assert_eq!(pins.merges.len(), usize::from(spec.slots));
    for (at, pin) in pins.merges.iter().enumerate() {
        assert_eq!(unit_pin(&spec, Unit::Merge, at + 1), Some(*pin));
    }
    for deltas in [0, usize::from(spec.slots) + 1, 1 << 16, usize::MAX] {
        assert_eq!(unit_pin(&spec, Unit::Merge, deltas), None);
    }
    assert_eq!(
        [Unit::Step(3), Unit::Delta, Unit::Loss, Unit::Merge].map(|u| u.to_string()),
        ["step 3", "delta", "loss", "merge"]
    );
}
