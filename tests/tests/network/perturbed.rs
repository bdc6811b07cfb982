//! "Killed, paused and started again by a manifest": the run ends well, all agree, nothing acknowledged is lost.

use crate::{
    agree::{agree, slashed},
    load::{Load, all_included},
    net::Network,
    process::wait_for,
};
use std::time::{Duration, Instant};

/// Every kind of node, a liar among the trainers, and all that may happen to them. Times count from the open run.
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
role = "trainer"

[[node]]
role = "verifier"
count = 2

[run]
preset = "tiny"
rounds = 8
steps = 4
audit_rate = 1.0

[[perturb]]
at = "8s"
node = "validator-2"
action = "kill"
for = "5s"

[[perturb]]
at_round = 1
node = "trainer-1"
action = "kill"
for = "2s"

[[perturb]]
at = "20s"
node = "validator-*"
action = "kill"
for = "3s"

[[perturb]]
at = "28s"
node = "verifier-1"
action = "restart"

[[perturb]]
at = "32s"
node = "validator-3"
action = "pause"
for = "10s"
"#;
/// When the last of it is over.
const PERTURBED: Duration = Duration::from_secs(45);
/// Longest run.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn perturbed_networks_lose_nothing() {
    let network = Network::start(MANIFEST);
    let (since, before) = (Instant::now(), network.nodes());
    let validators = network.all("validator");
    let pairs = validators.iter().map(|node| (node.clone(), network.wallet(&node.name, 1_000_000)));
    let load = Load::start(pairs.collect());
    wait_for("end of the run and of all perturbations", PATIENCE, || {
        let run = validators[0].run()?;
        (run["phase"] == "finished" && since.elapsed() > PERTURBED).then_some(())
    });
    let acknowledged = load.stop();
    println!("{} transactions acknowledged in {:?}", acknowledged.len(), since.elapsed());
    assert!(acknowledged.len() > 100, "{} is no load", acknowledged.len());
    // Every validator was killed once, and so was the trainer: other processes answer now.
    for old in before.iter().filter(|node| node.is("validator") || node.name == "trainer-1") {
        assert_ne!(network.node(&old.name).pid, old.pid, "{} was never killed", old.name);
    }
    let height = agree(&network.nodes());
    println!("all nodes agree on {height} blocks");
    for validator in &validators {
        all_included(validator, &acknowledged);
        let slashes = slashed(validator);
        let names =
            slashes.iter().map(|slash| network.name_of(slash["account"].as_str().expect("an account")));
        let names: Vec<_> = names.collect();
        assert_eq!(names, ["trainer-2"], "the liar and nobody else: {slashes:?}");
    }
}
