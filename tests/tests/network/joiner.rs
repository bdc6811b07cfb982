//! "A stranger joins, works, is paid and leaves": own keys, a bond, a slot, itemized rewards, stake that comes back.

use crate::{
    agree::{agree, slashed},
    follow::{number as amount, slots},
    manifest::Manifest,
    net::{Network, text},
    node::Node,
    outsider,
    process::wait_for,
};
use retrace_tests::binary::{Run, retrace};
use serde_json::Value;
use std::time::Duration;

/// Two trainers for three slots, short windows, and rounds for as long as anybody looks.
fn manifest() -> Manifest {
    Manifest::training("tiny", 1000, 4)
        .network("key_delay = 4\nattest = { heights = 5, seconds = 5 }")
        .network("breaker = { heights = 5, seconds = 5 }\nunbond = { heights = 48, seconds = 58 }")
        .nodes("trainer", 2)
        .nodes("verifier", 2)
        .run("slots = 3\naudit_rate = 0.5\ncommit = { heights = 10, seconds = 10 }")
        .run("verdict = { heights = 8, seconds = 8 }\nmove = { heights = 6, seconds = 8 }")
}

/// Longest wait for any one thing.
const PATIENCE: Duration = Duration::from_secs(150);

/// `retrace stake COMMAND` with the joiner's keystore.
#[track_caller]
fn stake(node: &Node, arguments: &[&str]) -> Run {
    let (home, url) = (text(&node.home), node.url());
    retrace(&[&["stake"], arguments, &["--home", &home, "--rpc", &url, "--wait", "--json"]].concat()).exits(0)
}

/// The changes of an account add up to what it has.
#[track_caller]
fn adds_up(said: &Value) -> bool {
    let (mut sum, changes) = (0, said["changes"].as_array().expect("a list of changes"));
    for change in changes {
        match change["effect"].as_str().expect("an effect") {
            "adds" => sum += amount(change, "amount"),
            "takes" => sum -= amount(change, "amount"),
            other => assert_eq!(other, "moves"),
        }
    }
    let account = &said["account"];
    sum == ["balance", "bonded", "unbonding"].map(|key| amount(account, key)).iter().sum::<u64>()
}

/// Waits until a segment of this trainer is paid, and gives the round of it.
#[track_caller]
fn wait_for_pay(watcher: &Node, account: &str) -> u64 {
    wait_for("pay for a segment", PATIENCE, || {
        let said = watcher.ask(&format!("/v1/rewards/{account}?limit=200"))?;
        let changes = said["changes"].as_array()?;
        let pay =
            changes.iter().find(|change| change["kind"] == "reward" && change["reason"] == "Segment")?;
        pay["round"].as_u64()
    })
}

/// Lets all stake go, and watches it come back when its time is over and not before.
#[track_caller]
fn leave(watcher: &Node, joiner: &Node) {
    wait_for("end of all locks", PATIENCE, || {
        (watcher.account(&joiner.account)["locked"] == 0).then_some(())
    });
    let before = watcher.account(&joiner.account);
    let bonded = amount(&before, "bonded");
    let home = text(&joiner.home);
    let common = ["--home", &home, "--rpc", &watcher.url(), "--wait", "--json"];
    retrace(&[&["stake", "unbond", &bonded.to_string()], &common[..]].concat()).exits(0);
    let under_way = watcher.account(&joiner.account);
    assert_eq!((amount(&under_way, "bonded"), amount(&under_way, "unbonding")), (0, bonded));
    let until = &under_way["unbonding_until"];
    let (height, credited_ms) = (amount(until, "height"), amount(until, "credited_ms"));
    wait_for("stake that is free", PATIENCE, || {
        let account = watcher.account(&joiner.account);
        let now = watcher.get("/v1/status");
        let is_due = amount(&now, "height") > height && amount(&now, "credited_ms") > credited_ms;
        let is_free = amount(&account, "unbonding") == 0;
        assert!(is_due || !is_free, "free at {now}, not due before {until}");
        is_free.then_some(())
    });
    let after = watcher.account(&joiner.account);
    assert_eq!(amount(&after, "balance"), amount(&before, "balance") + bonded);
}

#[test]
fn a_stranger_joins_and_leaves() {
    let network = Network::start(&manifest());
    let (watcher, peer) = (network.node("validator-1"), network.node("verifier-1"));
    let joiner = outsider::init(&network, "joiner", Some("trainer"), &peer);
    let bond = amount(&watcher.account(&network.node("trainer-1").account), "bonded");
    network.pay(&joiner.account, 2 * bond);
    let process = network.process(&["start", "--home", &text(&joiner.home)], "joiner");
    wait_for("tip", PATIENCE, || (joiner.height()? + 3 >= watcher.height()?).then_some(()));
    stake(&joiner, &["register", "trainer"]);
    stake(&joiner, &["bond", &bond.to_string()]);
    assert_eq!(watcher.account(&joiner.account)["role"], "trainer");

    let round = wait_for_pay(&watcher, &joiner.account);
    let run = watcher.run().expect("a run");
    let slots = slots(&watcher, &run, round);
    assert!(slots.iter().any(|slot| slot["trainer"] == joiner.account), "paid for a slot: {slots:?}");
    wait_for("explanation that adds up", PATIENCE, || {
        let url = joiner.url();
        let run = retrace(&["rewards", &joiner.account, "--explain", "--json", "--rpc", &url]).exits(0);
        adds_up(&run.json()).then_some(())
    });

    println!("the joiner ended in {:?}", process.end("TERM"));
    leave(&watcher, &joiner);
    let round = |node: &Node| node.run().and_then(|run| run["round"].as_u64());
    let left_at = round(&watcher);
    wait_for("round without it", PATIENCE, || (round(&watcher) > left_at).then_some(()));
    assert_eq!(slashed(&watcher), [] as [Value; 0], "nobody lied");
    agree(&network.nodes());
}
