//! "Six challengers at once, and one honest trainer": four disputes are played, the others wait, and none is lost
//! (L-5.15, L-5.6).

use crate::{
    agree::agree,
    follow::{MOMENT_PATIENCE, dispute, events, finished, number, slashed_names, slots},
    manifest::Manifest,
    net::Network,
    node::Node,
    process::wait_for,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many dispute what is right.
const CHALLENGERS: usize = 6;
/// How many disputes an accused plays at once.
const PLAYED_MAX: usize = 4;

/// A dispute that waits for a place though the window of its claim is over.
fn held(watcher: &Node) -> Option<Value> {
    let said = watcher.ask("/v1/disputes?open=true")?;
    let queued = said["disputes"].as_array()?.iter().find(|one| one["status"] == "queued")?.clone();
    let claim = watcher.ask(&format!("/v1/commitments/{}", queued["claim"].as_str()?))?;
    let (window, now) = (&claim["window"], watcher.ask("/v1/status")?);
    let is_past = |key: &str| now[key].as_u64() > window[key].as_u64();
    (window.is_object() && is_past("height") && is_past("credited_ms")).then_some(queued)
}

/// Places and queue of the only accused, as events change them.
#[derive(Default)]
struct Caseload {
    /// Claims of the disputes that are played, by dispute.
    played: BTreeMap<String, String>,
    /// And of those that wait.
    queued: BTreeMap<String, String>,
    played_most: usize,
    queued_most: usize,
    /// Disputes that waited for a place longer than a block.
    waited: usize,
}

impl Caseload {
    #[track_caller]
    fn happened(&mut self, event: &Value, all: &[Value]) {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_string();
        match event["event"].as_str().unwrap_or_default() {
            "dispute_opened" => drop(self.queued.insert(text("dispute"), text("claim"))),
            "dispute_started" => {
                let claim = self.queued.remove(&text("dispute")).expect("what starts was opened");
                self.played.insert(text("dispute"), claim);
                let mut beside = all.iter().filter(|one| one["height"] == event["height"]);
                let was_opened =
                    |one: &Value| one["event"] == "dispute_opened" && one["dispute"] == event["dispute"];
                if !beside.clone().any(was_opened) {
                    self.waited += 1;
                    assert!(beside.any(|one| one["event"] == "dispute_ended"), "a place got free: {event}");
                }
            }
            "dispute_ended" => {
                assert_eq!(text("ending"), "judged, won by the accused", "{event}");
                assert!(self.played.remove(&text("dispute")).is_some(), "it was played: {event}");
            }
            "settled" => {
                assert_eq!(text("status"), "verified", "{event}");
                let open =
                    self.played.values().chain(self.queued.values()).filter(|claim| **claim == text("claim"));
                assert_eq!(open.count(), 0, "settled with disputes that have not ended: {event}");
            }
            _ => {}
        }
        self.played_most = self.played_most.max(self.played.len());
        // What finds a place at once is said to be opened first.
        if event["event"] != "dispute_opened" {
            self.queued_most = self.queued_most.max(self.queued.len());
        }
        assert!(self.played.len() <= PLAYED_MAX, "{event}");
    }
}

#[test]
fn six_challengers_of_one_accused_wait_in_a_queue() {
    let manifest =
        Manifest::training("tiny", 1, 4).nodes("trainer", 1).accusers(CHALLENGERS).nodes("verifier", 1);
    let short = "audit_rate = 1.0\nverdicts = 1\nverdict = { heights = 4, seconds = 1 }";
    let network = Network::start(&manifest.run(short));
    let watcher = network.node("validator-1");
    let waits = wait_for("queued dispute whose window is over", MOMENT_PATIENCE, || held(&watcher));
    let said = dispute(&watcher, &waits["id"]);
    assert_eq!(said["claim_status"], "open", "what waits holds its claim: {said}");
    let why = said["unsettled"].as_str().expect("a reason");
    assert!(why.ends_with("disputes over the claim are open"), "{said}");
    println!("{waits}\nwaits, and its claim is not settled: {why}");

    let run = finished(&watcher);
    let all = events(&watcher);
    let mut caseload = Caseload::default();
    all.iter().for_each(|event| caseload.happened(event, &all));
    assert!(caseload.played.is_empty() && caseload.queued.is_empty(), "all have ended");
    let Caseload { played_most, queued_most, waited, .. } = caseload;
    println!(
        "at most {played_most} were played and {queued_most} waited; {waited} started when others ended"
    );
    assert_eq!(played_most, PLAYED_MAX);
    assert!(queued_most >= 1 && waited >= 1, "somebody waited");

    let slots = slots(&watcher, &run, 0);
    assert_eq!(slots[0]["status"], "verified", "{slots:?}");
    let over =
        watcher.get(&format!("/v1/disputes?claim={}", slots[0]["commitment"].as_str().expect("an id")));
    let over = over["disputes"].as_array().expect("disputes");
    assert_eq!(over.len(), CHALLENGERS, "each disputed the segment: {over:?}");
    let bonds: u64 = all.iter().filter(|e| e["event"] == "slashed").map(|e| number(e, "amount")).sum();
    let names = slashed_names(&network, &watcher);
    assert!(
        names.iter().all(|name| name.starts_with("accuser")),
        "the challengers and nobody else: {names:?}"
    );
    println!("{} disputes lost by their challengers, {bonds} of bonds", names.len());
    let height = agree(&network.nodes());
    println!("all nodes agree on {height} blocks");
}
