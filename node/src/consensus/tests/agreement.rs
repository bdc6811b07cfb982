//! Networks of real engines: they agree, go on without one, take it back, and survive a restart of all.

use super::cluster::{Cluster, PATIENCE};
use super::network::{Book, Net, intervals, reaches};
use crate::consensus::Ledger;
use retrace_ledger::{CheckedBlock, Height, encoded_len};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// W-1.4 to W-1.8: four agree on every block and state; with one down the others go on; it comes back with nothing but
/// genesis and catches up; after a restart of all they go on where they were.
#[test]
fn four_validators_agree_lose_one_and_take_it_back() {
    let mut cluster = Cluster::start(4);
    cluster.agree(&ALL, 12);
    cluster.report("idle, four up", 0, 2, 12);
    cluster.down(3);
    let from = cluster.tip();
    cluster.agree(&[0, 1, 2], from + 10);
    cluster.report("idle, one of four down", 0, from, from + 10);
    cluster.books[3] = Book::new(&cluster.net);
    cluster.up(3);
    cluster.agree(&ALL, cluster.tip() + 2);
    // Its ledger was behind what it had signed: it followed until it was not, and votes again.
    assert_eq!(cluster.running(3).status().restarts, 1);
    cluster.down(2);
    cluster.agree(&[0, 1, 3], cluster.tip() + 3);
    cluster.up(2);
    cluster.agree(&ALL, cluster.tip() + 1);
    ALL.iter().for_each(|index| cluster.down(*index));
    let tip = cluster.tip();
    ALL.iter().for_each(|index| cluster.up(*index));
    cluster.agree(&ALL, tip + 4);
    assert!(cluster.books.iter().all(|book| book.failure().is_none() && book.accused().is_empty()));
    ALL.iter().for_each(|index| cluster.down(*index));
}

/// W-1.6: blocks with transactions come quickly, and not quicker than every 100 ms.
#[test]
fn transactions_hurry_the_next_block() {
    let cluster = Cluster::start(4);
    cluster.agree(&ALL, 2);
    let from = cluster.tip();
    for _ in 0..15 {
        cluster.load(1);
        assert!(reaches(&cluster.books[0], cluster.books[0].height() + 1, PATIENCE));
    }
    let to = cluster.books[0].height();
    cluster.report("busy, four up", 0, from, to);
    let (median, _, _) = intervals(&cluster.books[0], from, to);
    assert!((60..900).contains(&median), "the median is {median} ms");
}

/// W-1.3: a block of many parts is decided like any other.
#[test]
fn large_blocks_are_decided() {
    let cluster = Cluster::start(4);
    cluster.agree(&ALL, 2);
    let from = cluster.tip();
    cluster.load(1000);
    assert!(cluster.books[0].has_pending());
    cluster.agree(&ALL, from + 5);
    cluster.report("4,000 transactions at once", 0, from, from + 5);
    assert!(cluster.books.iter().all(|book| !book.has_pending()), "they are all in blocks");
    let largest = (from..=from + 5).filter_map(|h| cluster.books[0].block(Height(h)).unwrap());
    let largest = largest.map(|(block, _)| encoded_len(&block)).max().unwrap();
    assert!(largest > 400_000, "the largest block has {largest} bytes");
}

/// W-1.4, W-1.5: engines that end at any instant, alone and all at once, contradict nothing and lose no block.
#[test]
fn sudden_ends_lose_nothing() {
    let mut cluster = Cluster::start(4);
    cluster.agree(&ALL, 2);
    for turn in 0..6u64 {
        cluster.load(3);
        std::thread::sleep(Duration::from_millis(37 * (turn + 1)));
        let killed: &[usize] = if turn % 2 == 0 { &ALL } else { &[turn as usize % 4] };
        killed.iter().for_each(|index| cluster.kill(*index));
        let tip = cluster.tip();
        killed.iter().for_each(|index| cluster.up(*index));
        cluster.agree(&ALL, tip + 2);
    }
    assert!(cluster.books.iter().all(|book| book.accused().is_empty() && book.failure().is_none()));
}

/// L-9.6: two processes with one consensus key contradict each other sooner or later; the others say so and go on.
#[test]
fn a_twin_is_accused() {
    let mut net = Net::with_others(4, 1);
    net.keys[4].consensus = net.keys[3].consensus.clone();
    net.keys[4].vrf = net.keys[3].vrf.clone();
    let twin = retrace_verifier::signature::peer_key(&net.keys[3].consensus);
    let mut cluster = Cluster::new(net);
    (0..5).for_each(|index| cluster.up(index));
    let mut height = 2;
    while !cluster.books[..3].iter().any(|book| book.accused().contains(&twin)) {
        height += 1;
        assert!(height < 60, "nobody is accused");
        cluster.agree(&[0, 1, 2], height);
    }
    let others = cluster.books.iter().flat_map(|book| book.accused()).filter(|accused| *accused != twin);
    assert_eq!(others.count(), 0);
    cluster.agree(&[0, 1, 2], cluster.tip() + 3);
}

