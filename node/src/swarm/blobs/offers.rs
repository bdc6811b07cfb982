//! Who has a blob: all peers are asked, a few at a time, and each offer is used as soon as it comes.

use super::super::refused::Refused;
use super::super::shared::Shared;
use super::super::wire::{Blob, BlobAnswer};
use libp2p::PeerId;
use retrace_verifier::digest::Digest;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Peers that are asked at the same time.
const ASKED_AT_ONCE: usize = 8;

/// How long a peer may take to say whether it has a blob.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Which peer is asked first, another one each time: no peer should serve everybody.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// What a peer says that a blob is made of.
pub(super) enum Made {
    /// So many plain bytes.
    Bytes(u64),
    /// Tensors with these digests.
    Tensors(Vec<Digest>),
}

/// A peer that has a blob.
pub(super) struct Offer {
    pub(super) peer: PeerId,
    pub(super) made: Made,
}

/// Asks everybody but `refused`. The channel closes once all have answered; dropping it ends the asking.
pub(super) fn ask_around(
    shared: &Arc<Shared>,
    name: Digest,
    refused: &BTreeSet<PeerId>,
) -> mpsc::Receiver<Offer> {
    let mut peers = shared.book().ready_peers();
    peers.retain(|peer| !refused.contains(peer));
    if !peers.is_empty() {
        let turn = TURN.fetch_add(1, Ordering::Relaxed) % peers.len();
        peers.rotate_left(turn);
    }
    let (offers, receiver) = mpsc::channel(ASKED_AT_ONCE);
    tokio::spawn(ask_all(Arc::clone(shared), name, peers, offers));
    receiver
}

async fn ask_all(shared: Arc<Shared>, name: Digest, peers: Vec<PeerId>, offers: mpsc::Sender<Offer>) {
    let mut asked = JoinSet::new();
    let mut left = peers.into_iter();
    loop {
        while asked.len() < ASKED_AT_ONCE
            && let Some(peer) = left.next()
        {
            asked.spawn(ask_one(Arc::clone(&shared), name, peer));
        }
        match asked.join_next().await {
            None => return,
            Some(Ok(Some(offer))) => {
                if offers.send(offer).await.is_err() {
                    return;
                }
            }
            Some(_) => {}
        }
    }
}

async fn ask_one(shared: Arc<Shared>, name: Digest, peer: PeerId) -> Option<Offer> {
    // Who is slow to say so is no good source, and is not waited for.
    let answer = tokio::time::timeout(PATIENCE, shared.ask(peer, &Blob::Describe { name })).await.ok()?;
    match answer.ok()? {
        BlobAnswer::Bytes { length } => Some(Offer { peer, made: Made::Bytes(length) }),
        BlobAnswer::Tensors { digests } => Some(Offer { peer, made: Made::Tensors(digests) }),
        BlobAnswer::Absent | BlobAnswer::Busy => None,
        BlobAnswer::Slices { .. } => {
            shared.blame(peer, Refused::OtherAnswer);
            None
        }
    }
}
