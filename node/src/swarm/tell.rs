//! Word of blocks and of peers: each block is announced to whoever lacks it, and new peers are asked whom they know
//! (W-2.7, W-2.8).

use super::address::{Reach, believed};
use super::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, RECORDS_MAX};
use super::refused::Refused;
use super::shared::Shared;
use super::wire::{Channel, Record, Talk, TalkAnswer, Tip};
use libp2p::{Multiaddr, PeerId};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;

/// Peers that are told at once of a block that did not come from a peer.
const TOLD_FIRST: usize = 8;
/// Peers that are told at once of one that did.
const TOLD_ON: usize = 3;
/// How often it is looked who was left out.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often one peer is asked again whom it knows.
const EXCHANGE_INTERVAL: Duration = Duration::from_secs(20);

/// Keeps the shared tip at the board's.
pub(super) async fn watch_board(shared: Arc<Shared>) {
    let mut applied = shared.board.applied();
    loop {
        match applied.recv().await {
            Ok(block) => shared.note_head(Tip { height: block.height, id: block.id }),
            Err(RecvError::Lagged(_)) => {
                let board = Arc::clone(&shared.board);
                if let Some(head) = shared.work(Channel::Talk, move || board.head()).await {
                    shared.note_head(Tip { height: head.height, id: head.id });
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Announces every block at once to peers that do not have it, one announcement to a peer at a time. Who made the block
/// or agreed on it tells more of them than who heard of it here: the others pass it on, and whoever was left out is told
/// a little later.
pub(super) async fn announce(shared: Arc<Shared>) {
    let mut tips = shared.tip.subscribe();
    for turn in 0.. {
        let is_news = tokio::time::timeout(LOOK_INTERVAL, tips.changed()).await.is_ok();
        let tip = *tips.borrow_and_update();
        let is_heard = shared.heard_height.load(Ordering::Relaxed) >= tip.height.0;
        let some = match (is_news, is_heard) {
            (true, false) => TOLD_FIRST,
            (true, true) => TOLD_ON,
            (false, _) => 0,
        };
        let behind = shared.book().to_tell(tip.height, some, turn * some, Instant::now());
        for peer in behind {
            tokio::spawn(tell(Arc::clone(&shared), peer));
        }
    }
}

/// Tells a peer of the last block, and again as long as there is a later one.
async fn tell(shared: Arc<Shared>, peer: PeerId) {
    loop {
        let tip = shared.tip();
        let is_answered = exchange_tips(&shared, peer, tip).await;
        shared.book().told(&peer, tip.height, is_answered);
        if !is_answered {
            return;
        }
        // A block that came meanwhile found this peer being told.
        if !shared.book().is_to_tell(&peer, shared.tip().height, Instant::now()) {
            return;
        }
    }
}

/// True if the peer said what its own last block is.
async fn exchange_tips(shared: &Shared, peer: PeerId, tip: Tip) -> bool {
    match shared.ask(peer, &Talk::Tip(tip)).await {
        Ok(TalkAnswer::Tip(theirs)) => {
            note_tip(shared, &peer, theirs);
            return true;
        }
        Ok(TalkAnswer::Busy) | Err(_) => {}
        Ok(_) => shared.blame(peer, Refused::OtherAnswer),
    }
    false
}

/// A peer said what its last block is.
pub(super) fn note_tip(shared: &Shared, peer: &PeerId, tip: Tip) {
    if shared.book().note_tip(peer, tip) && tip.height > shared.tip().height {
        shared.news.notify_one();
    }
}

/// The first words with a peer: last blocks, then whom it knows.
pub(super) async fn greet(shared: Arc<Shared>, peer: PeerId) {
    exchange_tips(&shared, peer, shared.tip()).await;
    exchange_peers(&shared, peer).await;
}

/// Asks peers in turn whom they know.
pub(super) async fn keep_exchanging(shared: Arc<Shared>) {
    for turn in 0.. {
        tokio::time::sleep(EXCHANGE_INTERVAL).await;
        let peers = shared.book().ready_peers();
        if !peers.is_empty() {
            exchange_peers(&shared, peers[turn % peers.len()]).await;
        }
    }
}

async fn exchange_peers(shared: &Shared, peer: PeerId) {
    match shared.ask(peer, &Talk::Peers).await {
        Ok(TalkAnswer::Peers(records)) if records.len() <= RECORDS_MAX => learn(shared, peer, records),
        Ok(TalkAnswer::Busy) | Err(_) => {}
        Ok(_) => shared.blame(peer, Refused::OtherAnswer),
    }
}

fn learn(shared: &Shared, teller: PeerId, records: Vec<Record>) {
    let from = shared.book().reach_of(&teller).unwrap_or(Reach::Public);
    for record in records {
        let Some((peer, told)) = read_record(record) else {
            return shared.blame(teller, Refused::Address);
        };
        let addresses = believed(told, &peer, from);
        shared.book().learn(peer, addresses, Instant::now());
    }
}

fn read_record(record: Record) -> Option<(PeerId, Vec<Multiaddr>)> {
    let is_bounded = record.addresses.len() <= ADDRESSES_MAX
        && record.addresses.iter().all(|address| address.len() <= ADDRESS_BYTES_MAX);
    let peer = PeerId::from_bytes(&record.peer).ok().filter(|_| is_bounded)?;
    let addresses = record.addresses.into_iter().map(|bytes| Multiaddr::try_from(bytes).ok());
    Some((peer, addresses.collect::<Option<Vec<_>>>()?))
}

/// Some connected peers, others each time, for somebody who asks.
pub(super) fn records(shared: &Shared, asker: &PeerId, turn: usize) -> Vec<Record> {
    let known = shared.book().addresses();
    let count = known.len();
    let others = (0..count).map(|i| &known[(turn + i) % count]).filter(|(peer, _)| peer != asker);
    let record = |(peer, addresses): &(PeerId, Vec<Multiaddr>)| Record {
        peer: peer.to_bytes(),
        addresses: addresses.iter().map(Multiaddr::to_vec).collect(),
    };
    others.take(RECORDS_MAX).map(record).collect()
}
