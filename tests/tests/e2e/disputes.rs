//! "What is disputed is told": lists, one dispute in full and its end, from the blocks of a home that nobody serves (W-3.1).

use crate::subject::{refused, shared, text};
use retrace_tests::binary::retrace;
use serde_json::Value;

/// All disputes that a filter takes.
#[track_caller]
fn listed(arguments: &[&str]) -> Vec<Value> {
    let home = text(&shared().home());
    let said =
        retrace(&[&["dispute", "list", "--json", "--home", &home], arguments].concat()).exits(0).json();
    said["disputes"].as_array().expect("a list of disputes").clone()
}

#[track_caller]
fn word<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {object}"))
}

/// "Filters take what they say": by run, by claim, and what is open.
#[test]
fn disputes_are_listed() {
    let demo = shared();
    let all = listed(&[]);
    assert_eq!(all.len(), demo.said["disputes"].as_array().expect("disputes").len());
    let first = &all[0];
    assert!(all.windows(2).all(|pair| pair[0]["opened_at"].as_u64() <= pair[1]["opened_at"].as_u64()));
    assert!(listed(&["--open"]).is_empty(), "the run is over");
    assert_eq!(listed(&["--run", word(first, "run")]), all, "there is one run");
    let of_claim = listed(&["--claim", &word(first, "claim")[..8]]);
    assert!(of_claim.contains(first) && of_claim.iter().all(|one| one["claim"] == first["claim"]));
    assert!(listed(&["--claim", "ffffffffffffffff"]).is_empty());
    let spoken = retrace(&["dispute", "list", "--home", &text(&demo.home())]).exits(0).stdout;
    assert!(all.iter().all(|one| spoken.contains(&word(one, "id")[..12])), "{spoken}");
}

/// "One in full": sides, clocks, every move, the finding, and the command that finds it again.
#[test]
fn a_dispute_is_shown() {
    let demo = shared();
    let conviction = demo.convictions()[0].clone();
    let (id, home) = (word(&conviction, "id"), text(&demo.home()));
    let show = |arguments: &[&str]| {
        retrace(&[&["dispute", "show", &id[..10], "--home", &home], arguments].concat()).exits(0)
    };
    let said = show(&["--json"]).json();
    assert_eq!((&said["winner"], &said["by_clock"]), (&"challenger".into(), &false.into()));
    assert_eq!(said["running"], Value::Null, "no clock runs");
    for key in ["claimed_bits", "right_bits", "op", "tensor"] {
        assert_eq!(said["finding"][key], conviction[key], "{key} in {said}");
    }
    let moves = said["moves"].as_array().expect("moves");
    assert_eq!(
        (moves.len() as u64, &said["head"]["moves"]),
        (conviction["moves"].as_u64().expect("moves"), &conviction["moves"])
    );
    assert_eq!((&moves[0]["side"], &moves[moves.len() - 1]["kind"]), (&"accused".into(), &"judge".into()));
    assert!(word(&said, "claim_status").starts_with("convicted"), "{said}");
    let spoken = show(&[]).stdout;
    for part in [id, word(&conviction, "claimed_bits"), "clocks", "  0. accused", "by arithmetic"] {
        assert!(spoken.contains(part), "{part} in {spoken}");
    }
    // The command does find it again.
    let again: Vec<&str> = word(&said, "again").split(' ').skip(1).collect();
    let replayed = retrace(&again).exits(1).stdout;
    assert!(replayed.starts_with("MISMATCH"), "{replayed}");
}

/// "A dispute that is over needs no node to be watched": its moves, one a line, then all of it.
#[test]
fn an_ended_dispute_is_watched() {
    let demo = shared();
    let id = word(demo.convictions()[0], "id").to_string();
    let run = retrace(&["dispute", "watch", &id, "--json", "--home", &text(&demo.home())]).exits(0);
    let moves = run.stdout.lines().filter(|line| line.contains("\"move\":{")).count();
    assert_eq!(run.json()["head"]["moves"], moves, "{run}");
}

/// "Errors say what to do": ids that are unknown, near, several or none, and nobody to ask.
#[test]
fn unknown_disputes_are_named() {
    let demo = shared();
    let (id, home) = (word(demo.convictions()[0], "id").to_string(), text(&demo.home()));
    let last = if id.as_bytes()[9] == b'0' { '1' } else { '0' };
    let wrong = format!("{}{last}", &id[..9]);
    let run = retrace(&["dispute", "show", &wrong, "--home", &home]);
    assert!(run.stderr.contains(&format!("did you mean {}?", &id[..10])), "{run}");
    refused(run, "no dispute begins with");
    for command in ["show", "watch"] {
        refused(retrace(&["dispute", command, "no-id", "--home", &home]), "is no beginning of an id");
    }
    refused(retrace(&["dispute", "resolve", &id]), "which node?");
    let nobody = ["--rpc", "http://127.0.0.1:1"];
    for command in ["show", "watch", "resolve"] {
        let run = retrace(&[&["dispute", command, &id], &nobody[..]].concat()).exits(1);
        assert!(run.stderr.contains("hint: ") && run.stdout.is_empty(), "{run}");
    }
}
