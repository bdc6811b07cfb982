//! What comes from strangers: garbage, frames without end, transactions that are none, and too many connections.

use super::super::wire::Channel;
use super::liar::{Answers, Liar, framed, socket_of};
use super::{Node, SwarmConfig, stake, until};
use retrace_ledger::{Height, encode};
use std::time::{Duration, Instant};

fn silent() -> Answers {
    Box::new(|_, _| None)
}

async fn visited(network: &str, ip: &str, liar: &Liar) -> Node {
    let config = SwarmConfig { peers: vec![liar.address.clone()], ..SwarmConfig::default() };
    let node = Node::start_with(network, ip, config).await;
    until("the liar is there", || !node.swarm.peers().is_empty()).await;
    node
}

/// W-2.3, W-2.4: garbage, truncated and oversized frames are refused by name; enough of them and the peer is dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_are_refused_by_name() {
    let network = super::genesis("frames").network();
    let rows: [(&str, &str, Vec<u8>); 4] = [
        ("too_long", "127.8.9.1", vec![255; 64]),
        ("malformed", "127.8.9.2", framed(&[9; 50])),
        ("malformed", "127.8.9.3", framed(&[0; 3000])),
        ("truncated", "127.8.9.4", vec![200, 0, 0, 0, 1, 2, 3]),
    ];
    for (i, (reason, ip, raw)) in rows.into_iter().enumerate() {
        let liar = Liar::start(&network, ip, silent()).await;
        let node = visited("frames", &format!("127.8.9.{}", 20 + i), &liar).await;
        for channel in Channel::ALL {
            liar.ask(channel, raw.clone());
        }
        until(reason, || node.refusals("frame", reason) > 0).await;
        for _ in 0..12 {
            Channel::ALL.into_iter().for_each(|channel| liar.ask(channel, raw.clone()));
        }
        until("the liar is dropped", || node.swarm.peers().is_empty()).await;
        node.propose(1);
        assert_eq!(node.board.height(), Height(1));
    }
}

/// W-2.5: pushed transactions that no honest node passes on count against the peer; unsigned, of another network, too
/// long, used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_transactions_are_refused_by_name() {
    let network = super::genesis("pushed").network();
    let liar = Liar::start(&network, "127.8.10.1", silent()).await;
    let node = visited("pushed", "127.8.10.2", &liar).await;
    let mut unsigned = encode(stake("pushed", 1).wire());
    *unsigned.last_mut().unwrap() ^= 1;
    let rows = [
        ("signature", unsigned),
        ("other_network", encode(stake("elsewhere", 1).wire())),
        ("too_long", vec![0; 20_000]),
        ("nonce_used", encode(stake("pushed", 0).wire())),
    ];
    for (reason, bytes) in rows {
        liar.ask(Channel::Talk, framed(&encode(&super::super::wire::Talk::Transactions(vec![bytes]))));
        until(reason, || node.refusals("transaction", reason) > 0).await;
    }
    assert_eq!(node.refusals("transaction", "gossiped_invalid"), 3, "a used nonce may be an honest delay");
    assert!(!node.board.has_pending());
}

/// W-2.5: gossip goes on only after it was taken in, and who gossips what is invalid is named and dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_gossip_goes_no_further() {
    let network = super::genesis("gossip").network();
    let liar = Liar::start(&network, "127.8.13.1", silent()).await;
    let node = visited("gossip", "127.8.13.2", &liar).await;
    // It does not look for others: the liar would gossip to it directly.
    let limits = super::Limits { peers_wanted: 0, ..super::limits() };
    let config = SwarmConfig { peers: vec![node.address()], limits, ..SwarmConfig::default() };
    let behind = Node::start_with("gossip", "127.8.13.3", config).await;
    until("there is a peer behind", || node.swarm.peers().len() == 2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // A good one goes through, and a stale one is no crime.
    liar.gossip(encode(stake("gossip", 1).wire()));
    liar.gossip(encode(stake("gossip", 0).wire()));
    until("a good one goes through", || behind.board.has_pending()).await;
    until("a stale one is refused", || node.refusals("transaction", "nonce_used") == 1).await;
    for nonce in 2..12 {
        let mut forged = encode(stake("gossip", nonce).wire());
        *forged.last_mut().unwrap() ^= 1;
        liar.gossip(forged);
    }
    until("the liar is dropped", || node.swarm.peers().len() == 1).await;
    assert!(node.refusals("transaction", "gossiped_invalid") >= 7);
    assert_eq!(behind.refusals("transaction", "signature"), 0, "nothing of it went further");
    assert_eq!(behind.refusals("transaction", "nonce_used"), 0);
}

/// W-2.1: a peer that claims another network is dropped whatever protocols it speaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_network_is_dropped_by_name() {
    let network = super::genesis("claims").network();
    let liar = Liar::start_as("/retrace/elsewhere", &network, "127.8.11.1", silent()).await;
    let config = SwarmConfig { peers: vec![liar.address.clone()], ..SwarmConfig::default() };
    let node = Node::start_with("claims", "127.8.11.2", config).await;
    until("it is refused", || node.refusals("connection", "other_network") > 0).await;
    until("it stays away", || node.refusals("connection", "other_network") == 1).await;
    assert!(node.swarm.peers().is_empty());
}

/// W-2.6: hundreds of connections from one address get no further than the gate, and honest peers still get in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_do_not_hurt() {
    let node = Node::start("flood", "127.8.12.1", &[]).await;
    let peer = Node::start("flood", "127.8.12.2", &[&node]).await;
    until("they are peers", || node.swarm.peers().len() == 1).await;
    let before = resident();
    let target = socket_of(&node.address());
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(tokio::net::TcpStream::connect(target).await.unwrap());
    }
    until("most are refused", || node.refusals("connection", "address_full") > 200).await;
    let started = Instant::now();
    for height in 1..=20 {
        node.propose(1);
        until("the peer follows", || peer.board.height() == Height(height)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let joiner = Node::start("flood", "127.8.12.3", &[&node]).await;
    until("an honest peer gets in", || joiner.board.height() == Height(20)).await;
    let growth = resident().saturating_sub(before);
    println!("300 connections: {} KiB more", growth / 1024);
    assert!(growth < 50 << 20, "{growth}");
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
