//! "Killed in the middle of its work": a trainer in its segment, a verifier in its dispute (W-5.1, W-5.2, W-5.3, W-5.4).

use crate::{
    agree::agree,
    follow::{MOMENT_PATIENCE, dispute, finished, slashed_names, slots, under_way},
    manifest::Manifest,
    net::Network,
    node::Node,
    process::wait_for,
};
use retrace_tests::binary::retrace;
use std::{thread, time::Duration};

/// Segments of seconds, an early liar, and one verifier: nobody else ends the dispute for it.
fn manifest() -> Manifest {
    let trainers =
        Manifest::training("small", 3, 24).nodes("trainer", 1).liar("trainer", "poisoned-gradient");
    trainers.nodes("verifier", 1).run("audit_rate = 0.5\nverdicts = 1")
}

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

#[test]
fn the_killed_go_on_where_they_were() {
    let network = Network::start(&manifest());
    let (watcher, trainer) = (network.node("validator-1"), network.node("trainer-1"));
    let (round, slot) = wait_for("segment", MOMENT_PATIENCE, || open_slot(&watcher, &trainer.account));
    network.kill("trainer-1");
    thread::sleep(DOWN);
    assert_eq!(open_slot(&watcher, &trainer.account), Some((round, slot)), "it was in mid-segment");
    let trainer_again = network.start_again("trainer-1");

    let found = under_way(&watcher);
    let challenger = network.name_of(found["challenger"].as_str().expect("an account"));
    network.kill(&challenger);
    println!("killed {challenger} after move {} of its dispute", found["moves"]);
    thread::sleep(DOWN);
    let id = found["id"].as_str().expect("an id");
    let said = dispute(&watcher, &found["id"]);
    assert_eq!(said["head"]["open"], true, "it was in mid-dispute: {said}");
    let on = |command: &str| ["dispute", command, &id[..10], "--rpc", &watcher.url()].map(String::from);
    let resolved = retrace(&on("resolve")).exits(1);
    assert!(resolved.stdout.contains("heights and") && resolved.stdout.contains("left"), "{resolved}");
    let open = retrace(&["dispute", "list", "--open", "--json", "--rpc", &watcher.url()]).exits(0).json();
    assert!(open["disputes"].as_array().expect("disputes").iter().any(|one| one["id"] == *id), "{open}");
    let challenger_again = network.start_again(&challenger);
    let watched = retrace(&on("watch")).exits(0);
    assert!(watched.stdout.contains("won by the challenger, by arithmetic"), "{watched}");

    let run = finished(&watcher);
    let said = dispute(&watcher, &found["id"]);
    assert_eq!((&said["winner"], &said["by_clock"]), (&"challenger".into(), &false.into()), "{said}");
    assert_eq!(slashed_names(&network, &watcher), ["trainer-2"], "the liar and nobody else");
    let said = &slots(&watcher, &run, round)[slot];
    assert_eq!(said["status"], "verified", "the segment was trained again: {said}");
    agree(&network.nodes());
    trainer_again.end("TERM");
    challenger_again.end("TERM");
}
