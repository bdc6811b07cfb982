//! Blobs: from two sources of which one lies, after a restart, and with lengths that somebody made up.

use super::super::blobs::Shelf;
use super::super::wire::{Blob, BlobAnswer, Channel, Talk, TalkAnswer, Tip};
use super::liar::{Liar, framed};
use super::{Node, SwarmConfig, SwarmHandle, until};
use crate::home::{Source, Unfetched, Want};
use retrace_ledger::{decode, encode};
use retrace_model::{RunSpec, Words};
use retrace_verifier::digest::Digest;
use retrace_verifier::state::StateKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a liar does with an honest answer before it sends it.
type Twist = fn(&mut BlobAnswer, usize);

async fn liar_of(honest: &Node, ip: &str, twist: Twist) -> Liar {
    let (blobs, shelf, head) = (honest.board.blobs(), Shelf::default(), honest.board.head());
    let mut number = 0;
    let answers = move |channel: Channel, question: &[u8]| match channel {
        Channel::Talk => match decode::<Talk>(question, 1 << 20).ok()? {
            Talk::Tip(_) => Some(framed(&encode(&TalkAnswer::Tip(Tip { height: head.height, id: head.id })))),
            _ => Some(framed(&encode(&TalkAnswer::Peers(vec![])))),
        },
        Channel::Blocks => None,
        Channel::Blobs => {
            let (mut answer, _) = shelf.answer(&blobs, &decode::<Blob>(question, 1 << 16).ok()?);
            twist(&mut answer, number);
            number += 1;
            Some(framed(&encode(&answer)))
        }
    };
    Liar::start(&honest.board.network(), ip, Box::new(answers)).await
}

/// The blocking call of a role's thread.
async fn fetch(swarm: &Arc<SwarmHandle>, want: Want, patience: Duration) -> Result<(), Unfetched> {
    let swarm = Arc::clone(swarm);
    tokio::task::spawn_blocking(move || swarm.fetch(&want, patience)).await.unwrap()
}

fn big(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

fn spec() -> RunSpec {
    retrace_model::selftest::golden_spec()
}

fn tensors() -> Vec<Words> {
    let table = retrace_model::program::parameter_table(&spec().model);
    let words = |(i, shape): (usize, &retrace_model::program::ParameterShape)| {
        (0..shape.elements()).map(|e| (e as u32).wrapping_mul(i as u32 + 1)).collect()
    };
    table.iter().enumerate().map(words).collect()
}

async fn joiner(network: &str, ip: &str, peers: Vec<String>) -> Node {
    let count = peers.len();
    let node = Node::start_with(network, ip, SwarmConfig { peers, ..SwarmConfig::default() }).await;
    until("its peers are there", || node.swarm.peers().len() >= count).await;
    node
}

const PATIENCE: Duration = Duration::from_secs(20);

/// W-2.9, W-2.10: several megabytes and a state come whole; whoever asks for what somebody fetches waits for it too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_come_from_several_sources() {
    let (first, second) =
        (Node::start("blobs", "127.8.6.1", &[]).await, Node::start("blobs", "127.8.6.2", &[]).await);
    let bytes = big(24 << 20);
    let name = first.board.blobs().put_bytes(&bytes).unwrap();
    second.board.blobs().put_bytes(&bytes).unwrap();
    let root = first.board.blobs().put_tensors(StateKind::Delta, &spec(), &tensors()).unwrap();
    let third = joiner("blobs", "127.8.6.3", vec![first.address(), second.address()]).await;
    let started = Instant::now();
    let want = || Want::Bytes { name, bytes_max: 1 << 30 };
    let (one, two) =
        tokio::join!(fetch(&third.swarm, want(), PATIENCE), fetch(&third.swarm, want(), PATIENCE));
    assert_eq!((one, two), (Ok(()), Ok(())));
    println!("24 MiB from two sources in {:?}", started.elapsed());
    assert_eq!(third.board.blobs().bytes(&name, 1 << 30).unwrap(), bytes);
    assert_eq!(third.swarm.counters().fetched.get(), 1, "one fetch for both");
    let started = Instant::now();
    let want = Want::Tensors { name: root, kind: StateKind::Delta, spec: Box::new(spec()) };
    assert_eq!(fetch(&third.swarm, want, PATIENCE).await, Ok(()));
    println!("{} tensors in {:?}", tensors().len(), started.elapsed());
    assert_eq!(third.board.blobs().tensors(StateKind::Delta, &spec(), &root).unwrap(), tensors());
    for (name, bytes) in [(blake3::hash(b""), vec![]), (blake3::hash(b"a"), b"a".to_vec())] {
        let name: Digest = name.into();
        first.board.blobs().put_bytes(&bytes).unwrap();
        assert_eq!(fetch(&third.swarm, Want::Bytes { name, bytes_max: 1 }, PATIENCE).await, Ok(()));
    }
    let missing = Want::Bytes { name: Digest([7; 32]), bytes_max: 1 };
    let started = Instant::now();
    assert_eq!(fetch(&third.swarm, missing, Duration::from_millis(300)).await, Err(Unfetched));
    assert!(started.elapsed() < Duration::from_secs(2));
    let partial = third.folder.path().join("home/partial");
    assert_eq!(std::fs::read_dir(partial).unwrap().count(), 0, "nothing is left behind");
}

