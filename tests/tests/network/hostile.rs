//! "Hostile bytes over real sockets": refused by name, counted, soon forgotten; memory stays and blocks go on (W-4.4).

use crate::{
    agree::agree,
    http,
    manifest::Manifest,
    net::Network,
    node::Node,
    process::{resident_kib, wait_for},
    wallet::{Wallet, bytes, unsigned},
};
use retrace_ledger::limits::TRANSACTION_BYTES_MAX;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Connections to each socket.
const CONNECTIONS: usize = 1_000;
/// The share of them that says something.
const LOUD: usize = 5;
/// What each of those says.
const GARBAGE_BYTES: usize = 64 << 10;
/// Most that the node's memory may grow.
const GROWTH_KIB_MAX: u64 = 50 << 10;
/// Files that the test process needs beside its connections.
const FILES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);

/// Refused with this status and name, and counted under it.
#[track_caller]
fn is_refused(node: &Node, bytes: &[u8], status: u16, name: &str) {
    let before = node.refusals("transaction", name);
    let answer = node.submit(bytes).expect("an answer");
    assert_eq!((answer.status, answer.refusal().as_str()), (status, name));
    assert_eq!(node.refusals("transaction", name), before + 1, "{name} is counted");
    let log = fs::read_to_string(&node.log).expect("a log");
    assert!(log.contains("refused") && log.contains(name), "{name} is in the log");
}

/// Submits a transaction and waits until it is in a block.
#[track_caller]
fn includes(node: &Node, bytes: &[u8]) {
    let answer = node.submit(bytes).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = format!("/v1/transactions/{}", answer.json()["id"].as_str().expect("an id"));
    wait_for("block with it", PATIENCE, || (node.ask(&path)?["status"] == "included").then_some(()));
}

/// "Unsigned, replayed, of another network, too long, no transaction at all, of nobody."
#[track_caller]
fn transactions_are_refused(network: &Network, node: &Node) {
    let mut wallet = network.wallet("hostile", 1_000);
    let good = wallet.transfer(1);
    is_refused(node, &unsigned(&good), 400, "signature");
    let mut flipped = bytes(&good);
    *flipped.last_mut().expect("bytes") ^= 1;
    is_refused(node, &flipped, 400, "signature");
    is_refused(node, &bytes(&wallet.elsewhere().transfer(1)), 409, "other_network");
    is_refused(node, &vec![0; TRANSACTION_BYTES_MAX + 1], 413, "too_long");
    is_refused(node, &bytes(&good)[..40], 400, "malformed");
    let nobody = Wallet::new("nobody", &network.fact("/network"), &network.fact("/faucet/account"));
    is_refused(node, &bytes(&nobody.transfer(1)), 409, "unknown_signer");
    includes(node, &bytes(&good));
    is_refused(node, &bytes(&good), 409, "nonce_used");
    wallet.nonce = 1_000;
    is_refused(node, &bytes(&wallet.transfer(1)), 409, "nonce_too_far");
    // A body that is longer than any transaction in text is not even read.
    let answer = node.submit(&vec![b'0'; 4 << 20]).expect("an answer");
    assert_eq!(answer.status, 413, "{}", answer.text());
    wallet.nonce = 2;
    includes(node, &bytes(&wallet.transfer(1)));
}

/// `/ip4/ADDRESS/tcp/PORT` as an address.
#[track_caller]
fn socket(multiaddress: &str) -> SocketAddr {
    let parts: Vec<_> = multiaddress.split('/').collect();
    let [_, "ip4", ip, "tcp", port, ..] = parts[..] else {
        panic!("{multiaddress} is another kind of address")
    };
    format!("{ip}:{port}").parse().expect("an address with a port")
}

/// How many connections this process may hold at a time.
fn held_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("a Linux machine");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    CONNECTIONS.min(soft.unwrap_or(CONNECTIONS).saturating_sub(FILES))
}

/// Opens all connections, says garbage on some, and gives those that it may hold.
fn flood(address: SocketAddr) -> Vec<TcpStream> {
    let mut garbage = vec![0; GARBAGE_BYTES];
    blake3::Hasher::new().update(address.to_string().as_bytes()).finalize_xof().fill(&mut garbage);
    let (mut held, most) = (Vec::new(), held_max());
    for number in 0..CONNECTIONS {
        // A full backlog is an answer too.
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { continue };
        if number % LOUD == 0 {
            let patience = Some(Duration::from_millis(200));
            stream
                .set_write_timeout(patience)
                .and_then(|()| stream.set_read_timeout(patience))
                .expect("a limit");
            // Whoever hangs up on us is right.
            drop(stream.write_all(&garbage).and_then(|()| stream.read(&mut [0; 1024])));
        }
        if held.len() >= most {
            held.clear();
        }
        held.push(stream);
    }
    held
}

#[test]
fn hostile_bytes_are_refused() {
    let network = Network::start(&Manifest::validators(4));
    let (node, other) = (network.node("validator-1"), network.node("validator-2"));
    transactions_are_refused(&network, &node);
    let (pid, consensus) = (node.pid.expect("it runs"), node.consensus.as_deref().expect("a validator"));
    let before_kib = resident_kib(pid);
    for (name, address) in
        [("swarm", socket(&node.swarm)), ("consensus", socket(consensus)), ("rpc", node.rpc)]
    {
        let held = flood(address);
        let height = other.height().expect("it answers");
        wait_for("blocks that go on", PATIENCE, || (other.height()? >= height + 3).then_some(()));
        let kib = resident_kib(pid);
        println!("{} connections to its {name}: {kib} KiB, {before_kib} before", held.len());
        assert!(kib <= before_kib + GROWTH_KIB_MAX, "{name}: {kib} KiB, {before_kib} before");
    }
    wait_for("answer", PATIENCE, || http::get(node.rpc, "/ready").ok().filter(|ready| ready.status == 200));
    assert!(node.refusals("rpc", "connections") > 0, "connections over the limit are counted");
    assert!(node.refusals("connection", "handshake") > 0, "garbage instead of a handshake is counted");
    agree(&network.nodes());
}
