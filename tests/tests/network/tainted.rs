//! "A lie that was merged before its verdict": the run returns to its clean base, nobody honest loses, and whoever comes to
//! the blocks later retraces the branch that counts (L-5.18, L-5.19).

use crate::{
    agree::agree,
    follow::{finished, slashed_names},
    manifest::Manifest,
    net::{Network, text},
    node::Node,
};
use retrace_tests::binary::retrace;
use serde_json::Value;

/// Enough for a lie in the first round, what is made from it, and the round that goes on.
const ROUNDS: u32 = 8;

/// Every step is audited, so a lie is found soon, but not before it is merged.
fn manifest() -> Manifest {
    let trainers =
        Manifest::training("tiny", ROUNDS, 4).nodes("trainer", 1).liar("trainer", "poisoned-gradient");
    let optimistic = "audit_rate = 1.0\nmerging = \"optimistic\"\nahead = 3\ninsured = 0.5";
    trainers.nodes("verifier", 2).run(optimistic)
}

fn rounds(node: &Node, run: &str) -> Vec<Value> {
    (0..ROUNDS).map(|round| node.get(&format!("/v1/runs/{run}/rounds/{round}"))).collect()
}

#[test]
fn a_merged_lie_is_gone_behind() {
    let network = Network::start(&manifest());
    let watcher = network.node("validator-1");
    let run = finished(&watcher);
    let id = run["id"].as_str().expect("an id");
    assert_eq!(run["clean_root"], run["checkpoint_root"], "nothing is unverified at the end: {run}");
    let names = slashed_names(&network, &watcher);
    let is_liar = |name: &String| name == "trainer-2";
    assert!(!names.is_empty() && names.iter().all(is_liar), "the liar and nobody else: {names:?}");

    let rounds = rounds(&watcher, id);
    let merged_lies = rounds.iter().filter(|round| round["is_dead"] == true && round["taint"].is_null());
    let tainted: Vec<&Value> = rounds.iter().filter(|round| !round["taint"].is_null()).collect();
    println!("tainted: {:?}", tainted.iter().map(|round| &round["round"]).collect::<Vec<_>>());
    let [source, ..] = &merged_lies.collect::<Vec<_>>()[..] else { panic!("no lie was merged: {rounds:?}") };
    assert!(!tainted.is_empty(), "nothing was made from it: {rounds:?}");
    // The first round after the taint starts where the lie's round started.
    let is_of_it = |round: &&&Value| round["taint"]["by"] == tainted[0]["taint"]["by"];
    let last = tainted.iter().filter(is_of_it).filter_map(|round| round["round"].as_u64()).max();
    let clean = rounds.iter().find(|round| round["round"].as_u64() > last).expect("a round goes on");
    assert_eq!((&clean["base"], &clean["parent"]), (&source["base"], &source["parent"]));
    // Whoever was honest in a clean round is paid in full.
    for round in rounds.iter().filter(|round| round["taint"].is_null()) {
        for slot in round["slots"].as_array().expect("slots") {
            let trainer = slot["trainer"].as_str().map(|key| network.name_of(key));
            let is_honest = trainer.as_deref() == Some("trainer-1") && !slot["commitment"].is_null();
            assert!(!is_honest || slot["status"] == "verified", "{round}");
        }
    }
    agree(&network.nodes());

    let home = text(&network.home().join("nodes/trainer-1"));
    let replay = retrace(&["replay", "--all", "--home", &home, "--json"]).exits(0).json();
    assert_eq!(replay["verdict"], "match", "{replay}");
    assert_eq!(replay["checkpoint_root"], run["checkpoint_root"], "{replay}");
    let dead: Vec<&Value> = tainted.iter().map(|round| &round["round"]).collect();
    let said: Vec<&Value> = replay["dead"].as_array().expect("a list").iter().collect();
    assert_eq!(said, dead, "what stands on the lie is named: {replay}");
}
