//! Transactions: gossiped once taken in, passed on only after that, pushed again while no block has them (W-2.5).

use super::limits::{PUSH_AFTER, TALK_QUESTION_MAX};
use super::parts::message_id;
use super::refused::Refused;
use super::shared::{Command, Shared};
use super::wire::{Channel, Talk};
use crate::network::{Origin, Refusal};
use libp2p::PeerId;
use libp2p::gossipsub::MessageAcceptance;
use retrace_ledger::{Signed, Transaction, encode};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

/// Gossiped transactions that are looked at in one go.
const BATCH: usize = 64;
/// How often transactions without a block are looked for.
const PUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Peers that a transaction is pushed to.
const PUSH_PEERS: usize = 3;
/// Bytes of transactions in one push; what a list adds fits in the rest of the frame.
const PUSH_BYTES: usize = TALK_QUESTION_MAX as usize * 3 / 4;

/// A transaction as it was gossiped.
pub(super) struct Gossiped {
    pub(super) source: PeerId,
    pub(super) data: Vec<u8>,
}

/// True for what no honest node of this network passes on: everything else depends on the state it has.
fn is_lie(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::TooLong { .. } | Refusal::Malformed { .. } | Refusal::Network | Refusal::Signature
    )
}

/// Takes in a peer's transaction; says whether it may go on.
pub(super) fn admit(shared: &Shared, source: PeerId, bytes: &[u8]) -> MessageAcceptance {
    match shared.board.admit_bytes(bytes, Origin::Peer) {
        Ok(_) => {
            shared.counters.transactions.inc();
            MessageAcceptance::Accept
        }
        Err(refusal) if is_lie(&refusal) => {
            shared.blame(source, Refused::Transaction);
            MessageAcceptance::Reject
        }
        Err(_) => MessageAcceptance::Ignore,
    }
}

/// Looks at gossiped transactions, off the task that owns the sockets.
pub(super) async fn admit_gossip(shared: Arc<Shared>, mut gossiped: mpsc::Receiver<Gossiped>) {
    let mut batch = Vec::new();
    while gossiped.recv_many(&mut batch, BATCH).await > 0 {
        let taken = std::mem::take(&mut batch);
        let board = Arc::clone(&shared);
        let look = move || {
            let judged = taken.into_iter().map(|g| {
                let acceptance = admit(&board, g.source, &g.data);
                (message_id(&g.data), g.source, acceptance)
            });
            judged.collect::<Vec<_>>()
        };
        for (id, source, acceptance) in shared.work(Channel::Talk, look).await.unwrap_or_default() {
            shared.send(Command::Judge { id, source, acceptance }).await;
        }
    }
}

/// Gossips what the board takes in, unless gossip brought it.
pub(super) async fn publish_admitted(shared: Arc<Shared>) {
    let mut admitted = shared.board.admitted();
    loop {
        match admitted.recv().await {
            Ok(signed) => {
                let bytes = encode(signed.wire());
                let is_new = shared.heard.lock().unwrap_or_else(PoisonError::into_inner).note(&bytes);
                if is_new && !shared.send(Command::Publish { bytes }).await {
                    return;
                }
            }
            // What was missed is still pending: it is pushed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Pushes this process's own transactions that wait too long, to a few peers at a time, others each time.
pub(super) async fn push_unconfirmed(shared: Arc<Shared>) {
    let mut turn = 0;
    loop {
        tokio::time::sleep(PUSH_INTERVAL).await;
        let board = Arc::clone(&shared.board);
        let late = shared
            .work(Channel::Talk, move || pack(&board.unconfirmed(PUSH_AFTER)))
            .await
            .unwrap_or_default();
        if late.is_empty() {
            continue;
        }
        let peers = shared.book().ready_peers();
        let chosen = (0..PUSH_PEERS.min(peers.len())).map(|i| peers[(turn + i) % peers.len()]);
        for peer in chosen {
            let (shared, question) = (Arc::clone(&shared), Talk::Transactions(late.clone()));
            tokio::spawn(async move { drop(shared.ask(peer, &question).await) });
        }
        turn += PUSH_PEERS;
    }
}

/// As many as fit one frame, as bytes.
fn pack(transactions: &[Signed<Transaction>]) -> Vec<Vec<u8>> {
    let mut room = PUSH_BYTES;
    let fits = |signed: &&Signed<Transaction>| {
        let has_room = signed.bytes() + 4 <= room;
        room = room.saturating_sub(signed.bytes() + 4);
        has_room
    };
    transactions.iter().take_while(fits).map(|signed| encode(signed.wire())).collect()
}
