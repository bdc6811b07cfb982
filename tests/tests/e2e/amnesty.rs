//! "A breaker defers, validators may excuse": a network of processes whose only trainer lies, and the commands that
//! tell of its breaker, vote for an amnesty, and name a defense key (L-5.17, L-2.9).

use crate::{devnet::Devnet, subject::text};
use retrace_tests::binary::{Run, retrace};
use serde_json::Value;

/// One conviction is all of the trainers' stake; what it costs waits for as long as the test needs.
const MANIFEST: &str = r#"
[network]
breaker = { heights = 300, seconds = 300 }

[[node]]
role = "validator"
count = 4

[[node]]
role = "trainer"
strategy = "wrong-rate"

[[node]]
role = "verifier"
count = 2

[run]
preset = "tiny"
rounds = 1
steps = 4
audit_rate = 1.0
"#;
/// What the test's amnesty excuses.
const NAME: &str = "build 7 on avx2";

/// A vote with a home's keys.
fn vote(devnet: &Devnet, home: &str, run: &str, name: &str) -> Run {
    let home = devnet.node(home);
    retrace(&["breaker", "amnesty", run, "--name", name, "--home", &home, "--wait", "--json"])
}

/// L-5.17, W-3.11: from the first deferred slash to the vote that excuses it, and each refusal on the way.
#[test]
fn validators_vote_for_an_amnesty() {
    let devnet = Devnet::start(MANIFEST);
    let on = devnet.wait_for("breaker", || {
        let said = devnet.look(&["breaker", "list", "--on"]);
        said["breakers"].as_array()?.first().cloned()
    });
    let run = on["run"].as_str().expect("an id");
    let short = run.get(..8).expect("digits");
    assert_eq!((&on["times"], &on["slashes"][0]["status"]), (&1.into(), &"pending".into()), "{on}");
    let pending = on["slashes"][0].clone();
    let shown = retrace(&["breaker", "show", short, "--home", &devnet.home()]).exits(0).stdout;
    assert!(shown.contains("ON until past height") && shown.contains("pending"), "{shown}");
    let listed = retrace(&["dispute", "list", "--home", &devnet.home()]).exits(0).stdout;
    assert!(listed.contains("deferred by the run's breaker, pending"), "{listed}");

    let refused = |run: Run, code: i32, what: &str| {
        let run = run.exits(code);
        assert!(run.stderr.contains(what) && run.stderr.contains("hint: "), "{run}");
    };
    refused(vote(&devnet, "validator-1", short, "caf\u{e9}"), 2, "no name of an amnesty");
    refused(vote(&devnet, "validator-1", "00000000", NAME), 2, "begins with 00000000");
    refused(vote(&devnet, "trainer-1", short, NAME), 1, "no validator of the next height");
    for at in 1..=3 {
        if at == 2 {
            refused(vote(&devnet, "validator-1", short, NAME), 1, "has voted for");
        }
        let said = vote(&devnet, &format!("validator-{at}"), short, NAME).exits(0).json();
        assert!(said["height"].is_u64() && said["name"] == NAME, "{said}");
    }
    refused(vote(&devnet, "validator-4", short, NAME), 1, "is off");

    let after = devnet.look(&["breaker", "show", short]);
    assert_eq!((&after["on_until"], &after["pending"]), (&Value::Null, &0.into()), "{after}");
    let amnesty = &after["amnesties"][0];
    assert_eq!((&amnesty["granted"], amnesty["votes"].as_array().map(Vec::len)), (&NAME.into(), Some(3)));
    let slash = &after["slashes"][0];
    assert_eq!((&slash["status"], &slash["dispute"]), (&"forgiven".into(), &pending["dispute"]));
    let shown = retrace(&["breaker", "show", short, "--home", &devnet.home()]).exits(0).stdout;
    assert!(shown.contains("forgiven at height") && shown.contains("granted at height"), "{shown}");
    let disputes = devnet.look(&["dispute", "list"]);
    let disputes = disputes["disputes"].as_array().expect("a list");
    assert!(disputes.iter().any(|one| one["deferred"] == "forgiven"), "{disputes:?}");
    assert!(devnet.look(&["breaker", "list", "--on"])["breakers"].as_array().is_some_and(Vec::is_empty));
    names_a_defense_key(&devnet);
}

/// L-2.9: a key is named, told, named again in vain, and taken back by a revocation that was left with somebody else.
fn names_a_defense_key(devnet: &Devnet) {
    let (trainer, other) = (devnet.node("trainer-1"), devnet.node("verifier-1"));
    let account = |home: &str| {
        let said = retrace(&["keys", "show", "--home", home, "--json"]).exits(0).json();
        said["account"].as_str().expect("an account").to_string()
    };
    let (own, key) = (account(&trainer), account(&other));
    let delegate = |home: &str, words: &[&str]| {
        retrace(&[&["stake", "delegate"], words, &["--home", home, "--wait", "--json"]].concat())
    };
    let told = || retrace(&["stake", "show", "--home", &trainer, "--json"]).exits(0).json();
    assert!(delegate(&trainer, &[&own]).exits(2).stderr.contains("the account's own key"));
    assert!(delegate(&trainer, &["--revoke"]).exits(2).stderr.contains("no defense key to revoke"));
    let said = delegate(&trainer, &[&key]).exits(0).json();
    assert_eq!((&said["delegation"]["key"], &said["delegation"]["serial"]), (&key.clone().into(), &1.into()));
    assert_eq!((&told()["defense_key"], &told()["delegation_serial"]), (&key.clone().into(), &1.into()));
    assert!(delegate(&trainer, &[&key]).exits(2).stderr.contains("already"));

    let file = text(&devnet.beside("revoke.bin"));
    delegate(&trainer, &["--revoke", "--serial", "100", "--save", &file]).exits(0);
    assert_eq!(told()["defense_key"], key, "nothing was sent");
    let said = delegate(&other, &["--signed", &file]).exits(0).json();
    assert_eq!((&said["delegation"]["account"], &said["delegation"]["key"]), (&own.into(), &Value::Null));
    assert_eq!((&told()["defense_key"], &told()["delegation_serial"]), (&Value::Null, &100.into()));
    assert!(
        delegate(&other, &["--signed", &devnet.node("trainer-1")]).code == 2,
        "a folder is no delegation"
    );
}
