//! "Killed, paused and started again by a manifest": the run ends well, all agree, nothing acknowledged is lost.

use crate::{
    agree::agree,
    follow::slashed_names,
    load::{Load, all_included},
    manifest::Manifest,
    net::Network,
    process::wait_for,
};
use std::time::{Duration, Instant};

/// Every kind of node, a liar among the trainers, and all that may happen to them. Times count from the open run.
fn manifest() -> Manifest {
    Manifest::training("tiny", 8, 4)
        .nodes("trainer", 1)
        .liar("trainer", "poisoned-gradient")
        .nodes("trainer", 1)
        .nodes("verifier", 2)
        .run("audit_rate = 1.0")
        .perturbed("validator-2", "at = \"8s\"\naction = \"kill\"\nfor = \"5s\"")
        .perturbed("trainer-1", "at_round = 1\naction = \"kill\"\nfor = \"2s\"")
        .perturbed("validator-*", "at = \"20s\"\naction = \"kill\"\nfor = \"3s\"")
        .perturbed("verifier-1", "at = \"28s\"\naction = \"restart\"")
        .perturbed("validator-3", "at = \"32s\"\naction = \"pause\"\nfor = \"10s\"")
}

/// When the last of it is over.
const PERTURBED: Duration = Duration::from_secs(45);
/// Longest run.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn perturbed_networks_lose_nothing() {
    let network = Network::start(&manifest());
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
        assert_eq!(slashed_names(&network, validator), ["trainer-2"], "the liar and nobody else");
    }
}
