//! Blocks: a joiner catches up from one address, word of a block is quick, and a peer that lies about blocks is dropped.

use super::super::wire::{BlocksAnswer, Channel, Sealed, Talk, TalkAnswer, Tip};
use super::liar::{Liar, framed};
use super::{Node, SwarmConfig, genesis, until};
use retrace_ledger::{Height, decode, encode};
use std::time::{Duration, Instant};

/// W-2.8: a joiner that knows one address has all blocks soon, with the same state root, and hears of new ones at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_catches_up_from_one_address() {
    let first = Node::start("join", "127.8.4.1", &[]).await;
    first.propose(200);
    let joined = Instant::now();
    let second = Node::start("join", "127.8.4.2", &[&first]).await;
    until("the joiner is at the tip", || second.board.height() == Height(200)).await;
    println!("200 blocks in {:?}", joined.elapsed());
    assert_eq!(second.board.head(), first.board.head());
    assert_eq!(second.swarm.best_height(), Height(200));
    // A follower of the follower, to see word of a block travel two hops.
    let third = Node::start("join", "127.8.4.3", &[&second]).await;
    until("the third is at the tip", || third.board.height() == Height(200)).await;
    let mut worst = Duration::ZERO;
    for height in 201..=220 {
        first.propose(1);
        let proposed = Instant::now();
        until("the third follows", || third.board.height() == Height(height)).await;
        worst = worst.max(proposed.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("a block took {worst:?} at most to the third node");
    assert!(worst < Duration::from_secs(1), "{worst:?}");
    let peers = third.swarm.peers();
    assert!(peers.iter().any(|peer| peer.height == Height(220)), "{peers:?}");
}

/// What a liar does with honest blocks before it sends them.
type Twist = fn(&mut Vec<Sealed>);

async fn liar_of(honest: &Node, ip: &str, twist: Twist) -> Liar {
    let board = std::sync::Arc::clone(&honest.board);
    let network = board.network();
    let answers = move |channel: Channel, question: &[u8]| match channel {
        Channel::Talk => match decode::<Talk>(question, 1 << 20).ok()? {
            Talk::Tip(_) => {
                let head = board.head();
                let tip = Tip { height: Height(head.height.0 + 1000), id: head.id };
                Some(framed(&encode(&TalkAnswer::Tip(tip))))
            }
            Talk::Peers => Some(framed(&encode(&TalkAnswer::Peers(vec![])))),
            Talk::Transactions(_) => Some(framed(&encode(&TalkAnswer::Taken(0)))),
        },
        Channel::Blocks => {
            let asked: super::super::wire::Blocks = decode(question, 64).ok()?;
            let heights = (asked.from.0..).take(asked.count as usize);
            let found = heights.map_while(|height| board.block(Height(height)).ok()?);
            let mut sealed: Vec<_> =
                found.map(|(block, certificate)| Sealed { block, certificate }).collect();
            twist(&mut sealed);
            Some(framed(&encode(&BlocksAnswer::Blocks(sealed))))
        }
        Channel::Blobs => None,
    };
    Liar::start(&network, ip, Box::new(answers)).await
}

/// W-2.8: wrong certificates, forged blocks, other heights and empty promises are refused by name, and the same blocks
/// come from somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_lie_about_blocks_are_dropped() {
    let honest = Node::start("forged", "127.8.5.1", &[]).await;
    honest.propose(30);
    let twists: [(&str, Twist); 5] = [
        ("unproved", |sealed| sealed.iter_mut().for_each(|s| s.certificate.signatures.clear())),
        ("unproved", |sealed| sealed.iter_mut().for_each(|s| s.certificate.block.0[0] ^= 1)),
        ("invalid", |sealed| sealed.iter_mut().for_each(|s| s.block.header.signature.0[5] ^= 1)),
        ("other_blocks", |sealed| sealed.reverse()),
        ("missing", |sealed| sealed.clear()),
    ];
    for (i, (reason, twist)) in twists.into_iter().enumerate() {
        let liar = liar_of(&honest, &format!("127.8.5.{}", 10 + i), twist).await;
        let config = SwarmConfig { peers: vec![liar.address.clone()], ..SwarmConfig::default() };
        let joiner = Node::start_with("forged", &format!("127.8.5.{}", 20 + i), config).await;
        until(reason, || joiner.refusals("block", reason) > 0).await;
        assert_eq!(joiner.board.height(), Height(0), "{reason}");
        if reason != "missing" {
            until("the liar is dropped", || joiner.swarm.peers().is_empty()).await;
        }
        let peers = vec![liar.address.clone(), honest.address()];
        let config = SwarmConfig { peers, ..SwarmConfig::default() };
        let both = Node::start_with("forged", &format!("127.8.5.{}", 30 + i), config).await;
        until("the blocks come from somebody else", || both.board.height() == Height(30)).await;
        assert_eq!(both.board.head(), honest.board.head());
    }
    assert_eq!(genesis("forged").network(), honest.board.network());
}
