//! Answers to others: bounded in number and bytes for each peer, made by workers, never by the task with the sockets
//! (W-2.4, W-2.9).

use super::book::Turn;
use super::frame::Frame;
use super::gossip::admit;
use super::limits::{BLOCKS_ANSWER_MAX, BLOCKS_MAX};
use super::refused::Refused;
use super::shared::{Command, Shared};
use super::tell::{note_tip, records};
use super::wire::{Blob, Blocks, BlocksAnswer, Channel, Question, Sealed, Talk, TalkAnswer, busy};
use libp2p::PeerId;
use libp2p::gossipsub::MessageAcceptance;
use libp2p::request_response::{InboundRequestId, ResponseChannel};
use retrace_ledger::{Height, decode, encode, encoded_len};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Bytes that a question costs its asker whatever the answer, so that asking for nothing is not free.
const QUESTION_COST: u64 = 256;

/// Which peers are told first, others each time.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// Answers a question, or says "later"; true if an answer is being made, which counts until it was read.
pub(super) fn begin(
    shared: &Arc<Shared>,
    peer: PeerId,
    channel: Channel,
    question: Vec<u8>,
    (id, to): (InboundRequestId, ResponseChannel<Frame>),
) -> bool {
    let turn = shared.book().begin_serving(peer, channel, Instant::now());
    if turn != Turn::Now {
        if turn == Turn::TooFast {
            shared.blame(peer, Refused::TooFast);
        }
        // With no room for a word the channel is dropped, which says the same.
        shared.try_send(Command::Answer { channel, id, to, answer: busy(channel) });
        return false;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let on_worker = Arc::clone(&shared);
        let answered =
            shared.work(channel, move || answer(&on_worker, peer, channel, &question)).await.flatten();
        let Some((answer, cost)) = answered else { return };
        shared.book().charge(&peer, QUESTION_COST + cost);
        shared.counters.answered.inc();
        shared.send(Command::Answer { channel, id, to, answer }).await;
    });
    true
}

/// The answer's bytes, and how many bytes were moved or hashed for it; none for a question that is none.
fn answer(shared: &Shared, peer: PeerId, channel: Channel, question: &[u8]) -> Option<(Vec<u8>, u64)> {
    match channel {
        Channel::Talk => {
            let question = parse::<Talk>(shared, peer, question)?;
            Some((encode(&talk(shared, peer, question)), 0))
        }
        Channel::Blocks => {
            let question = parse::<Blocks>(shared, peer, question)?;
            let bytes = encode(&blocks(shared, question));
            let cost = bytes.len() as u64;
            Some((bytes, cost))
        }
        Channel::Blobs => {
            let question = parse::<Blob>(shared, peer, question)?;
            let (answer, cost) = shared.shelf.answer(&shared.board.blobs(), &question);
            Some((encode(&answer), cost))
        }
    }
}

fn parse<Q: Question>(shared: &Shared, peer: PeerId, bytes: &[u8]) -> Option<Q> {
    let parsed = decode(bytes, Q::CHANNEL.bounds().0 as usize);
    parsed.inspect_err(|_| shared.blame(peer, Refused::Malformed)).ok()
}

fn talk(shared: &Shared, peer: PeerId, question: Talk) -> TalkAnswer {
    match question {
        Talk::Tip(tip) => {
            note_tip(shared, &peer, tip);
            TalkAnswer::Tip(shared.tip())
        }
        Talk::Transactions(all) => {
            shared.book().charge_pushed(&peer, all.len());
            let taken = all.iter().filter(|bytes| admit(shared, peer, bytes) == MessageAcceptance::Accept);
            TalkAnswer::Taken(u32::try_from(taken.count()).unwrap_or(u32::MAX))
        }
        Talk::Peers => TalkAnswer::Peers(records(shared, &peer, TURN.fetch_add(1, Ordering::Relaxed))),
    }
}

/// As many blocks as there are, as were asked for and as fit one frame. One always fits.
fn blocks(shared: &Shared, question: Blocks) -> BlocksAnswer {
    let mut room = BLOCKS_ANSWER_MAX as usize - 8;
    let mut found = Vec::new();
    for offset in 0..u64::from(question.count.min(BLOCKS_MAX)) {
        let Some(height) = question.from.0.checked_add(offset) else { break };
        if height > shared.tip().height.0 {
            break;
        }
        let Ok(Some((block, certificate))) = shared.board.block(Height(height)) else { break };
        let sealed = Sealed { block, certificate };
        let length = encoded_len(&sealed);
        if length > room {
            break;
        }
        room -= length;
        found.push(sealed);
    }
    BlocksAnswer::Blocks(found)
}
