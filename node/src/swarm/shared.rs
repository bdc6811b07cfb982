//! What all tasks of the swarm share: the board, the book of peers, and the way to the one task that owns the sockets.

use super::blobs::Shelf;
use super::book::Book;
use super::counters::Counters;
use super::frame::Frame;
use super::limits::{ANSWER_PATIENCE, Limits};
use super::names::Names;
use super::recent::Recent;
use super::refused::{Journal, Refused, Unanswered};
use super::wire::{Channel, Question, Tip};
use crate::network::Board;
use libp2p::PeerId;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use libp2p::request_response::{InboundRequestId, ResponseChannel};
use retrace_ledger::{decode, encode};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

/// What the task that owns the sockets is asked to do.
pub(super) enum Command {
    /// Ask a peer.
    Ask {
        /// Whom.
        peer: PeerId,
        /// Where.
        channel: Channel,
        /// Canonical bytes of the question.
        question: Vec<u8>,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Vec<u8>, Unanswered>>,
    },
    /// Answer a peer.
    Answer {
        /// Where.
        channel: Channel,
        /// Which question.
        id: InboundRequestId,
        /// To whom.
        to: ResponseChannel<Frame>,
        /// Canonical bytes of the answer.
        answer: Vec<u8>,
    },
    /// A gossiped transaction was looked at.
    Judge {
        /// The message.
        id: MessageId,
        /// Who passed it on.
        source: PeerId,
        /// Whether it is passed on.
        acceptance: MessageAcceptance,
    },
    /// Gossip a transaction.
    Publish {
        /// Its canonical bytes.
        bytes: Vec<u8>,
    },
    /// Stop.
    Stop,
}

/// Shared by all tasks.
pub(super) struct Shared {
    pub(super) board: Arc<Board>,
    pub(super) limits: Limits,
    pub(super) names: Names,
    pub(super) counters: Arc<Counters>,
    /// Content names of gossiped transactions that came or went a moment ago.
    pub(super) heard: Mutex<Recent>,
    /// The last block; behind the board's by moments at most, and read without waiting for it.
    pub(super) tip: watch::Sender<Tip>,
    /// Height up to which blocks came from peers.
    pub(super) heard_height: AtomicU64,
    /// Rings when a peer announces a block, or when there is a new peer.
    pub(super) news: Notify,
    /// Rings when a peer is to be dropped.
    pub(super) doom: Notify,
    /// What is known of blobs that were asked for.
    pub(super) shelf: Shelf,
    book: Mutex<Book>,
    journal: Mutex<Journal>,
    commands: mpsc::Sender<Command>,
    workers: [Arc<Semaphore>; 3],
}

/// Blocking workers of each channel: small questions do not wait behind blobs.
const WORKERS: [usize; 3] = [4, 2, 4];
/// Commands that may wait.
const COMMANDS_MAX: usize = 1024;
/// Gossiped transactions that are remembered.
const HEARD_MAX: usize = 16_384;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        board: Arc<Board>,
        limits: Limits,
        own: PeerId,
    ) -> (Arc<Shared>, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let head = board.head();
        let counters = Arc::new(Counters::default());
        board.metrics().register(|registry| counters.register(registry));
        let shared = Shared {
            names: Names::of(&board.network()),
            counters,
            heard: Mutex::new(Recent::new(HEARD_MAX)),
            tip: watch::Sender::new(Tip { height: head.height, id: head.id }),
            heard_height: AtomicU64::new(0),
            news: Notify::new(),
            doom: Notify::new(),
            shelf: Shelf::default(),
            workers: WORKERS.map(|count| Arc::new(Semaphore::new(count))),
            book: Mutex::new(Book::new(own, limits.clone())),
            journal: Mutex::default(),
            commands,
            board,
            limits,
        };
        (Arc::new(shared), receiver)
    }

    /// The book of peers; held for moments only.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Where blobs are until they are whole.
    pub(super) fn partial_folder(&self) -> PathBuf {
        self.board.home().path().join("partial")
    }

    /// The last block.
    pub(super) fn tip(&self) -> Tip {
        *self.tip.borrow()
    }

    /// The chain may have grown.
    pub(super) fn note_head(&self, head: Tip) {
        self.tip.send_if_modified(|tip| {
            let is_later = head.height > tip.height;
            if is_later {
                *tip = head;
            }
            is_later
        });
    }

    /// Hands a command over; false once the swarm has stopped.
    pub(super) async fn send(&self, command: Command) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// True once the task that owns the sockets has ended.
    pub(super) fn has_stopped(&self) -> bool {
        self.commands.is_closed()
    }

    /// Hands a command over if there is room at once.
    pub(super) fn try_send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Counts a refusal, names the peer in the log, and drops it if it went too far.
    pub(super) fn blame(&self, peer: PeerId, refused: Refused) {
        self.refuse(refused, &peer);
        if self.book().blame(peer, refused, Instant::now()) {
            tracing::warn!(%peer, last = %refused, "peer dropped for a while");
            self.doom.notify_one();
        }
    }

    /// Counts a refusal of somebody without a name yet.
    pub(super) fn refuse(&self, refused: Refused, whose: &dyn std::fmt::Display) {
        let (kind, name) = refused.names();
        self.board.metrics().refused(kind, name);
        let noted = lock(&self.journal).note(refused, Instant::now());
        if let Some(count) = noted {
            tracing::info!(peer = %whose, kind, name, count, "refused from a peer");
        }
    }

    /// Asks a peer, and blames it for an answer that is none.
    pub(super) async fn ask<Q: Question>(&self, peer: PeerId, question: &Q) -> Result<Q::Answer, Unanswered> {
        let answer = self.ask_bytes(peer, Q::CHANNEL, encode(question)).await?;
        let parsed = decode(&answer, Q::CHANNEL.bounds().1 as usize);
        parsed.map_err(|_| {
            self.blame(peer, Refused::Malformed);
            Unanswered::Refused(Refused::Malformed)
        })
    }

    /// Asks a peer; the answer is bounded and nothing more.
    pub(super) async fn ask_bytes(
        &self,
        peer: PeerId,
        channel: Channel,
        question: Vec<u8>,
    ) -> Result<Vec<u8>, Unanswered> {
        let (reply, answer) = oneshot::channel();
        if !self.send(Command::Ask { peer, channel, question, reply }).await {
            return Err(Unanswered::Gone);
        }
        match tokio::time::timeout(ANSWER_PATIENCE, answer).await {
            Ok(answered) => answered.unwrap_or(Err(Unanswered::Gone)),
            Err(_) => {
                self.blame(peer, Refused::NoAnswer);
                Err(Unanswered::Late)
            }
        }
    }

    /// Runs blocking work on one of a channel's workers; none if it panicked or the runtime stops.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        channel: Channel,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = Arc::clone(&self.workers[channel.index()]).acquire_owned().await.ok()?;
        let run = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(run).await.ok()
    }
}
