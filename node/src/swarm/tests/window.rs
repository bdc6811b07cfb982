//! The window alone: which ranges are asked for, from whom, and what happens when nothing or a lie comes.

use super::super::follow::range::Checked;
use super::super::follow::window::{Order, Window};
use super::{board, secrets};
use crate::network::{Board, propose_once};
use libp2p::PeerId;
use retrace_ledger::{CheckedBlock, Height};
use std::time::{Duration, Instant};

fn chain(count: usize) -> std::sync::Arc<Board> {
    let board = board("window", &tempfile::tempdir().unwrap());
    (0..count).for_each(|_| propose_once(&board, &secrets()).unwrap());
    board
}

fn blocks(board: &Board, from: u64, count: u64) -> Vec<Checked> {
    let one = |height| {
        let (block, certificate) = board.block(Height(height)).unwrap().unwrap();
        Checked { block: CheckedBlock::check(block).unwrap(), certificate }
    };
    (from..from + count).map(one).collect()
}

fn all_orders(window: &mut Window, tips: &[(PeerId, Height)], now: Instant) -> Vec<Order> {
    std::iter::from_fn(|| window.order(tips, now)).collect()
}

/// W-2.8: ranges go to several peers, two on the way from each, six in all; they are taken in order.
#[test]
fn ranges_are_spread_and_taken_in_order() {
    let (chain, now) = (chain(200), Instant::now());
    let tips: Vec<_> = (0..4).map(|_| (PeerId::random(), Height(10_000))).collect();
    let mut window = Window::new(Height(0));
    let orders = all_orders(&mut window, &tips, now);
    assert_eq!(orders.len(), 6);
    let froms: Vec<u64> = orders.iter().map(|order| order.from.0).collect();
    assert_eq!(froms, [1, 65, 129, 193, 257, 321]);
    assert!(tips.iter().all(|(peer, _)| orders.iter().filter(|order| order.peer == *peer).count() <= 2));
    window.arrived(&orders[1], blocks(&chain, 65, 64), 64 << 10);
    assert!(window.take_ready(Height(0)).is_none(), "the first range is missing");
    window.arrived(&orders[0], blocks(&chain, 1, 64), 64 << 10);
    assert_eq!(window.take_ready(Height(0)).unwrap().1.len(), 64);
    window.settled();
    window.pass(Height(64));
    assert_eq!(window.take_ready(Height(64)).unwrap().0, orders[1].peer);
    // Small blocks: the next ranges are longer, up to what an answer should hold.
    let next = window.order(&tips, now).unwrap();
    assert!(next.from == Height(385) && next.count > 64, "{next:?}");
}

/// W-2.8: what did not come is asked for from somebody else, and half as much of it from the slow.
#[test]
fn what_did_not_come_is_asked_for_again() {
    let (chain, now) = (chain(70), Instant::now());
    let [first, second] = [PeerId::random(), PeerId::random()];
    let tips = [(first, Height(64)), (second, Height(64))];
    let mut window = Window::new(Height(0));
    let order = window.order(&tips, now).unwrap();
    assert_eq!((order.count, window.order(&tips, now)), (64, None));
    window.failed(&order, false, now);
    let again = window.order(&tips, now).unwrap();
    assert!(again.peer != order.peer && again.count == 64);
    window.failed(&again, true, now);
    assert_eq!(window.order(&tips, now).map(|o| o.from), Some(Height(33)), "the tail is another range now");
    let later = now + Duration::from_secs(1);
    let head = window.order(&tips, later).unwrap();
    assert_eq!((head.from, head.count), (Height(1), 32));
    // Fewer blocks than asked for leave the rest open; an answer to a range that was given up is nobody's.
    window.arrived(&head, blocks(&chain, 1, 10), 10 << 10);
    assert_eq!(window.order(&tips, later).map(|o| (o.from, o.count)), Some((Height(11), 22)));
    window.arrived(&order, blocks(&chain, 1, 64), 64 << 10);
    assert_eq!(window.take_ready(Height(0)).unwrap().1.len(), 10);
}

/// W-2.8: after a lie nothing of what is waiting is used, and the next block comes from somebody else.
#[test]
fn a_lie_begins_the_window_anew() {
    let (chain, now) = (chain(64), Instant::now());
    let [liar, honest] = [PeerId::random(), PeerId::random()];
    let mut window = Window::new(Height(0));
    let order = window.order(&[(liar, Height(64))], now).unwrap();
    window.arrived(&order, blocks(&chain, 1, 64), 64 << 10);
    assert!(window.take_ready(Height(0)).is_some());
    window.settled();
    window.distrust(liar, Height(10));
    let tips = [(liar, Height(64)), (honest, Height(64))];
    let next = window.order(&tips, Instant::now()).unwrap();
    assert_eq!((next.peer, next.from, next.count), (honest, Height(11), 1));
    // The chain may go on by other ways: what lies behind is not asked for.
    window.pass(Height(60));
    assert_eq!(window.order(&tips, Instant::now()).map(|o| (o.from, o.count)), Some((Height(61), 4)));
    assert_eq!(window.order(&[], Instant::now()), None);
}
