//! "One command, a network of processes": the default demo within its time, and nothing of it left running.

use crate::{net::text, net::turn, process::none_left};
use retrace_tests::binary::{judge, retrace, retrace_within};
use retrace_tests::demo::KEYS;
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Four validators, three trainers, two verifiers.
const PROCESSES: usize = 9;
/// What the law says is three minutes; a busy machine gets more.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn default_demo_is_a_network() {
    let _turn = turn();
    let folder = TempDir::new().expect("a temporary folder");
    let home = text(&folder.path().join("home"));
    let since = Instant::now();
    let run = retrace_within(PATIENCE, &["demo", "--json", "--home", &home]).exits(0);
    println!("the demo took {:?}", since.elapsed());
    none_left(folder.path());
    assert_eq!(run.stdout.lines().count(), 1, "--json prints one line and nothing else: {run}");
    let said = run.json();
    let missing: Vec<_> = KEYS.iter().filter(|key| said.get(**key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {said}");
    assert_eq!(said["validators_agree"], true);
    let heights = numbers(&said["heights"]);
    assert!(heights.len() >= 4 && heights.iter().all(|height| *height > 0), "{said}");
    let processes = said["processes"].as_array().expect("a list of processes");
    assert_eq!(processes.len(), PROCESSES, "{said}");
    assert!(processes.iter().all(|one| one["pid"].is_u64() && one["name"].is_string()), "{said}");
    convicts(&said);
    // The folder is read like a home: what the observer kept retraces the whole run.
    let replayed = retrace(&["replay", "--all", "--json", "--home", &home]).exits(0).json();
    assert_eq!(replayed["checkpoint_root"], said["checkpoint_root"]);
}

/// All numbers of a list or of an object's fields.
fn numbers(value: &Value) -> Vec<u64> {
    let fields = value.as_object().into_iter().flat_map(|object| object.values());
    let items = value.as_array().into_iter().flatten();
    fields.chain(items).filter_map(Value::as_u64).collect()
}

/// The liar and nobody else, proved to whoever has the bundle.
#[track_caller]
fn convicts(said: &Value) {
    let slashed: Vec<_> =
        said["slashed"].as_array().expect("slashes").iter().map(|slash| &slash["peer"]).collect();
    assert_eq!(slashed, ["trainer-2"], "{said}");
    assert_eq!(said["honest_slashed"], 0);
    let bundle = said["evidence_file"].as_str().expect("somebody was convicted");
    retrace(&["evidence", "verify", bundle]).exits(0);
    judge(Path::new(bundle)).exits(0);
    let [last, unigram] = ["loss_last", "unigram_bits_per_byte"].map(|key| said[key].as_f64());
    assert!(last < unigram.map(|bits| bits - 0.5), "{said}");
}
