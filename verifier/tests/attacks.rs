//! The attack lab in small: lies located, named attacks stopped, the case study attributed, honest parties unharmed.

use retrace_model::op::KINDS;
use retrace_verifier::lab::{
    Answer, Bench, Disputes, Ending, Lie, Options, PLACES, Stage, Studied, case_study, disputes, forge,
};
use retrace_verifier::{Side, Unit};
use std::collections::BTreeMap;

/// No time passes: nothing here is measured.
fn still() -> u64 {
    0
}

fn tell(seed: u64, lies: u64, only: Option<u64>, threads: usize) -> Disputes {
    disputes(&Options { seed, lies, only, threads, clock: &still }, &mut |_| {}).unwrap()
}

/// V-4.8: in every op and at every place of all runs, lies are convicted where the posted trace departs from the true
/// one, or rounded away; no honest party loses; all bounds hold.
#[test]
fn random_lies_are_located_in_every_op() {
    let report = tell(3, 300, None, 2);
    let failures: Vec<String> = report.failures().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(report.broken(true), Vec::<String>::new());
    assert_eq!((report.convicted, report.located), (300, 300));
    assert_eq!(report.lies, report.convicted + report.absorbed);
    assert_eq!((report.ops.len(), report.places.len()), (KINDS.len(), PLACES.len()));
    assert!(report.controls >= 40 && report.honest_lost == 0);
    println!("{} lies, {} absorbed, {:?}", report.lies, report.absorbed, report.ops);
}

fn lines(report: &Disputes) -> Vec<String> {
    report.told.iter().map(ToString::to_string).collect()
}

/// V-4.8: a lie follows from seed and number, whatever is told beside it and on however many threads.
#[test]
fn a_lie_can_be_told_again() {
    let all = lines(&tell(5, 40, None, 1));
    assert_eq!(all, lines(&tell(5, 40, None, 3)));
    for number in [0, 17, 39] {
        let alone = |seed| lines(&tell(seed, 0, Some(number), 1));
        assert_eq!(alone(5), [all[number as usize].clone()]);
        assert_ne!(alone(5), alone(6));
    }
}

/// What each strategy must come to: the op that convicts it, or part of the reason that refuses it.
const ENDS: [(&str, &str); 52] = [
    ("chosen-batch", "forward/embedding/Tokens"),
    ("interpolated-steps", "optimizer/AdamSecond"),
    ("skipped-steps", "optimizer/AdamSecond"),
    ("infinitesimal-update", "optimizer/AdamSecond"),
    ("tolerance-riding", "optimizer/AdamSecond"),
    ("faked-small-updates", "optimizer/AdamSecond"),
    ("reordered-data", "forward/embedding/Tokens"),
    ("chosen-dropout", "forward/embedding/Dropout"),
    ("wrong-rate", "optimizer/AdamParameter"),
    ("wrong-rate-sgd", "optimizer/SgdParameter"),
    ("wrong-optimizer-step", "optimizer/AdamParameter"),
    ("negated-activation", "forward/h.1/Gelu"),
    ("noisy-activation", "forward/h.1/Gelu"),
    ("poisoned-gradient", "backward/h.0/GeluBackward"),
    ("noisy-gradient", "backward/h.0/GeluBackward"),
    ("false-loss", "forward/head/Scale"),
    ("false-mean-loss", "loss, Scale"),
    ("forged-delta", "delta, Subtract"),
    ("wrong-merge", "merge, NesterovParameter"),
    ("stale-base", "forward/embedding/Embedding"),
    ("copied-work", "forward/embedding/Tokens"),
    ("carried-moments", "optimizer/AdamSecond"),
    ("spliced-segment", "forward/embedding/Embedding"),
    ("amortized-steps", "optimizer/AdamSecond"),
    ("omitted-delta", "merge, Add"),
    ("doubled-delta", "merge, Add"),
    ("chosen-base", "names no base"),
    ("own-hash-sampling", "nobody knew"),
    ("put-into-a-mouth", "not signed by the accused"),
    ("other-network", "another network"),
    ("other-program", "not the one that the run specification gives"),
    ("true-trace", "forward/head/Scale"),
    ("foreign-trace", "forward/embedding/Embedding"),
    ("two-traces", "forward/head/Scale"),
    ("made-up-lanes", "optimizer/RowDot"),
    ("made-up-chain", "MatMul"),
    ("withholding", "the ledger's clock"),
    ("second-trace", "a Trace move is not due now"),
    ("short-tile", "1020 bytes instead of 1024"),
    ("true-tile", "do not hash to the leaf"),
    ("long-opening", "children instead of"),
    ("noisy-nan", "not canonical"),
    ("free-leaf", "does not lead to its root"),
    ("longer-path", "siblings instead of"),
    ("shorter-chunk", "1023 bytes instead of 1024"),
    ("fewer-operands", "1 operands supplied, the row reads 2"),
    ("foreign-row", "does not lead to its root"),
    ("replayed-move", "not the next move"),
    ("move-of-another-dispute", "another dispute"),
    ("unsigned-move", "not signed by its side"),
    ("other-key", "not signed by its side"),
    ("false-accusation", "the accused was honest"),
];

