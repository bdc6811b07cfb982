//! What every method sees: the board, who this node is, its peers, the history, and how much room is left (W-3.2).

use super::history::History;
use super::limits;
use super::refused::Refused;
use crate::network::Board;
use retrace_verifier::digest::Digest;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Name that its operator gave it.
    pub name: String,
    /// Its account.
    pub account: String,
    /// What it does: validator, trainer, verifier; nothing of these for one that follows and serves.
    pub roles: Vec<String>,
}

/// A peer that this node is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its id in the public swarm.
    pub peer_id: String,
    /// Its address.
    pub address: String,
    /// Height of its last block, as it says.
    pub height: u64,
    /// True if this node opened the connection.
    pub is_outbound: bool,
}

/// Who this node is connected to now.
pub type Peers = Arc<dyn Fn() -> Vec<PeerInfo> + Send + Sync>;

/// Room for what happens at once; a permit is given back when it is dropped.
#[derive(Debug)]
pub struct Gates {
    /// Requests at work.
    pub at_work: Arc<Semaphore>,
    /// Threads that look.
    pub looking: Arc<Semaphore>,
    /// Clients that follow.
    pub streams: Arc<Semaphore>,
    /// Blobs being read.
    pub downloads: Arc<Semaphore>,
    /// Blobs being written.
    pub uploads: Arc<Semaphore>,
    /// Answers that are not sent yet, in KiB.
    pub answers: Arc<Semaphore>,
}

/// What every method sees.
pub struct Door {
    /// Chain, pending transactions, blobs.
    pub board: Arc<Board>,
    /// This node.
    pub about: NodeInfo,
    /// Its peers.
    pub peers: Peers,
    /// Rewards, slashes and moves by account and dispute.
    pub history: Arc<History>,
    /// Room.
    pub gates: Gates,
    /// True once the door is to close.
    pub closing: watch::Receiver<bool>,
}

impl Gates {
    /// All of them open.
    pub fn open() -> Gates {
        let gate = |permits| Arc::new(Semaphore::new(permits));
        Gates {
            at_work: gate(limits::IN_FLIGHT_MAX),
            looking: gate(limits::LOOKING_MAX),
            streams: gate(limits::STREAMS_MAX),
            downloads: gate(limits::DOWNLOADS_MAX),
            uploads: gate(limits::UPLOADS_MAX),
            answers: gate(limits::ANSWERS_BYTES / 1024),
        }
    }
}

/// One of a gate's permits, or the refusal that says which gate is full.
pub fn enter(gate: &Arc<Semaphore>, what: &str, limit: usize) -> Result<OwnedSemaphorePermit, Refused> {
    Arc::clone(gate).try_acquire_owned().map_err(|_| Refused::busy(what, limit))
}

/// Bytes that are counted until the last of them is sent.
struct Held {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Door {
    /// Looks something up on a thread that may wait for the board or the disk.
    pub async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Door) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let door = Arc::clone(self);
        let work = async move {
            let turn = Arc::clone(&door.gates.looking).acquire_owned().await;
            let looked = tokio::task::spawn_blocking(move || {
                // The thread goes on when nobody waits for it any more: its turn is over when it is.
                let _turn = turn;
                look(&door)
            });
            looked.await.unwrap_or_else(|broken| Err(Refused::fault(broken)))
        };
        let answer = tokio::time::timeout(limits::ANSWER_PATIENCE, work).await;
        answer.unwrap_or_else(|_| Err(Refused::slow("the answer took too long")))
    }

    /// Where a blob lies, if it is here.
    pub fn blob_path(&self, name: &Digest) -> PathBuf {
        self.board.home().blobs().path(name)
    }

    /// Bytes of an answer: bounded, and counted until they are sent, so that slow readers cost a known sum.
    pub fn hold(&self, bytes: Vec<u8>) -> Result<bytes::Bytes, Refused> {
        if bytes.len() > limits::ANSWER_BYTES_MAX {
            let message = format!("the answer would have {} bytes", bytes.len());
            let hint = "ask for a smaller page with limit=N";
            return Err(Refused::new(axum::http::StatusCode::BAD_REQUEST, "answer_too_long", message, hint));
        }
        let weight = u32::try_from(bytes.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.gates.answers).try_acquire_many_owned(weight);
        let room = room.map_err(|_| Refused::busy("bytes of unsent answers", limits::ANSWERS_BYTES))?;
        Ok(bytes::Bytes::from_owner(Held { bytes, _room: room }))
    }

    /// A value as the bytes of an answer in JSON.
    pub fn json<T: Serialize>(&self, value: &T) -> Result<bytes::Bytes, Refused> {
        self.hold(serde_json::to_vec(value).map_err(Refused::fault)?)
    }
}