/// W-2.10: a source that corrupts, truncates or makes things up is refused by name, and the blob comes from the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_source_is_named_and_another_one_used() {
    let honest = Node::start("lies", "127.8.7.1", &[]).await;
    let bytes = big(3 << 20);
    let name = honest.board.blobs().put_bytes(&bytes).unwrap();
    let root = honest
        .board
        .blobs()
        .put_tensors(StateKind::Outer, &spec(), &[tensors(), tensors()].concat())
        .unwrap();
    let corrupt: Twist = |answer, number| {
        if let BlobAnswer::Slices { encoded } = answer
            && number > 2
        {
            let last = encoded[0].len() - 1;
            encoded[0][last] ^= 1;
        }
    };
    let truncate: Twist = |answer, number| {
        if let BlobAnswer::Slices { encoded } = answer
            && number > 2
        {
            let half = encoded[0].len() / 2;
            encoded[0].truncate(half);
        }
    };
    let stretch: Twist = |answer, _| {
        if let BlobAnswer::Bytes { length } = answer {
            *length += 100_000;
        }
    };
    let bomb: Twist = |answer, _| {
        if let BlobAnswer::Bytes { length } = answer {
            *length = 1 << 62;
        }
    };
    let bytes_wanted = || Want::Bytes { name, bytes_max: 1 << 30 };
    let swap: Twist = |answer, _| {
        if let BlobAnswer::Tensors { digests } = answer {
            digests.swap(0, 2);
        }
    };
    let tensors_wanted = || Want::Tensors { name: root, kind: StateKind::Outer, spec: Box::new(spec()) };
    let rows = [
        ("wrong_bytes", corrupt, bytes_wanted()),
        ("wrong_bytes", truncate, bytes_wanted()),
        ("wrong_length", stretch, bytes_wanted()),
        ("too_long", bomb, bytes_wanted()),
        ("wrong_entries", swap, tensors_wanted()),
        ("wrong_bytes", |answer, _| corrupt_any(answer), tensors_wanted()),
    ];
    for (i, (reason, twist, want)) in rows.into_iter().enumerate() {
        let liar = liar_of(&honest, &format!("127.8.7.{}", 10 + i), twist).await;
        let alone = joiner("lies", &format!("127.8.7.{}", 20 + i), vec![liar.address.clone()]).await;
        let fetched = fetch(&alone.swarm, want.clone(), Duration::from_secs(1)).await;
        assert_eq!(fetched, Err(Unfetched), "{reason}");
        assert!(alone.refusals("blob", reason) > 0, "{reason}");
        assert!(!alone.board.blobs().has(&want.name()));
        until("the liar is dropped", || alone.swarm.peers().is_empty()).await;
        let peers = vec![liar.address.clone(), honest.address()];
        let both = joiner("lies", &format!("127.8.7.{}", 30 + i), peers).await;
        assert_eq!(fetch(&both.swarm, want.clone(), PATIENCE).await, Ok(()), "{reason}");
        assert!(both.board.blobs().has(&want.name()));
    }
}

fn corrupt_any(answer: &mut BlobAnswer) {
    if let BlobAnswer::Slices { encoded } = answer
        && let Some(slice) = encoded.iter_mut().find(|slice| !slice.is_empty())
    {
        slice[0] ^= 1;
    }
}

/// W-2.10: a fetch that was cut off goes on where it was, with another source and in another process's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_resumes_after_a_drop() {
    let honest = Node::start("resume", "127.8.8.1", &[]).await;
    let bytes = big(8 << 20);
    let name = honest.board.blobs().put_bytes(&bytes).unwrap();
    // It serves some of the blob and then nothing.
    let tired: Twist = |answer, number| {
        if number > 24 {
            *answer = BlobAnswer::Absent;
        }
    };
    let source = liar_of(&honest, "127.8.8.2", tired).await;
    let want = || Want::Bytes { name, bytes_max: 1 << 30 };
    let joined = joiner("resume", "127.8.8.3", vec![source.address.clone()]).await;
    assert_eq!(fetch(&joined.swarm, want(), Duration::from_millis(800)).await, Err(Unfetched));
    let first = joined.swarm.counters().fetched_bytes.get();
    assert!(first > 1 << 20, "{first}");
    until("the fetch gave up", || joined.folder.path().join(format!("home/partial/{name}.map")).exists())
        .await;
    joined.swarm.stop();
    let peers = vec![honest.address()];
    let config = SwarmConfig { peers, key: [8; 32], listen: vec![], ..SwarmConfig::default() };
    let again = Arc::new(super::start(Arc::clone(&joined.board), config).unwrap());
    until("it is back", || !again.peers().is_empty()).await;
    assert_eq!(fetch(&again, want(), PATIENCE).await, Ok(()));
    let second = again.counters().fetched_bytes.get();
    assert!(first + second < (8 << 20) + (1 << 20), "{first} and {second} of {}", bytes.len());
    assert_eq!(joined.board.blobs().bytes(&name, 1 << 30).unwrap(), bytes);
    again.stop();
}
