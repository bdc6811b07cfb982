//! "Killed in the middle of its work": a trainer in its segment, a verifier in its dispute (W-5.1, W-5.2, W-5.3, W-5.4).

use crate::{
    agree::{agree, slashed},
    net::Network,
    node::Node,
    process::wait_for,
};
use retrace_tests::binary::retrace;
use serde_json::Value;
use std::{thread, time::Duration};

/// Segments of seconds, an early liar, and one verifier: nobody else ends the dispute for it.
const MANIFEST: &str = r#"
[[node]]
role = "validator"
count = 4

[[node]]
role = "trainer"

[[node]]
role = "trainer"
strategy = "poisoned-gradient"

[[node]]
role = "verifier"

[run]
preset = "small"
rounds = 3
steps = 24
audit_rate = 0.5
verdicts = 1
"#;
/// Longest wait for a moment to kill in.
const MOMENT_PATIENCE: Duration = Duration::from_secs(90);
/// Longest run.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long who was killed stays down.
const DOWN: Duration = Duration::from_secs(2);

/// The slot of a trainer in the current round that has no commitment yet: round, slot.
fn open_slot(node: &Node, trainer: &str) -> Option<(u64, usize)> {
    let run = node.run()?;
    let (id, round) = (run["id"].as_str()?, run["round"].as_u64()?);
    let round_said = node.ask(&format!("/v1/runs/{id}/rounds/{round}"))?;
    let slots = round_said["slots"].as_array()?;
    let at = slots.iter().position(|slot| slot["trainer"] == trainer && slot["commitment"].is_null())?;
    Some((round, at))
}

/// The open dispute that has moved.
fn dispute(node: &Node) -> Option<Value> {
    let said = node.ask("/v1/disputes")?;
    let is_under_way = |one: &&Value| one["open"] == true && one["moves"].as_u64() >= Some(1);
    said["disputes"].as_array()?.iter().find(is_under_way).cloned()
}

#[test]
fn the_killed_go_on_where_they_were() {
    let network = Network::start(MANIFEST);
    let (watcher, trainer) = (network.node("validator-1"), network.node("trainer-1"));
    let (round, slot) = wait_for("segment", MOMENT_PATIENCE, || open_slot(&watcher, &trainer.account));
    network.kill("trainer-1");
    thread::sleep(DOWN);
    assert_eq!(open_slot(&watcher, &trainer.account), Some((round, slot)), "it was in mid-segment");
    let trainer_again = network.start_again("trainer-1");

    let dispute = wait_for("dispute", MOMENT_PATIENCE, || dispute(&watcher));
    let challenger = network.name_of(dispute["challenger"].as_str().expect("an account"));
    network.kill(&challenger);
    println!("killed {challenger} after move {} of its dispute", dispute["moves"]);
    thread::sleep(DOWN);
    let id = dispute["id"].as_str().expect("an id").to_string();
    let said = watcher.get(&format!("/v1/disputes/{id}"));
    assert_eq!(said["head"]["open"], true, "it was in mid-dispute: {said}");
    let on = |command: &str| ["dispute", command, &id[..10], "--rpc", &watcher.url()].map(String::from);
    let resolved = retrace(&on("resolve")).exits(1);
    assert!(resolved.stdout.contains("heights and") && resolved.stdout.contains("left"), "{resolved}");
    let open = retrace(&["dispute", "list", "--open", "--json", "--rpc", &watcher.url()]).exits(0).json();
    assert!(open["disputes"].as_array().expect("disputes").iter().any(|one| one["id"] == *id), "{open}");
    let challenger_again = network.start_again(&challenger);
    let watched = retrace(&on("watch")).exits(0);
    assert!(watched.stdout.contains("won by the challenger, by arithmetic"), "{watched}");

    let run = wait_for("end of the run", PATIENCE, || watcher.run().filter(|run| run["phase"] == "finished"));
    let said = watcher.get(&format!("/v1/disputes/{id}"));
    assert_eq!((&said["winner"], &said["by_clock"]), (&"challenger".into(), &false.into()), "{said}");
    let slashes = slashed(&watcher);
    let accused: Vec<_> = slashes.iter().map(|slash| slash["account"].clone()).collect();
    assert_eq!(accused, [network.node("trainer-2").account], "the liar and nobody else: {slashes:?}");
    let run = run["id"].as_str().expect("an id");
    let said = watcher.get(&format!("/v1/runs/{run}/rounds/{round}"));
    assert_eq!(said["slots"][slot]["status"], "verified", "the segment was trained again: {said}");
    agree(&network.nodes());
    trainer_again.end("TERM");
    challenger_again.end("TERM");
}
