//! The task that owns the sockets: it routes questions, answers and gossip, and does no work of its own.

use super::dialer::Dialer;
use super::gossip::Gossiped;
use super::parts::{GRAYLIST_SCORE, Parts, message_id};
use super::refused::{Refused, Unanswered};
use super::shared::{Command, Shared};
use super::wire::Channel;
use futures::StreamExt;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use libp2p::request_response::{InboundRequestId, OutboundRequestId};
use libp2p::{Multiaddr, PeerId, Swarm};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often connections are looked after.
const TURN: Duration = Duration::from_millis(250);
/// Questions on the way, to all peers.
const ASKED_MAX: usize = 1024;

/// Questions on the way, with those who wait for the answers.
pub(super) type Asked =
    BTreeMap<(Channel, OutboundRequestId), (PeerId, oneshot::Sender<Result<Vec<u8>, Unanswered>>)>;

/// The task's own things.
pub(super) struct Task {
    pub(super) swarm: Swarm<Parts>,
    pub(super) shared: Arc<Shared>,
    pub(super) dialer: Dialer,
    pub(super) listening: watch::Sender<Vec<Multiaddr>>,
    pub(super) gossiped: mpsc::Sender<Gossiped>,
    pub(super) asked: Asked,
    pub(super) answering: BTreeMap<(Channel, InboundRequestId), Answering>,
}

/// An answer that is being made, sent or read.
pub(super) struct Answering {
    /// Who asked.
    pub(super) peer: PeerId,
    /// Whether it is on its way.
    pub(super) is_sent: bool,
}

impl Task {
    /// Runs until it is told to stop.
    pub(super) async fn run(&mut self, commands: &mut mpsc::Receiver<Command>) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let shared = Arc::clone(&self.shared);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = commands.recv() => match command {
                    None | Some(Command::Stop) => return,
                    Some(command) => self.on_command(command),
                },
                () = shared.doom.notified() => self.drop_doomed(),
                _ = turns.tick() => self.turn(),
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Ask { peer, channel, question, reply } => self.ask(peer, channel, question, reply),
            // Who no longer waits for the answer is gone, or was too slow: nothing is lost.
            Command::Answer { channel, id, to, answer } => {
                if let Some(answering) = self.answering.get_mut(&(channel, id)) {
                    answering.is_sent = true;
                }
                drop(self.swarm.behaviour_mut().questions(channel).send_response(to, Ok(answer)));
            }
            Command::Judge { id, source, acceptance } => {
                self.swarm.behaviour_mut().gossip.report_message_validation_result(&id, &source, acceptance);
            }
            Command::Publish { bytes } => self.publish(bytes),
            Command::Stop => {}
        }
    }

    fn ask(
        &mut self,
        peer: PeerId,
        channel: Channel,
        question: Vec<u8>,
        reply: oneshot::Sender<Result<Vec<u8>, Unanswered>>,
    ) {
        self.asked.retain(|_, (_, reply)| !reply.is_closed());
        if !self.swarm.is_connected(&peer) || self.asked.len() >= ASKED_MAX {
            // Whoever asked has given up or is told so; there is nobody else to tell.
            drop(reply.send(Err(Unanswered::Gone)));
            return;
        }
        let id = self.swarm.behaviour_mut().questions(channel).send_request(&peer, Ok(question));
        self.asked.insert((channel, id), (peer, reply));
    }

    /// The answer to a question came, or will not come.
    pub(super) fn answered(
        &mut self,
        channel: Channel,
        id: OutboundRequestId,
        answer: Result<Vec<u8>, Unanswered>,
    ) {
        if let Some((peer, reply)) = self.asked.remove(&(channel, id)) {
            if let Err(Unanswered::Refused(refused)) = answer {
                self.shared.blame(peer, refused);
            }
            drop(reply.send(answer));
        }
    }

    /// Without a peer that listens nobody hears of it now: what is still pending in two seconds is pushed.
    fn publish(&mut self, bytes: Vec<u8>) {
        let (topic, length) = (self.shared.names.topic(), bytes.len() as u64);
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        match gossip.publish(topic, bytes) {
            Ok(_) => drop(self.shared.counters.bytes_out.inc_by(length)),
            Err(error) => tracing::debug!(%error, "a transaction was not gossiped"),
        }
    }

    fn drop_doomed(&mut self) {
        let doomed = self.shared.book().take_doomed();
        for peer in doomed {
            // One that is not connected any more needs no closing.
            let _was_connected = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn turn(&mut self) {
        let now = Instant::now();
        let silent = {
            let mut book = self.shared.book();
            book.forget_some(now);
            book.silent(now)
        };
        for peer in silent {
            self.shared.blame(peer, Refused::Silent);
        }
        self.blame_gossips();
        self.drop_doomed();
        for opts in self.dialer.turn(now) {
            let id = opts.connection_id();
            if let Err(error) = self.swarm.dial(opts) {
                tracing::debug!(%error, "not dialed");
                self.dialer.failed(id);
            }
        }
        let peers = self.shared.book().ready_count();
        self.shared.counters.peers.set(i64::try_from(peers).unwrap_or(i64::MAX));
    }

    /// What gossip refuses by itself, as unsigned messages, it counts by itself.
    fn blame_gossips(&mut self) {
        let peers = self.shared.book().ready_peers();
        for peer in peers {
            let score = self.swarm.behaviour_mut().gossip.peer_score(&peer);
            if score.is_some_and(|score| score <= GRAYLIST_SCORE) {
                self.shared.blame(peer, Refused::Gossip);
            }
        }
    }

    /// A transaction was gossiped: whoever admits it says whether it goes on.
    pub(super) fn on_gossip(&mut self, source: PeerId, data: Vec<u8>) {
        self.shared.counters.bytes_in.inc_by(data.len() as u64);
        let id = message_id(&data);
        if self.shared.book().note_gossip(source, Instant::now()) {
            self.shared.blame(source, Refused::TooFast);
            return self.ignore_gossip(&id, &source);
        }
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).note(&data);
        if self.gossiped.try_send(Gossiped { source, data }).is_err() {
            self.shared.refuse(Refused::TransactionsFull, &source);
            self.ignore_gossip(&id, &source);
        }
    }

    fn ignore_gossip(&mut self, id: &MessageId, source: &PeerId) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(id, source, MessageAcceptance::Ignore);
    }
}