/// V-4.9: every named attack is convicted at the op that it corrupts, refused for the rule that it breaks, or cannot be
/// played at all; an honest party that is attacked wins.
#[test]
fn every_named_attack_is_stopped() {
    let forgeries = forge(&mut |_| {}).unwrap();
    let ends = BTreeMap::from(ENDS);
    assert_eq!(forgeries.survived(), 0, "{forgeries}");
    assert_eq!(forgeries.forged.len(), ends.len());
    for one in &forgeries.forged {
        let answer = one.answer.to_string();
        assert!(answer.contains(ends[one.name]), "{}: {answer}", one.name);
        if let Answer::Convicted { evidence_bytes, .. } = one.answer {
            assert!(evidence_bytes <= 8_192, "{}: {evidence_bytes} bytes", one.name);
        }
        assert!(!one.does.is_empty() && !one.against.is_empty());
    }
}

/// V-4.9: first, middle and last stage, two neighbors at once, forward, backward and in the optimizer: the finding is
/// the liar's own output, in the first of the two in the order of the work; a false accuser loses.
#[test]
fn the_case_study_is_attributed() {
    let study = case_study(&mut |_| {}).unwrap();
    assert!(study.stood(), "{study}");
    let label = |row: &Studied| match (row.stage, row.stages.first()) {
        (_, None) => String::new(),
        (Stage::Optimizer, _) => "optimizer/AdamParameter".to_owned(),
        (stage, Some(at)) => format!("{stage}/h.{}/Add", at - 1),
    };
    for row in &study.rows {
        assert_eq!(row.label, label(row), "{study}");
    }
    let told = |stage, stages: &[usize]| study.rows.iter().any(|r| r.stage == stage && r.stages == stages);
    for stages in [&[1][..], &[3], &[6]] {
        assert!(told(Stage::Forward, stages) && told(Stage::Backward, stages), "{stages:?}");
    }
    assert!(told(Stage::Forward, &[1, 2]) && told(Stage::Forward, &[5, 6]) && told(Stage::Backward, &[4, 3]));
    assert_eq!(study.rows.iter().filter(|row| row.finding.is_none()).count(), 1);
    println!("{study}");
}

/// V-4.8: without a lie there is nothing to dispute, in any unit.
#[test]
fn an_empty_lie_is_absorbed() {
    let spec = retrace_model::selftest::golden_spec();
    let shards = vec![(0..900u32).map(|i| (i * 5) as u8).collect()];
    let engine = retrace_model::Engine { backend: retrace_model::Backend::best(), threads: 1 };
    let bench = Bench::new(spec, shards, engine);
    for unit in [Unit::Step(0), Unit::Step(3), Unit::Delta, Unit::Loss, Unit::Merge] {
        let lie = Lie { unit, row: 1, element: 0, mask: 0 };
        assert!(matches!(bench.tell(lie).unwrap(), Ending::Absorbed), "{unit}");
        let lie = Lie { mask: 1 << 22, ..lie };
        let Ending::Judged(trial) = bench.tell(lie).unwrap() else { panic!("{unit}: absorbed") };
        assert_eq!(trial.outcome.winner, Side::Challenger);
    }
}
