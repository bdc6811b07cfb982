//! A run as its watcher sees it: what happened in it, what is disputed, who was slashed, how it ends.

use crate::{
    agree::slashed,
    http,
    net::{Network, text},
    node::Node,
    process::wait_for,
};
use retrace_tests::binary::{judge, retrace};
use serde_json::Value;
use std::{fs, time::Duration};

/// Longest run.
const RUN_PATIENCE: Duration = Duration::from_secs(240);
/// Longest wait for a moment of it.
pub const MOMENT_PATIENCE: Duration = Duration::from_secs(90);

/// Waits for the end of the only run.
#[track_caller]
pub fn finished(watcher: &Node) -> Value {
    wait_for("end of the run", RUN_PATIENCE, || watcher.run().filter(|run| run["phase"] == "finished"))
}

/// Waits for an open dispute that has moved.
#[track_caller]
pub fn under_way(watcher: &Node) -> Value {
    wait_for("dispute", MOMENT_PATIENCE, || {
        let said = watcher.ask("/v1/disputes")?;
        let is_under_way = |one: &&Value| one["open"] == true && one["moves"].as_u64() >= Some(1);
        said["disputes"].as_array()?.iter().find(is_under_way).cloned()
    })
}

/// A dispute as it stands.
#[track_caller]
pub fn dispute(watcher: &Node, id: &Value) -> Value {
    watcher.get(&format!("/v1/disputes/{}", id.as_str().expect("an id")))
}

/// What the interface gives as evidence of a dispute is proven by both judges, with no network; gives what ours says.
#[track_caller]
pub fn evidence(network: &Network, watcher: &Node, dispute: &str) -> Value {
    let answer = http::get(watcher.rpc, &format!("/v1/evidence/{dispute}")).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let bundle = network.beside("bundle");
    fs::write(&bundle, &answer.body).expect("a bundle");
    let said = retrace(&["evidence", "verify", "--json", &text(&bundle)]).exits(0).json();
    assert_eq!(said["verdict"], "proven", "{said}");
    judge(&bundle).exits(0);
    said
}

/// Slots of a round of a run.
#[track_caller]
pub fn slots(watcher: &Node, run: &Value, round: u64) -> Vec<Value> {
    let said = watcher.get(&format!("/v1/runs/{}/rounds/{round}", run["id"].as_str().expect("an id")));
    said["slots"].as_array().expect("a list of slots").clone()
}

/// Names of those that were slashed, each time that they were, in order.
#[track_caller]
pub fn slashed_names(network: &Network, watcher: &Node) -> Vec<String> {
    let slashes = slashed(watcher);
    let account = |slash: &Value| slash["account"].as_str().expect("an account").to_string();
    slashes.iter().map(|slash| network.name_of(&account(slash))).collect()
}

/// All that happened, oldest first.
#[track_caller]
pub fn events(watcher: &Node) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), Some(1));
    while let Some(from) = next {
        let page = watcher.get(&format!("/v1/events?from={from}"));
        found.extend(page["events"].as_array().expect("a list of events").iter().cloned());
        next = page["next"].as_u64();
    }
    found
}

/// Those of one kind.
pub fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// A number among the fields of an object.
#[track_caller]
pub fn number(object: &Value, key: &str) -> u64 {
    object[key].as_u64().unwrap_or_else(|| panic!("{key} is no number in {object}"))
}
