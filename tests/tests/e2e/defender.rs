//! "The accused need not be up": an honest trainer is accused falsely and killed; a node that has a defense key and no
//! stake key of it follows the ledger, replays, and wins the dispute (W-5.7, V-3.8).

use crate::{devnet::Devnet, subject::text};
use retrace_tests::binary::retrace;
use serde_json::Value;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
};

/// One honest trainer, a verifier that disputes what is right, and one that does its duty. Clocks leave the time that a
/// busy machine needs to replay twice.
const MANIFEST: &str = r#"
[[node]]
role = "validator"

[[node]]
role = "trainer"

[[node]]
role = "verifier"
name = "accuser"
strategy = "false-challenge"

[[node]]
role = "verifier"

[run]
preset = "tiny"
rounds = 8
steps = 8
audit_rate = 1.0
verdicts = 1
move = { heights = 30, seconds = 60 }
"#;

/// Moves of a dispute that is only just begun.
const BEGUN: u64 = 2;

/// Starts the guard: a home of its own on an address that no devnet has, defending one account. Gives its account and
/// its RPC.
fn guard(devnet: &mut Devnet, account: &str) -> (String, String) {
    let passphrase = devnet.beside("guard.passphrase");
    fs::write(&passphrase, "correct horse battery staple\n").expect("a passphrase");
    let ip = Ipv4Addr::new(127, 0, 78, 1);
    let free = || {
        let listener = TcpListener::bind((ip, 0)).expect("a free port");
        listener.local_addr().expect("a bound address").port()
    };
    let (listen, rpc) = (format!("/ip4/{ip}/tcp/{}", free()), format!("{ip}:{}", free()));
    let record = devnet.record().expect("a record");
    let genesis = record["genesis"].as_str().expect("a path");
    let peer = devnet.fact("validator-1", "swarm");
    let (home, passphrase) = (text(&devnet.beside("guard")), text(&passphrase));
    let places = ["--home", &home, "--genesis", genesis, "--passphrase-file", &passphrase];
    let addresses = ["--peer", peer.as_str().expect("an address"), "--listen", &listen, "--rpc", &rpc];
    let made = retrace(&[&["init", "--defend", account, "--json"], &places[..], &addresses].concat());
    let made = made.exits(0).json();
    assert_eq!(made["roles"], serde_json::json!(["defender"]), "{made}");
    devnet.spawn(&["start", "--home", &home], "guard");
    (
        made["account"].as_str().expect("an account").to_string(),
        made["rpc"].as_str().expect("a URL").to_string(),
    )
}

#[test]
fn a_defender_wins_for_who_was_killed() {
    let mut devnet = Devnet::start(MANIFEST);
    let account = devnet.fact("trainer-1", "account");
    let account = account.as_str().expect("an account");
    let (key, url) = guard(&mut devnet, account);
    let record = devnet.record().expect("a record");
    let faucet = record["faucet"]["home"].as_str().expect("a folder");
    retrace(&["stake", "transfer", "1", "--to", &key, "--home", faucet, "--wait"]).exits(0);
    retrace(&["stake", "delegate", &key, "--home", &devnet.node("trainer-1"), "--wait"]).exits(0);

    let disputes = |devnet: &Devnet| -> Vec<Value> {
        let said = devnet.look(&["dispute", "list"]);
        said["disputes"].as_array().cloned().unwrap_or_default()
    };
    let height = devnet.look(&["status"])["height"].as_u64();
    devnet.wait_for("guard that follows", || {
        let said = retrace(&["status", "--rpc", &url, "--json"]);
        (said.code == 0 && said.json()["height"].as_u64() >= height).then_some(())
    });
    // Not one over a base, which is merged again and not trained.
    let is_step = |one: &Value| one["unit"].as_str().is_some_and(|unit| unit.starts_with("step"));
    let is_begun = |one: &Value| one["open"] == true && one["moves"].as_u64() <= Some(BEGUN) && is_step(one);
    let open = devnet.wait_for("dispute", || disputes(&devnet).into_iter().find(is_begun));
    devnet.kill("trainer-1");
    assert_eq!(open["accused"], account, "{open}");
    let id = open["id"].as_str().expect("an id");
    let over = devnet.wait_for("end of the dispute", || {
        let said = devnet.look(&["dispute", "show", id]);
        (said["head"]["open"] == false).then_some(said)
    });
    println!("killed after move {} of {}", open["moves"], over["head"]["moves"]);
    assert_eq!((&over["winner"], &over["by_clock"]), (&"accused".into(), &false.into()), "{over}");
    let log = fs::read_to_string(devnet.beside("guard.log")).expect("its log");
    assert!(log.contains("training this segment again to answer for it"), "{log}");
    // Nothing but a transaction of its own that a block includes raises a nonce.
    let carried = devnet.look(&["show", "account", &key])["nonce"].as_u64();
    assert!(carried >= Some(1), "the guard's account carried no move: {over}");
}
