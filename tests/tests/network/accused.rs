//! "Falsely accused, and killed in the middle of its defense": an honest trainer makes its segment again, goes on with the
//! move that is due, and wins (V-4.7, W-5.3, W-5.4).

use crate::{
    agree::agree,
    follow::{MOMENT_PATIENCE, dispute, finished, slashed_names, slots, under_way},
    manifest::Manifest,
    net::Network,
    node::Node,
    process::{running, signal, wait_for},
};
use serde_json::Value;
use std::{thread, time::Duration};

/// Honest trainers, one verifier that disputes what is right, and one that does its duty.
fn manifest() -> Manifest {
    let manifest = Manifest::training("tiny", 2, 8).nodes("trainer", 2).accusers(1).nodes("verifier", 1);
    manifest.run("audit_rate = 1.0\nverdicts = 1")
}

/// How long who was killed stays down.
const DOWN: Duration = Duration::from_secs(2);

/// By arithmetic; and who disputed it lost its bond, and nobody else anything.
#[track_caller]
fn the_accused_won(network: &Network, watcher: &Node, id: &Value) -> Value {
    let said = dispute(watcher, id);
    assert_eq!((&said["winner"], &said["by_clock"]), (&"accused".into(), &false.into()), "{said}");
    let names = slashed_names(network, watcher);
    let is_accuser = |name: &String| name == "accuser";
    assert!(
        !names.is_empty() && names.iter().all(is_accuser),
        "the false challenger and nobody else: {names:?}"
    );
    said
}

#[test]
fn the_accused_is_killed_in_its_game_and_wins() {
    let network = Network::start(&manifest());
    let watcher = network.node("validator-1");
    let found = under_way(&watcher);
    let (id, account) = (&found["id"], found["accused"].as_str().expect("an account"));
    let accused = network.name_of(account);
    assert_eq!(network.name_of(found["challenger"].as_str().expect("an account")), "accuser");
    network.kill(&accused);
    println!("killed {accused} after move {} of its dispute", found["moves"]);
    thread::sleep(DOWN);
    let head = || dispute(&watcher, id)["head"].clone();
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

    let run = finished(&watcher);
    the_accused_won(&network, &watcher, id);
    for slot in slots(&watcher, &run, 0).iter().filter(|slot| slot["trainer"] == account) {
        assert_eq!(
            slot["status"], "verified",
            "a dispute that was lost says nothing about the claim: {slot}"
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
    let network = Network::start(&manifest());
    let watcher = network.node("validator-1");
    let found = under_way(&watcher);
    let all = running(&network.home());
    assert!(all.len() >= 8, "four validators, two trainers and two verifiers run: {all:?}");
    all.iter().for_each(|pid| signal(*pid, "STOP"));
    thread::sleep(HALT);
    all.iter().for_each(|pid| signal(*pid, "CONT"));

    finished(&watcher);
    let said = the_accused_won(&network, &watcher, &found["id"]);
    println!("stopped after move {}; the accused's clock: {}", found["moves"], said["clock_of_accused"]);
    agree(&network.nodes());
}
