//! "Evidence is judged without trusting anybody": what a reader is told, and what the proof is relative to (V-6.1, V-6.2).

use crate::subject::{shared, text};
use retrace_tests::binary::retrace;

/// "It says what it is": proved by arithmetic, where, and relative to which facts of the ledger.
#[test]
fn a_bundle_explains_itself() {
    let demo = shared();
    let bundle = text(&demo.bundle());
    let conviction = demo.convictions()[0].clone();
    let spoken = retrace(&["evidence", "verify", &bundle]).exits(0).stdout;
    assert!(spoken.starts_with("PROVEN by arithmetic"), "{spoken}");
    for key in ["op", "claimed_bits", "right_bits", "id"] {
        let value = conviction[key].as_str().expect("a text");
        assert!(spoken.contains(value), "{key} {value} in {spoken}");
    }
    assert!(spoken.contains("relative to"), "{spoken}");
    let said = retrace(&["evidence", "verify", "--json", &bundle]).exits(0).json();
    assert_eq!(said["kind"], "proved by arithmetic");
    let facts: Vec<_> = said["relative_to"].as_array().expect("facts").iter().map(|f| &f["fact"]).collect();
    for fact in ["run", "base", "beacon", "program", "shard"] {
        assert!(facts.iter().any(|named| **named == fact), "{fact} in {said}");
    }
}

/// "It needs nothing but itself": the home may be gone, and the network with it.
#[test]
fn a_bundle_needs_no_home() {
    let demo = shared();
    let alone = tempfile::TempDir::new().expect("a temporary folder");
    let copy = alone.path().join("alone");
    std::fs::copy(demo.bundle(), &copy).expect("a copy of the bundle");
    retrace(&["evidence", "verify", &text(&copy)]).exits(0);
}

/// "Decided by the ledger's clock" is the word of validators: without a genesis nobody is trusted, status 3; another
/// network's genesis decides nothing, and a file that is no genesis is unreadable.
#[test]
fn a_clock_is_not_arithmetic() {
    let silence = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/evidence/clock/silence.bin");
    let said = retrace(&["evidence", "verify", "--json", silence]).exits(3).json();
    assert_eq!(said["kind"], "decided by the ledger's clock");
    let home = text(&shared().home());
    let said = retrace(&["evidence", "verify", "--json", silence, "--genesis", &home]).exits(1).json();
    assert_eq!(said["verdict"], "disproven");
    retrace(&["evidence", "verify", silence, "--genesis", silence]).exits(2);
}

/// "Proved by contradiction": two answers to one question, from the file alone.
#[test]
fn a_contradiction_says_so() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/evidence/contradiction_partials.bin");
    let said = retrace(&["evidence", "verify", "--json", file]).exits(0).json();
    assert_eq!((&said["kind"], &said["verdict"]), (&"proved by contradiction".into(), &"proven".into()));
    let spoken = retrace(&["evidence", "verify", file]).exits(0).stdout;
    assert!(spoken.starts_with("PROVEN by contradiction") && spoken.contains("accumulators"), "{spoken}");
}
