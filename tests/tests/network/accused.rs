//! "Falsely accused, and killed in the middle of its defense": an honest trainer makes its segment again, goes on with the
//! move that is due, and wins (V-4.7, W-5.3, W-5.4).

use crate::{
    agree::{agree, slashed},
    net::Network,
    node::Node,
    process::{running, signal, wait_for},
};
use serde_json::Value;
use std::{thread, time::Duration};

/// Honest trainers, one verifier that disputes what is right, and one that does its duty.
const MANIFEST: &str = r#"
[[node]]
role = "validator"
count = 4

[[node]]
role = "trainer"
count = 2

[[node]]
role = "verifier"
name = "accuser"
strategy = "false-challenge"

[[node]]
role = "verifier"

[run]
preset = "tiny"
rounds = 2
steps = 8
audit_rate = 1.0
verdicts = 1
"#;
/// Longest wait for a moment to kill in.
const MOMENT_PATIENCE: Duration = Duration::from_secs(90);
/// Longest run.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long who was killed stays down.
const DOWN: Duration = Duration::from_secs(2);

/// The open dispute that has moved.
fn under_way(node: &Node) -> Option<Value> {
    let said = node.ask("/v1/disputes")?;
    let is_under_way = |one: &&Value| one["open"] == true && one["moves"].as_u64() >= Some(1);
    said["disputes"].as_array()?.iter().find(is_under_way).cloned()
}

#[test]
fn the_accused_is_killed_in_its_game_and_wins() {
    let network = Network::start(MANIFEST);
    let watcher = network.node("validator-1");
    let dispute = wait_for("dispute", MOMENT_PATIENCE, || under_way(&watcher));
    let (id, account) = (dispute["id"].as_str().expect("an id"), dispute["accused"].as_str());
    let account = account.expect("an account");
    let accused = network.name_of(account);
    assert_eq!(network.name_of(dispute["challenger"].as_str().expect("an account")), "accuser");
    network.kill(&accused);
    println!("killed {accused} after move {} of its dispute", dispute["moves"]);
    thread::sleep(DOWN);
    let head = || watcher.get(&format!("/v1/disputes/{id}"))["head"].clone();
    let before = head();
    assert_eq!(before["open"], true, "it was in mid-dispute: {before}");

    // It comes back, answers, and is killed once more.
    let moves = before["moves"].as_u64().expect("a number");
    let again = network.start_again(&accused);
    let moved = || Some(head()).filter(|head| head["moves"].as_u64() >= Some(moves + 2));
    let now = wait_for("answer of who came back", MOMENT_PATIENCE, moved);
    drop(again);
    println!("killed {accused} again after move {}", now["moves"]);
    thread::sleep(DOWN);
    let again = network.start_again(&accused);

    let run = wait_for("end of the run", PATIENCE, || watcher.run().filter(|run| run["phase"] == "finished"));
    let said = watcher.get(&format!("/v1/disputes/{id}"));
    assert_eq!((&said["winner"], &said["by_clock"]), (&"accused".into(), &false.into()), "{said}");
    for slash in slashed(&watcher) {
        let name = network.name_of(slash["account"].as_str().expect("an account"));
        assert_eq!(name, "accuser", "the false challenger and nobody else: {slash}");
    }
    assert!(!slashed(&watcher).is_empty(), "its bond is lost");
    let run = run["id"].as_str().expect("an id");
    let slots = watcher.get(&format!("/v1/runs/{run}/rounds/0"))["slots"].clone();
    for slot in slots.as_array().expect("slots").iter().filter(|slot| slot["trainer"] == account) {
        assert_eq!(
            slot["status"], "verified",
            "a dispute that was lost says nothing about the claim: {slots}"
        );
    }
    agree(&network.nodes());
    again.end("TERM");
}

/// How long everything stands still: longer than the clock of any side.
const HALT: Duration = Duration::from_secs(60);

/// "A halt of the ledger expires no clock": all processes stop in mid-game for a minute, and the accused wins all the
/// same; a block credits two seconds at most, whatever its time (L-3.3, L-3.4).
#[test]
fn a_halt_of_a_minute_expires_no_clock() {
    let network = Network::start(MANIFEST);
    let watcher = network.node("validator-1");
    let dispute = wait_for("dispute", MOMENT_PATIENCE, || under_way(&watcher));
    let id = dispute["id"].as_str().expect("an id").to_owned();
    let all = running(&network.home());
    assert!(all.len() >= 8, "four validators, two trainers and two verifiers run: {all:?}");
    all.iter().for_each(|pid| signal(*pid, "STOP"));
    thread::sleep(HALT);
    all.iter().for_each(|pid| signal(*pid, "CONT"));

    wait_for("end of the run", PATIENCE, || watcher.run().filter(|run| run["phase"] == "finished"));
    let said = watcher.get(&format!("/v1/disputes/{id}"));
    assert_eq!((&said["winner"], &said["by_clock"]), (&"accused".into(), &false.into()), "{said}");
    let clock = &said["clock_of_accused"];
    println!("stopped after move {}; the accused's clock: {clock}", dispute["moves"]);
    for slash in slashed(&watcher) {
        let name = network.name_of(slash["account"].as_str().expect("an account"));
        assert_eq!(name, "accuser", "the false challenger and nobody else: {slash}");
    }
    agree(&network.nodes());
}
