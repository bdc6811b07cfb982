//! "Whoever comes later can retrace all of it": a fresh process from genesis and one peer (W-5.5), evidence, every question.

use crate::{
    agree::{agree, heads, slashed},
    follow::{dispute, evidence, finished},
    manifest::Manifest,
    net::{Network, text},
    node::Node,
    outsider,
    process::{resident_kib, wait_for},
};
use retrace_tests::{
    binary::retrace,
    files::{below, copy},
};
use serde_json::Value;
use std::{fs, path::Path, time::Duration};

/// A short run with a liar whose every step is audited.
fn manifest() -> Manifest {
    let liar = Manifest::training("tiny", 3, 4).nodes("trainer", 1).liar("trainer", "poisoned-gradient");
    liar.nodes("trainer", 1).nodes("verifier", 2).run("audit_rate = 1.0")
}

/// Longest wait for any one thing.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the law says of a dispute from its opening to the slash; a busy machine gets twice as much.
const DISPUTE_MS_MAX: u64 = 15_000;
/// Most resident memory of all processes of a devnet.
const DEVNET_KIB_MAX: u64 = 4 << 20;

#[test]
fn whoever_comes_later_retraces_it() {
    let network = Network::start(&manifest());
    let watcher = network.node("validator-1");
    let run = finished(&watcher);
    agree(&network.nodes());
    memory_is_bounded(&network);
    let slash = the_slash(&network, &watcher);
    let said = evidence(&network, &watcher, slash["dispute"].as_str().expect("a dispute"));
    assert_eq!(said["dispute"], slash["dispute"], "{said}");
    every_question_is_answered(&watcher, &slash);

    let fresh = outsider::init(&network, "fresh", None, &network.node("trainer-3"));
    let process = network.process(&["start", "--home", &text(&fresh.home)], "fresh");
    wait_for("tip", PATIENCE, || (fresh.height()? + 3 >= watcher.height()?).then_some(()));
    let height = agree(&[watcher.clone(), fresh.clone()]);
    println!("a fresh process has the same {height} blocks");
    wait_for("token shards", PATIENCE, || has_shards(&watcher, &run, &fresh).then_some(()));
    process.end("TERM");
    let again = network.process(&["start", "--home", &text(&fresh.home)], "fresh");
    wait_for("block after a restart", PATIENCE, || (fresh.height()? > height).then_some(()));
    again.end("TERM");
    let home = text(&fresh.home);
    let replay = retrace(&["replay", "--all", "--home", &home, "--json"]).exits(0).json();
    assert_eq!(replay["verdict"], "match", "{replay}");
    assert_eq!(replay["checkpoint_root"], run["checkpoint_root"], "{replay}");
    damaged_tables_give_no_wrong_answer(&network, &fresh, &replay);
}

/// "A devnet of ten processes stays under 4 GiB in all."
#[track_caller]
fn memory_is_bounded(network: &Network) {
    let mut all_kib = 0;
    for role in ["validator", "trainer", "verifier"] {
        let pids = network.all(role).into_iter().filter_map(|node| node.pid);
        let kib: Vec<u64> = pids.map(resident_kib).collect();
        println!("resident memory, {role}: {kib:?} KiB");
        all_kib += kib.iter().sum::<u64>();
    }
    assert!(all_kib <= DEVNET_KIB_MAX, "{all_kib} KiB");
}

/// The only slash is the liar's, and its dispute was short.
#[track_caller]
fn the_slash(network: &Network, watcher: &Node) -> Value {
    let slashes = slashed(watcher);
    let [slash] = &slashes[..] else { panic!("one lie, one slash: {slashes:?}") };
    assert_eq!(network.name_of(slash["account"].as_str().expect("an account")), "trainer-2");
    let said = dispute(watcher, &slash["dispute"]);
    let [from, to] = [&said["head"]["opened_at"], &slash["height"]].map(|at| at.as_u64().expect("a height"));
    let time_ms = |height| heads(watcher, height)[0]["time_ms"].as_u64().expect("a time");
    let took_ms = time_ms(to) - time_ms(from);
    println!("from the dispute to the slash: {} blocks, {took_ms} ms", to - from);
    assert!(took_ms <= 2 * DISPUTE_MS_MAX, "{took_ms} ms");
    slash.clone()
}

/// Every command that asks a node answers in words and in JSON.
#[track_caller]
fn every_question_is_answered(watcher: &Node, slash: &Value) {
    let (liar, id) = (slash["account"].as_str().expect("an account"), slash["id"].as_str().expect("an id"));
    let questions: [&[&str]; 6] =
        [&["status"], &["runs"], &["log"], &["show"], &["rewards", liar, "--explain"], &["why", id]];
    let url = watcher.url();
    for question in questions {
        let asked = [question, &["--rpc", &url]].concat();
        let spoken = retrace(&asked).exits(0);
        assert!(!spoken.stdout.is_empty(), "an answer in words: {spoken}");
        retrace(&[&asked[..], &["--json"]].concat()).exits(0).json();
    }
}

/// All that a replay needs beside the blocks.
fn has_shards(watcher: &Node, run: &Value, fresh: &Node) -> bool {
    let said = watcher.get(&format!("/v1/runs/{}", run["id"].as_str().expect("an id")));
    let shards = said["manifest"].as_array().expect("shards").iter();
    let mut names = shards.map(|shard| shard["digest"].as_str().expect("a digest").to_string());
    names.all(|name| fresh.home.join("blobs").join(name).is_file())
}

/// A restart has written the log of the database into tables: a flipped bit in one is seen, or does not matter (L-8.2).
#[track_caller]
fn damaged_tables_give_no_wrong_answer(network: &Network, fresh: &Node, replay: &Value) {
    let log = |home: &Path| retrace(&["log", "--json", "--home", &text(home)]);
    let whole = log(&fresh.home).exits(0).stdout;
    let entries = fs::read_dir(fresh.home.join("db")).expect("a database");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let tables: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".sst")).collect();
    assert!(!tables.is_empty(), "a restart writes tables");
    for (number, table) in tables.iter().enumerate() {
        let home = network.beside(&format!("table-{number}"));
        copy(&fresh.home, &home);
        let path = home.join("db").join(table);
        let mut bytes = fs::read(&path).expect("a table");
        let place = below(&format!("table {number}"), bytes.len());
        bytes[place] ^= 1 << (number % 8);
        fs::write(&path, &bytes).expect("a copy can be written");
        let run = log(&home);
        assert!(run.code == 2 || run.code == 0 && run.stdout == whole, "byte {place} of {table:?}: {run}");
        let run = retrace(&["replay", "--all", "--json", "--home", &text(&home)]);
        assert!(run.code == 2 || run.clone().exits(0).json() == *replay, "byte {place} of {table:?}: {run}");
    }
}