/// W-1.7: a new validator, whom nobody has configured, may connect once the ledger says so; it catches up and votes.
#[test]
fn a_new_validator_is_let_in() {
    let mut cluster = Cluster::new(Net::with_others(4, 1));
    ALL.iter().for_each(|index| cluster.up_knowing(*index, &ALL));
    cluster.agree(&ALL, 2);
    cluster.up_knowing(4, &ALL);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(cluster.books[4].height(), 0, "a stranger is not served");
    let register = [cluster.net.register(4, 1)];
    cluster.books.iter().for_each(|book| book.admit(&register));
    while cluster.books[0].validators() < 5 {
        assert!(reaches(&cluster.books[0], cluster.books[0].height() + 1, PATIENCE));
    }
    cluster.agree(&[0, 1, 2, 3, 4], cluster.tip() + 3);
    // Without the new one's vote two of five would be missing, and nothing would be decided.
    cluster.down(0);
    cluster.agree(&[1, 2, 3, 4], cluster.tip() + 6);
    assert!(cluster.running(4).status().peers >= 3);
}

/// W-1.7: whoever only knocks, or sends what is no handshake, holds up nobody.
#[test]
fn garbage_holds_up_nobody() {
    let cluster = Cluster::start(4);
    cluster.agree(&ALL, 2);
    let mut knocking = Vec::new();
    for number in 0..300 {
        if let Ok(mut stream) = TcpStream::connect(cluster.places.socket(number % 4)) {
            drop(stream.write_all(&[number as u8; 4096]));
            knocking.push(stream);
        }
    }
    cluster.agree(&ALL, cluster.tip() + 4);
    drop(knocking);
    cluster.agree(&ALL, cluster.tip() + 2);
}

/// A single validator decides alone.
#[test]
fn one_validator_decides_alone() {
    let mut cluster = Cluster::start(1);
    cluster.agree(&[0], 3);
    let status = cluster.running(0).status();
    // The ledger has a block a moment before the status says that it is decided.
    assert!(status.height >= 3 && status.decided >= 2 && status.restarts == 0 && status.peers == 0);
    let book = Arc::clone(&cluster.books[0]);
    cluster.down(0);
    let height = book.height();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(book.height(), height, "nothing is decided after the end");
}

/// W-1.8: a ledger that gets its blocks from elsewhere goes on without its engine, which follows.
#[test]
fn an_engine_follows_its_ledger() {
    let mut cluster = Cluster::new(Net::new(4));
    [0, 1, 2].iter().for_each(|index| cluster.up_knowing(*index, &[0, 1, 2]));
    cluster.up_knowing(3, &[]);
    let until = Instant::now() + PATIENCE;
    while cluster.running(3).status().restarts == 0 && Instant::now() < until {
        let next = Height(cluster.books[3].height() + 1);
        if let Some((block, certificate)) = cluster.books[0].block(next).unwrap() {
            cluster.books[3].apply(&CheckedBlock::check(block).unwrap(), &certificate).unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = cluster.running(3).status();
    assert!(status.restarts == 1 && status.peers == 0 && status.decided == 0, "{status:?}");
    assert!(cluster.books[3].height() >= 3 && cluster.books[3].failure().is_none());
}

/// W-1.5, W-1.8: a validator whose log is damaged stops for safety; without the log it follows, and votes again.
#[test]
fn a_damaged_log_stops_the_validator() {
    let mut cluster = Cluster::start(4);
    cluster.agree(&ALL, 2);
    let log = cluster.folder().join("validator-3/wal");
    let has_entries = |height: u64| {
        let bytes = std::fs::read(&log).unwrap();
        bytes.len() > 100 && u64::from_be_bytes(bytes[4..12].try_into().unwrap()) == height + 1
    };
    loop {
        cluster.load(1);
        std::thread::sleep(Duration::from_millis(17));
        cluster.kill(3);
        std::thread::sleep(Duration::from_millis(100));
        if has_entries(cluster.books[3].height()) {
            break;
        }
        cluster.up(3);
        cluster.agree(&[3], cluster.tip());
    }
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    cluster.up(3);
    let until = Instant::now() + PATIENCE;
    while cluster.books[3].failure().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let failure = cluster.books[3].failure().unwrap_or_default();
    assert!(failure.contains("stopped itself for safety"), "{failure}");
    cluster.kill(3);
    std::fs::rename(&log, log.with_extension("damaged")).unwrap();
    cluster.up(3);
    cluster.agree(&ALL, cluster.tip() + 3);
    assert!(cluster.books.iter().all(|book| book.accused().is_empty()));
}
