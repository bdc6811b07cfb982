//! Who finds whom: networks stay apart, one address is enough, a transaction reaches everybody.

use super::{Node, stake, until};
use crate::network::{Fate, Origin};

/// W-2.1: nodes of two networks do not keep a connection, and the refusal says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_networks_do_not_talk() {
    let first = Node::start("one", "127.8.1.1", &[]).await;
    let second = Node::start("two", "127.8.1.2", &[&first]).await;
    until("both refuse", || {
        first.refusals("connection", "other_network") + second.refusals("connection", "other_network") > 0
    })
    .await;
    second.board.admit(stake("two", 1), Origin::Local).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(first.swarm.peers().is_empty() && second.swarm.peers().is_empty());
    assert!(!first.board.has_pending());
}

/// W-2.5: a transaction goes through a line of nodes, of which the ends do not know each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_floods_through_a_line() {
    // Each one wants to know one peer only, so that the line stays a line.
    let one = |peers: Vec<String>| super::SwarmConfig {
        peers,
        limits: super::Limits { peers_wanted: 0, ..super::limits() },
        ..super::SwarmConfig::default()
    };
    let first = Node::start_with("line", "127.8.2.1", one(vec![])).await;
    let second = Node::start_with("line", "127.8.2.2", one(vec![first.address()])).await;
    let third = Node::start_with("line", "127.8.2.3", one(vec![second.address()])).await;
    until("the line stands", || second.swarm.peers().len() == 2 && third.swarm.peers().len() == 1).await;
    let id = first.board.admit(stake("line", 1), Origin::Local).unwrap();
    until("the far end has it", || third.board.fate(&id) == Fate::Pending).await;
    assert_eq!((first.swarm.peers().len(), third.swarm.peers().len()), (1, 1));
    // Nobody was connected when these came: they are pushed.
    let lone = Node::start_with("line", "127.8.2.4", one(vec![])).await;
    let late = lone.board.admit(stake("line", 2), Origin::Local).unwrap();
    let last = Node::start_with("line", "127.8.2.5", one(vec![lone.address(), third.address()])).await;
    until("it was pushed", || last.board.fate(&late) == Fate::Pending).await;
    until("and goes on from there", || first.board.fate(&late) == Fate::Pending).await;
}

/// W-2.7: one address is enough to find the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_finds_the_others() {
    let first = Node::start("exchange", "127.8.3.1", &[]).await;
    let mut all = vec![first];
    for i in 2..=5 {
        let ip = format!("127.8.3.{i}");
        let node = Node::start("exchange", &ip, &[&all[0]]).await;
        until("it has a peer", || !node.swarm.peers().is_empty()).await;
        all.push(node);
    }
    until("the last one knows all", || all[4].swarm.peers().len() == 4).await;
    // A peer that went away and came back is found again.
    let gone = all.remove(0);
    let (address, board) = (gone.address(), std::sync::Arc::clone(&gone.board));
    gone.swarm.stop();
    until("it is missed", || all.iter().all(|node| node.swarm.peers().len() == 3)).await;
    let listen = address.split("/p2p/").next().unwrap().to_string();
    let key = *blake3::hash(b"127.8.3.1").as_bytes();
    let config = super::SwarmConfig { listen: vec![listen], key, ..super::SwarmConfig::default() };
    let again = super::start(board, config).unwrap();
    until("it is back", || again.peers().len() == 4 || all.iter().all(|node| node.swarm.peers().len() == 4))
        .await;
    again.stop();
}

/// W-2.1: QUIC works where an address asks for it, beside TCP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quic_works_where_an_address_asks_for_it() {
    let listen = ["udp/0/quic-v1", "tcp/0"].map(|end| format!("/ip4/127.8.14.1/{end}")).to_vec();
    let config = super::SwarmConfig { listen, ..super::SwarmConfig::default() };
    let first = Node::start_with("quic", "127.8.14.1", config).await;
    until("it listens on both", || first.swarm.listen_addrs().len() == 2).await;
    let addresses = first.swarm.listen_addrs();
    let quic = addresses.into_iter().find(|address| address.contains("quic-v1")).unwrap();
    let config = super::SwarmConfig { peers: vec![quic], ..super::SwarmConfig::default() };
    let second = Node::start_with("quic", "127.8.14.2", config).await;
    until("they are peers", || !second.swarm.peers().is_empty()).await;
    assert!(second.swarm.peers()[0].addr.contains("quic-v1"));
    first.propose(3);
    until("blocks come", || second.board.height() == first.board.height()).await;
}
