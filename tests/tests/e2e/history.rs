//! "Anyone can retrace": later processes compute a finished run again, from blocks and blobs (V-5.2, L-8.2).

use crate::subject::{refused, refused_as_usage, shared};
use serde_json::Value;

/// "A fresh process on the reference backend gives the same checkpoint", from the shards alone.
#[test]
fn reference_backend_gives_the_same_checkpoint() {
    let demo = shared();
    let replay = demo.retrace("replay", &["--all", "--backend", "reference", "--json"]).exits(0).json();
    assert_eq!(replay["backend"], "reference");
    assert_eq!(replay["verdict"], "match");
    assert_eq!(replay["checkpoint_root"], demo.said["checkpoint_root"]);
    assert_eq!(replay["ledger_root"], demo.said["checkpoint_root"]);
    let spoken = demo.retrace("replay", &["--all", "--threads", "2"]).exits(0);
    assert!(spoken.stdout.starts_with("MATCH: 2 rounds"), "{spoken}");
}

/// "One step is replayed by name, and the answer is its exit status": honest steps match, the lied step does not.
#[test]
fn steps_replay_one_by_one() {
    let demo = shared();
    let lie = demo.convictions()[0].clone();
    let (round, slot) = (&lie["round"], lie["slot"].as_u64().expect("a step has a slot"));
    for honest in (0..3).filter(|honest| *honest != slot) {
        let at = format!("{round}.{honest}.3");
        let run = demo.retrace("replay", &["--step", &at]).exits(0);
        assert!(run.stdout.starts_with(&format!("MATCH {at}")), "{run}");
    }
    let at = format!("{round}.{slot}.{}", lie["step"]);
    let run = demo.retrace("replay", &["--step", &at]).exits(1);
    assert!(run.stdout.starts_with(&format!("MISMATCH {at}")), "{run}");
    let said = demo.retrace("replay", &["--step", &at, "--json"]).exits(1).json();
    assert_eq!(said["verdict"], "mismatch");
    assert_ne!(said["claimed"]["state_root"], said["replayed"]["state_root"]);
    assert_eq!(
        said["claimed"]["batch_digest"], said["replayed"]["batch_digest"],
        "only the gradient was poisoned"
    );
}

/// "A step that does not exist is named, with what does exist."
#[test]
fn unknown_steps_are_refused() {
    let demo = shared();
    for at in ["9.0.0", "0.7.0"] {
        refused(demo.retrace("replay", &["--step", at]), "there is no commitment");
    }
    refused(demo.retrace("replay", &["--step", "0.0.77"]), "the segment has 4 steps");
    for at in ["0.1", "a.b.c", "", "0.0.0.0", "0.99999.0"] {
        refused_as_usage(demo.retrace("replay", &["--step", at]), "--step");
    }
    refused_as_usage(demo.retrace("replay", &["--all", "--backend", "abacus"]), "abacus");
    refused_as_usage(demo.retrace("replay", &[]), "required");
}

/// "What `b3sum` prints is the digest in the state root" (V-1.1).
#[test]
fn exported_tensor_has_the_printed_digest() {
    let demo = shared();
    let file = demo.beside("wte.bin");
    let export = crate::subject::text(&file);
    let said =
        demo.retrace("show", &["--tensor", "wte.weight", "--export", &export, "--json"]).exits(0).json();
    let bytes = std::fs::read(&file).expect("the tensor was exported");
    assert_eq!(said["digest"], blake3::hash(&bytes).to_hex().as_str());
    assert_eq!(said["bytes"], bytes.len());
    assert_eq!(said["shape"], serde_json::json!([256, 16]));
    assert_eq!(said["state_root"], demo.said["checkpoint_root"]);
    let first = demo.retrace("show", &["--tensor", "wte.weight", "--round", "0", "--json"]).exits(0).json();
    assert_ne!(first["digest"], said["digest"], "two rounds of training change a tensor");
}

/// "A name that nothing has is answered with the nearest one."
#[test]
fn unknown_tensors_are_refused() {
    let demo = shared();
    let run = demo.retrace("show", &["--tensor", "wte.weigth"]);
    assert!(run.stderr.contains("did you mean wte.weight?"), "{run}");
    refused(run, "no tensor wte.weigth");
    refused(demo.retrace("show", &["--tensor", "wte.weight", "--round", "7"]), "the base of round 7");
    let nowhere = crate::subject::text(&demo.beside("missing/wte.bin"));
    refused(demo.retrace("show", &["--tensor", "wte.weight", "--export", &nowhere]), "cannot use");
}

/// "The ledger's own story tells of the slash" (L-8.4): each line of the log is JSON, heights never fall.
#[test]
fn log_is_json_line_by_line() {
    let demo = shared();
    let run = demo.retrace("log", &["--json"]).exits(0);
    let lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let heights: Vec<_> = lines.iter().map(|line| line["height"].as_u64().expect("a height")).collect();
    assert!(heights.is_sorted() && heights.last() <= demo.said["height"].as_u64().as_ref(), "{heights:?}");
    let slashed: Vec<_> = lines.iter().filter(|line| line["event"] == "slashed").collect();
    let [slash] = slashed[..] else { panic!("one slash in {run}") };
    assert_eq!(slash["amount"], demo.said["slashed"][0]["amount"]);
    assert!(demo.retrace("log", &[]).exits(0).stdout.contains("SLASHED"));
}

/// "A finished run can be looked at": the overview is one JSON object that agrees with the demo's.
#[test]
fn overview_agrees_with_the_demo() {
    let demo = shared();
    let said = demo.retrace("show", &["--json"]).exits(0).json();
    for key in ["network", "checkpoint_root"] {
        assert_eq!(said[key], demo.said[key], "{key}");
    }
    // A heartbeat may follow the block that finished the run.
    assert!(said["height"].as_u64() >= demo.said["height"].as_u64(), "{said}");
    let lie = demo.convictions()[0].clone();
    let slots = said["rounds"][0]["slots"].as_array().expect("slots");
    let (slot, id) = (lie["slot"].as_u64().expect("a slot"), lie["id"].as_str().expect("an id"));
    for (at, status) in (0..).zip(slots.iter().map(|slot| slot["status"].as_str().unwrap_or_default())) {
        let expected = if at == slot { format!("convicted in dispute {id}") } else { "verified".into() };
        assert_eq!(status, expected, "slot {at}");
    }
    assert!(demo.retrace("show", &[]).exits(0).stdout.contains("checkpoint_root"));
}
