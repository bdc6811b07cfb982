//! "Honest runs slash nobody", and the boundary of what audits can see.

use crate::subject::{Demo, shared};

/// "The liar is whoever lies": the same lie by another trainer convicts the other trainer.
#[test]
fn liar_moves_the_conviction() {
    shared().slashes_only(&["trainer-2"]);
    for liar in ["trainer-1", "trainer-3"] {
        let demo = Demo::with_liar(&format!("{liar}:poisoned-gradient"));
        demo.slashes_only(&[liar]);
        assert_eq!(demo.convictions()[0]["accused"], liar);
    }
}

/// "A lie that nobody draws stands, visible to whoever replays" (V-5.1): no audit of steps, no conviction.
#[test]
fn without_audits_the_lie_stands_in_history() {
    let arguments = ["--preset", "tiny", "--rounds", "2", "--steps", "4", "--audit-rate", "0"];
    let demo = Demo::new(&arguments);
    demo.slashes_only(&[]);
    assert_eq!(demo.said["disputes"].as_array().map(Vec::len), Some(0));
    assert!(demo.said["evidence_file"].is_null());
    assert_eq!(demo.said["escape_probability"], 1.0);
    let replay = demo.retrace("replay", &["--all", "--json"]).exits(1).json();
    assert_eq!(replay["verdict"], "mismatch");
    assert!(replay["differences"].as_array().is_some_and(|places| !places.is_empty()), "{replay}");
}

/// "An honest run has no dispute", and every step of it replays to the same bits.
#[test]
fn honest_run_has_no_dispute() {
    let demo = Demo::new(&[&crate::subject::SMALL[..], &["--honest"]].concat());
    demo.slashes_only(&[]);
    assert_eq!(demo.said["disputes"].as_array().map(Vec::len), Some(0));
    assert_eq!(demo.said["audits"]["mismatch"], 0);
    assert_eq!(demo.said["commitments"], 6);
    let replay = demo.retrace("replay", &["--all", "--json"]).exits(0).json();
    assert_eq!(replay["verdict"], "match");
    assert_eq!(replay["checkpoint_root"], demo.said["checkpoint_root"]);
    assert_eq!(replay["steps"], 24);
}
