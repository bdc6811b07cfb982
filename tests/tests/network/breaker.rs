//! "Where many trainers are convicted at once, slashes wait": two of three lie, the breaker of their run goes on, and
//! what it deferred is executed when its time is over (L-5.17).

use crate::{
    agree::agree,
    follow::{MOMENT_PATIENCE, events, finished, number, of_kind, slashed_names, slots},
    manifest::Manifest,
    net::Network,
    node::Node,
    process::wait_for,
};
use serde_json::Value;

/// The breaker once it is on and defers both slashes.
fn deferring(watcher: &Node) -> Option<Value> {
    let run = watcher.run()?;
    let said = watcher.ask(&format!("/v1/runs/{}", run["id"].as_str()?))?;
    let breaker = &said["breaker"];
    (breaker["on_until"].is_object() && breaker["pending"].as_array()?.len() == 2).then(|| breaker.clone())
}

/// While it is on nothing is settled for good, merged or slashed, and no round begins.
#[track_caller]
fn nothing_is_merged_meanwhile(all: &[Value], off: u64) {
    let since = all.iter().skip_while(|event| event["event"] != "breaker_on");
    for event in since.take_while(|event| number(event, "height") < off) {
        let is_forbidden = match event["event"].as_str().unwrap_or_default() {
            "settled" => event["status"] == "verified",
            kind => ["slashed", "base_posted", "base_accepted", "round_opened", "voided"].contains(&kind),
        };
        assert!(!is_forbidden, "the breaker is on until {off}: {event}");
    }
}

/// What it deferred is executed in its order, in the block in which it goes off.
#[track_caller]
fn slashes_are_executed(all: &[Value], off: u64) {
    let key = |event: &Value| (event["peer"].clone(), event["claim"].clone(), event["amount"].clone());
    let deferred: Vec<_> = of_kind(all, "slash_deferred").into_iter().map(key).collect();
    let slashed = of_kind(all, "slashed");
    assert!(slashed.iter().all(|slash| slash["height"] == off && slash["reason"] == "Lie"), "{slashed:?}");
    assert_eq!(slashed.into_iter().map(key).collect::<Vec<_>>(), deferred);
    assert_eq!(deferred.len(), 2);
}

/// When the honest segment had all its verdicts, each a match: without a breaker it is settled then.
#[track_caller]
fn could_be_settled(all: &[Value], honest: &Value) -> u64 {
    let units = honest["drawn"].as_array().expect("drawn units").len();
    let verdicts = of_kind(all, "verdict").into_iter().filter(|one| one["claim"] == honest["commitment"]);
    let heights: Vec<u64> = verdicts.map(|one| number(one, "height")).collect();
    assert_eq!(heights.len(), 2 * units, "two verdicts a unit");
    heights.into_iter().max().expect("verdicts")
}

#[test]
fn slashes_wait_while_the_breaker_is_on() {
    // No step is drawn: both lies come to light at once, within the breaker's time.
    let manifest = Manifest::training("tiny", 2, 4)
        .network("breaker = { heights = 10, seconds = 10 }\nbreaker_share = 0.2")
        .liar("trainer", "wrong-delta")
        .liar("trainer", "wrong-delta")
        .nodes("trainer", 1)
        .nodes("verifier", 2)
        .run("audit_rate = 0.0");
    let network = Network::start(&manifest);
    let watcher = network.node("validator-1");
    let liars = ["trainer-1", "trainer-2"].map(|name| network.node(name).account);
    let stakes = liars.each_ref().map(|liar| number(&watcher.account(liar), "bonded"));

    let breaker = wait_for("breaker that defers two slashes", MOMENT_PATIENCE, || deferring(&watcher));
    println!("{breaker}");
    let run = watcher.run().expect("a run");
    assert_eq!((&run["phase"], &run["round"]), (&"auditing".into(), &0.into()), "the round waits: {run}");
    for slash in breaker["pending"].as_array().expect("a list") {
        let liar =
            liars.iter().position(|liar| slash["account"] == *liar).expect("the liars and nobody else");
        let account = watcher.account(&liars[liar]);
        assert_eq!(account["locked"], slash["amount"], "what is pending is locked: {account}");
        assert_eq!(number(&account, "bonded"), stakes[liar], "and not slashed: {account}");
    }

    let run = finished(&watcher);
    let all = events(&watcher);
    let [on, off] = ["breaker_on", "breaker_off"].map(|kind| {
        let found = of_kind(&all, kind);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    });
    println!("{}\n{}", on["text"], off["text"]);
    assert_eq!(off["executed"], 2, "{off}");
    let [from, to] = [&on, &off].map(|event| number(event, "height"));
    assert!(to > number(&on["until"], "height"), "not before its time is past: {on} {off}");
    nothing_is_merged_meanwhile(&all, to);
    slashes_are_executed(&all, to);
    let mut names = slashed_names(&network, &watcher);
    names.sort();
    assert_eq!(names, ["trainer-1", "trainer-2"], "the liars and nobody else");
    for (liar, stake) in liars.iter().zip(stakes) {
        let account = watcher.account(liar);
        assert!(number(&account, "bonded") < stake && account["locked"] == 0, "{account}");
    }

    // The run goes on with the honest one alone, and the round that waited is merged.
    let honest = network.node("trainer-3").account;
    let slot =
        slots(&watcher, &run, 0).into_iter().find(|slot| slot["trainer"] == *honest).expect("its slot");
    assert_eq!(slot["status"], "verified", "{slot}");
    let settled = of_kind(&all, "settled").into_iter().find(|one| one["claim"] == slot["commitment"]);
    let (settled, could) = (number(settled.expect("its end"), "height"), could_be_settled(&all, &slot));
    println!(
        "the honest segment had its verdicts at height {could}, the breaker was on from {from} to {to}, it is settled at {settled}"
    );
    assert!(settled >= could && !(from..to).contains(&settled), "height {settled}");
    assert_eq!(of_kind(&all, "base_accepted").len(), 2, "both rounds were merged");
    let height = agree(&network.nodes());
    println!("all nodes agree on {height} blocks");
}
