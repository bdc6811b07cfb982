//! "Ctrl-C leaves nothing behind, and the same home goes on": a devnet in the foreground, interrupted, started again.

use crate::{
    agree::{agree, heads},
    manifest::Manifest,
    net::{Network, text},
    process::{STOP_PATIENCE, none_left, running, signal, wait_for},
};
use retrace_tests::binary::{Run, retrace};
use std::{fs, time::Duration};

/// Longest wait for blocks.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_interrupted_devnet_goes_on() {
    let network = Network::prepare(&Manifest::validators(4));
    let supervisor = network.foreground();
    let watcher = network.node("validator-1");
    wait_for("five blocks", PATIENCE, || (watcher.height()? >= 5).then_some(()));
    let before = heads(&watcher, 1);
    let took = supervisor.end("INT");
    println!("four validators and their supervisor ended in {took:?}");
    none_left(&network.home());
    assert_eq!(network.record().expect("devnet.json stays")["phase"], "stopped");

    network.detach();
    let watcher = network.node("validator-1");
    let last = before.len() as u64;
    wait_for("block after the last one", PATIENCE, || (watcher.height()? > last).then_some(()));
    assert_eq!(heads(&watcher, 1)[..before.len()], before, "the same history");
    agree(&network.nodes());

    a_running_devnet_is_left_alone(&network);
    network.devnet("stop").exits(0);
    none_left(&network.home());
    network.devnet("clean").exits(0);
    assert!(!network.home().join("devnet.json").exists(), "clean leaves no devnet");
}

/// Refused with an error and a hint, and with nothing done.
#[track_caller]
fn refuses(run: Run, error: &str) {
    assert!([1, 2].contains(&run.code), "{run}");
    let named = run.stderr.lines().any(|line| line.starts_with("error: ") && line.contains(error));
    assert!(named && run.stderr.contains("hint: "), "no `error: ... {error}` with a hint in {run}");
}

/// "One process at a time writes to a home", and nobody cleans what runs.
#[track_caller]
fn a_running_devnet_is_left_alone(network: &Network) {
    let before = network.nodes();
    let (home, node) = (text(&network.home()), network.node("validator-1"));
    refuses(network.devnet("clean"), &home);
    refuses(retrace(&["devnet", "start", "--home", &home]), &home);
    refuses(retrace(&["start", "--home", &text(&node.home)]), "in use by another process");
    let other = network.beside("other.toml");
    fs::write(&other, Manifest::validators(3).to_string()).expect("a manifest");
    refuses(retrace(&["devnet", "start", "--home", &home, "--manifest", &text(&other)]), &home);
    let said = retrace(&["devnet", "status", "--home", &home, "--json"]).exits(0).json();
    assert_eq!(said["nodes"].as_array().map(Vec::len), Some(before.len()), "{said}");
    let pids = |nodes: Vec<crate::node::Node>| nodes.iter().map(|node| node.pid).collect::<Vec<_>>();
    assert_eq!(pids(network.nodes()), pids(before), "the same processes run");
}

/// "Where the supervisor itself is killed, its nodes end by themselves", and the home goes on all the same.
#[test]
fn nodes_end_with_their_supervisor() {
    let network = Network::start(&Manifest::validators(4));
    let watcher = network.node("validator-1");
    let height = wait_for("three blocks", PATIENCE, || watcher.height().filter(|height| *height >= 3));
    let said = network.record().expect("a devnet has a devnet.json");
    let supervisor = said["supervisor"].as_u64().expect("a process id");
    signal(supervisor.try_into().expect("a process id"), "KILL");
    wait_for("end of all nodes", STOP_PATIENCE, || running(&network.home()).is_empty().then_some(()));
    network.detach();
    let watcher = network.node("validator-1");
    wait_for("block after the last one", PATIENCE, || (watcher.height()? > height).then_some(()));
    agree(&network.nodes());
}
