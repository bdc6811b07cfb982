//! Disputes over single ops with streamed operands: every row that the lab plays is convicted at its lie (V-3.6, V-4.10).

use retrace_model::op::Form;
use retrace_model::program::step_program;
use retrace_model::selftest::golden_spec;
use retrace_model::{Architecture, GptSpec, RunSpec};
use retrace_verifier::evidence::{Lists, judge, judging_bytes};
use retrace_verifier::game::Side;
use retrace_verifier::scale::{Options, ROWS, Scene, Size, Sizes, Sources, choose, play, sizes};

fn spec(sequences: u32, context: u32, width: u32, hidden: u32, vocabulary: u32) -> RunSpec {
    let mut spec = golden_spec();
    let m = &mut spec.model;
    (m.context, m.width, m.hidden, m.vocabulary) = (context, width, hidden, vocabulary);
    m.architecture = Architecture::Gpt(GptSpec::new(4));
    spec.batch = sequences;
    assert_eq!(spec.check(), Ok(()));
    spec
}

/// V-3.6, V-4.10: toy sizes in one chunk, and some in which every tensor is opened several times.
#[test]
fn every_row_is_convicted_at_its_lie_by_a_bundle_that_stands_alone() {
    for spec in [spec(2, 9, 20, 36, 300), spec(3, 300, 64, 520, 5_000)] {
        let program = step_program(&spec);
        let mut sources = Sources::new(1, 2);
        for (number, name) in (0..).zip(ROWS) {
            let at = choose(&spec, &program, name).unwrap();
            let scene = Scene::new(&spec, &program, at, &mut sources, number).unwrap();
            let played = play(&scene).unwrap();
            assert_eq!(played.outcome.winner, Side::Challenger, "{name:?}");
            let finding = played.outcome.finding.unwrap();
            assert_eq!((finding.row as usize, finding.element), (at, scene.element()), "{name:?}");
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
    let scene = Scene::new(&spec, &program, at, &mut Sources::new(1, 1), 0).unwrap();
    let played = play(&scene).unwrap();
    let (game, last) = &played.judging;
    let mut last = last.clone();
    let retrace_verifier::Move::Judge(proofs) = &mut last.body else { panic!("the last move judges") };
    proofs[0].chunk[0] ^= 1;
    assert!(game.clone().play(&last).is_err());
}

fn measured(seed: u64, threads: usize) -> Sizes {
    let options = Options { seed, largest: Size::Toy, threads, clock: &|| 0 };
    let mut heard = 0;
    let found = sizes(&options, &mut |done| heard = done).unwrap();
    assert_eq!((heard, found.disputes.len() as u64), (options.disputes(), options.disputes()));
    found
}

/// V-4.10: every dispute of a size is proven within the bounds; lies follow from the seed, on however many threads.
#[test]
fn a_size_is_measured() {
    let found = measured(7, 2);
    assert_eq!(found.broken(), Vec::<String>::new());
    let at = found.by_size()[0];
    assert_eq!((at.disputes, at.tokens, at.parameters), (10, 128, 70_464));
    assert!(
        at.judging_bytes > 2_000 && at.posted_bytes > at.judging_bytes && at.bundle_bytes > at.judging_bytes
    );
    let lies = |found: &Sizes| found.disputes.iter().map(|d| d.element).collect::<Vec<_>>();
    assert_eq!(lies(&found), lies(&measured(7, 1)));
    assert_ne!(lies(&found), lies(&measured(8, 1)));
    let table = found.to_string();
    assert_eq!(table.lines().count(), 3 + 1 + 2 + ROWS.len(), "{table}");
    assert!(table.contains("toy/128") && table.contains("AdamW, parameter"), "{table}");
}

/// V-4.10: whatever is out of a bound is named with its op and size.
#[test]
fn a_broken_bound_is_named() {
    let mut found = measured(7, 1);
    let one = &mut found.disputes[3];
    (one.judging_bytes, one.posted_bytes, one.moves) = (8_193, 131_073, [14, 2]);
    (one.judge_ns, one.is_proven) = (1_000_001, false);
    let broken = found.broken();
    assert_eq!(broken.len(), 5, "{broken:?}");
    assert!(
        broken[..4].iter().all(|what| what.starts_with("toy, 128 tokens, matmul, logits: ")),
        "{broken:?}"
    );
    for part in ["8193", "131073", "14 moves", "not proven", "1000001 ns"] {
        assert!(broken.iter().any(|what| what.contains(part)), "{part} in {broken:?}");
    }
}
