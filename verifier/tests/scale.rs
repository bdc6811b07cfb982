//! Disputes over single ops with streamed operands: every row that the lab plays is convicted at its lie (V-3.6, V-4.8).

use retrace_model::op::Form;
use retrace_model::program::step_program;
use retrace_model::selftest::golden_spec;
use retrace_model::{Architecture, GptSpec, RunSpec};
use retrace_verifier::evidence::{Lists, judge, judging_bytes};
use retrace_verifier::game::Side;
use retrace_verifier::scale::{ROWS, Scene, Sources, choose, play};

fn spec(sequences: u32, context: u32, width: u32, hidden: u32, vocabulary: u32) -> RunSpec {
    let mut spec = golden_spec();
    let m = &mut spec.model;
    (m.context, m.width, m.hidden, m.vocabulary) = (context, width, hidden, vocabulary);
    m.architecture = Architecture::Gpt(GptSpec::new(4));
    spec.batch = sequences;
    assert_eq!(spec.check(), Ok(()));
    spec
}

/// V-3.6, V-4.8: toy sizes in one chunk, and some in which every tensor is opened several times.
#[test]
fn every_row_is_convicted_at_its_lie_by_a_bundle_that_stands_alone() {
    for spec in [spec(2, 9, 20, 36, 300), spec(3, 300, 64, 520, 5_000)] {
        let program = step_program(&spec);
        let mut sources = Sources::new();
        for name in ROWS {
            let at = choose(&spec, &program, name).unwrap();
            let scene = Scene::new(&spec, &program, at, &mut sources, 2).unwrap();
            let played = play(&scene).unwrap();
            assert_eq!(played.outcome.winner, Side::Challenger, "{name:?}");
            let finding = played.outcome.finding.unwrap();
            assert_eq!(finding.row as usize, at, "{name:?}");
            assert_eq!(finding.link.is_none(), finding.kind.form() == Form::Element);
            assert_eq!(judge(&played.bundle).map(|proven| proven.finding), Ok(finding), "{name:?}");
            let lists = Lists { ops: program.trace_leaves.into(), entries: 108, shard_bytes: 1 << 30 };
            assert!(played.judging_bytes() <= judging_bytes(scene.row(), &lists), "{name:?}");
        }
    }
}

/// V-4.2: a bundle of which one byte of one proof is another proves nothing.
#[test]
fn a_streamed_bundle_does_not_survive_a_changed_operand() {
    let spec = spec(2, 9, 20, 36, 300);
    let program = step_program(&spec);
    let at = choose(&spec, &program, ROWS[0]).unwrap();
    let scene = Scene::new(&spec, &program, at, &mut Sources::new(), 1).unwrap();
    let played = play(&scene).unwrap();
    let (game, last) = &played.judging;
    let mut last = last.clone();
    let retrace_verifier::Move::Judge(proofs) = &mut last.body else { panic!("the last move judges") };
    proofs[0].chunk[0] ^= 1;
    assert!(game.clone().play(&last).is_err());
}
