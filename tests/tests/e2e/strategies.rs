//! "Each strategy is convicted of exactly what it did, and evidence and judge agree" (V-4.3 to V-4.6, V-6.2).

use crate::subject::{Demo, text};
use retrace_tests::binary::{judge, retrace};
use serde_json::Value;

/// Where a lie is found: the op, the unit, the tensor.
struct Lie {
    liar: &'static str,
    strategy: &'static str,
    ops: &'static [&'static str],
    /// `None` for a training step, by number.
    unit: Option<&'static str>,
    tensor: Option<&'static str>,
}

#[track_caller]
fn is_convicted(lie: &Lie) {
    let demo = Demo::with_liar(&format!("{}:{}", lie.liar, lie.strategy));
    demo.slashes_only(&[lie.liar]);
    let convictions = demo.convictions();
    let [conviction] = convictions[..] else { panic!("one lie, one conviction: {convictions:?}") };
    assert_eq!(conviction["accused"], lie.liar);
    assert_eq!(conviction["winner"], "challenger");
    let op = conviction["op"].as_str().unwrap_or_default();
    assert!(lie.ops.contains(&op), "{op} in {conviction}");
    match lie.unit {
        Some(unit) => assert_eq!(conviction["step"], unit),
        None => assert!(conviction["step"].is_u64(), "{conviction}"),
    }
    if let Some(tensor) = lie.tensor {
        assert_eq!(conviction["tensor"], tensor);
    }
    evidence_stands_alone(&demo, conviction);
}

/// Both judges, from the bundle's bytes alone, find what the ledger found.
#[track_caller]
fn evidence_stands_alone(demo: &Demo, conviction: &Value) {
    let bundle = demo.bundle();
    let ours = retrace(&["evidence", "verify", "--json", &text(&bundle)]).exits(0).json();
    assert_eq!(ours["verdict"], "proven");
    for key in ["op", "tensor", "index", "claimed_bits", "right_bits"] {
        assert_eq!(ours[key], conviction[key], "{key}");
    }
    assert_eq!(ours["network"], demo.said["network"]);
    assert_eq!(ours["dispute"], conviction["id"]);
    let run = judge(&bundle).exits(0);
    let theirs: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e} in {run}"));
    for key in ["op", "accused", "network", "dispute"] {
        assert_eq!(theirs[key], ours[key], "{key} of the other judge");
    }
    for (key, our_key) in [("claimed", "claimed_bits"), ("right", "right_bits")] {
        assert_eq!(bits(&theirs[key]), bits(&ours[our_key]), "{key} of the other judge");
    }
}

fn bits(value: &Value) -> Option<u32> {
    let text = value.as_str()?;
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

const STEP: Lie = Lie { liar: "", strategy: "", ops: &[], unit: None, tensor: None };

/// M-3.6: a negated gradient is caught in the op that was negated.
#[test]
fn poisoned_gradient() {
    let ops = &["GeluBackward"];
    is_convicted(&Lie { liar: "trainer-1", strategy: "poisoned-gradient", ops, ..STEP });
}

/// M-5.1: a step that changed nothing differs in the optimizer's outputs.
#[test]
fn stale_step() {
    let ops = &["AdamFirst", "AdamSecond", "AdamParameter"];
    is_convicted(&Lie { liar: "trainer-3", strategy: "stale-step", ops, ..STEP });
}

/// M-4.5: a delta is end less base.
#[test]
fn wrong_delta() {
    let (ops, unit) = (&["Subtract"], Some("delta"));
    is_convicted(&Lie { liar: "trainer-1", strategy: "wrong-delta", ops, unit, ..STEP });
}

/// M-6.3: nobody chooses data.
#[test]
fn wrong_batch() {
    let (ops, tensor) = (&["Tokens"], Some("batch"));
    is_convicted(&Lie { liar: "trainer-3", strategy: "wrong-batch", ops, tensor, ..STEP });
}

/// M-5.2: the learning rate is derived, never chosen.
#[test]
fn wrong_rate() {
    let ops = &["AdamParameter"];
    is_convicted(&Lie { liar: "trainer-2", strategy: "wrong-rate", ops, ..STEP });
}

/// M-3.8: a loss is an output like any other.
#[test]
fn false_loss() {
    let (ops, tensor) = (&["Scale"], Some("loss"));
    is_convicted(&Lie { liar: "trainer-2", strategy: "false-loss", ops, tensor, ..STEP });
}

/// M-5.3, L-5.7: a base is claimed by a bonded peer, and refuted like a step.
#[test]
fn wrong_base() {
    let (ops, unit, tensor) = (&["NesterovParameter"], Some("merge"), Some("wte.weight"));
    is_convicted(&Lie { liar: "trainer-3", strategy: "wrong-base", ops, unit, tensor });
}

/// L-5.14, V-6.3: who shows each challenger another trace is convicted by two of them, with a file that both judges prove.
#[test]
fn two_traces() {
    let demo = Demo::with_liar("trainer-2:two-traces");
    demo.slashes_only(&["trainer-2"]);
    assert_eq!(demo.said["slashed"][0]["reason"], "Contradiction", "{}", demo.said["slashed"]);
    assert!(demo.convictions().is_empty(), "nothing was judged: {}", demo.said["disputes"]);
    let bundle = demo.bundle();
    let ours = retrace(&["evidence", "verify", "--json", &text(&bundle)]).exits(0).json();
    assert_eq!((&ours["verdict"], &ours["kind"]), (&"proven".into(), &"proved by contradiction".into()));
    let disputes = demo.said["disputes"].as_array().expect("a list of disputes");
    let accused =
        |dispute: &Value| disputes.iter().any(|one| one["id"] == *dispute && one["accused"] == "trainer-2");
    let both = ours["disputes"].as_array().expect("two disputes");
    assert!(both.len() == 2 && both[0] != both[1] && both.iter().all(accused), "{ours}");
    judge(&bundle).exits(0);
}
