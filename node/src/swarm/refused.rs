//! Why something of a peer is refused: each reason has a name, a cost and a place in the log (W-2.3).

use super::wire::Channel;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Points at which a peer is dropped for a while.
pub(super) const POINTS_MAX: u32 = 100;

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The peer is of another network.
    OtherNetwork,
    /// The peer did not say in time what network it is of.
    Silent,
    /// The peer was dropped a while ago.
    Dropped,
    /// Its address has too many connections.
    AddressFull,
    /// There are too many connections.
    ConnectionsFull,
    /// The process uses too much memory for another connection.
    MemoryFull,
    /// The connection did not become an encrypted one.
    Handshake,
    /// The peer asks more than its share.
    TooFast,
    /// The peer does not read the answers to its questions.
    Unread,
    /// A frame says that it is longer than its kind may be.
    FrameTooLong,
    /// A frame ends before it is whole.
    FrameTruncated,
    /// A frame's bytes are no message.
    Malformed,
    /// An answer is not one to the question.
    OtherAnswer,
    /// No answer came.
    NoAnswer,
    /// The peer does not speak a protocol that its network has.
    Unspoken,
    /// A told address is none that may be dialed.
    Address,
    /// A transaction that no honest node passes on.
    Transaction,
    /// Transactions come faster than they are admitted.
    TransactionsFull,
    /// Too much gossip that is unsigned or invalid.
    Gossip,
    /// The blocks are not the ones asked for.
    BlocksOther,
    /// The peer does not have the blocks that it announced.
    BlocksMissing,
    /// A block's size, signatures or transaction hash do not hold.
    BlockInvalid,
    /// A block or its certificate does not follow from the chain.
    BlockUnproved,
    /// A blob is longer than it may be.
    BlobTooLong,
    /// A blob's length is not the one that its last part proves.
    BlobLength,
    /// The digests of a blob's tensors do not give its name.
    BlobEntries,
    /// A part of a blob has other bytes than its name says.
    BlobBytes,
}

impl Refused {
    /// What it is about, and its name in metrics.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Refused::OtherNetwork => ("connection", "other_network"),
            Refused::Silent => ("connection", "silent"),
            Refused::Dropped => ("connection", "dropped"),
            Refused::AddressFull => ("connection", "address_full"),
            Refused::ConnectionsFull => ("connection", "connections_full"),
            Refused::MemoryFull => ("connection", "memory_full"),
            Refused::Handshake => ("connection", "handshake"),
            Refused::TooFast => ("frame", "too_fast"),
            Refused::Unread => ("frame", "unread"),
            Refused::FrameTooLong => ("frame", "too_long"),
            Refused::FrameTruncated => ("frame", "truncated"),
            Refused::Malformed => ("frame", "malformed"),
            Refused::OtherAnswer => ("frame", "other_answer"),
            Refused::NoAnswer => ("frame", "no_answer"),
            Refused::Unspoken => ("frame", "unspoken"),
            Refused::Address => ("peer", "address"),
            Refused::Transaction => ("transaction", "gossiped_invalid"),
            Refused::TransactionsFull => ("transaction", "admission_full"),
            Refused::Gossip => ("transaction", "gossip_invalid"),
            Refused::BlocksOther => ("block", "other_blocks"),
            Refused::BlocksMissing => ("block", "missing"),
            Refused::BlockInvalid => ("block", "invalid"),
            Refused::BlockUnproved => ("block", "unproved"),
            Refused::BlobTooLong => ("blob", "too_long"),
            Refused::BlobLength => ("blob", "wrong_length"),
            Refused::BlobEntries => ("blob", "wrong_entries"),
            Refused::BlobBytes => ("blob", "wrong_bytes"),
        }
    }

    /// What it costs the peer. One lie that no honest peer could tell is enough; what an overload may explain is not.
    pub(super) fn points(self) -> u32 {
        match self {
            Refused::OtherNetwork | Refused::Silent | Refused::Unspoken => POINTS_MAX,
            Refused::BlockInvalid | Refused::BlockUnproved | Refused::BlocksOther => POINTS_MAX,
            Refused::BlobTooLong | Refused::BlobLength => POINTS_MAX,
            Refused::BlobEntries | Refused::BlobBytes => POINTS_MAX,
            Refused::FrameTooLong | Refused::Malformed | Refused::OtherAnswer => 34,
            Refused::Unread | Refused::Gossip => 34,
            Refused::FrameTruncated | Refused::Transaction => 10,
            Refused::BlocksMissing | Refused::Address => 5,
            Refused::NoAnswer => 3,
            Refused::TooFast => 1,
            Refused::Dropped | Refused::AddressFull | Refused::ConnectionsFull => 0,
            Refused::MemoryFull | Refused::Handshake | Refused::TransactionsFull => 0,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.names();
        write!(f, "{kind}/{name}")
    }
}

impl std::error::Error for Refused {}

/// A question that got no use out of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    /// The answer was refused, and the peer blamed.
    #[error("refused: {0}")]
    Refused(Refused),
    /// None came in time.
    #[error("no answer in time")]
    Late,
    /// The peer is gone, or this node stops.
    #[error("the peer is gone")]
    Gone,
}

/// The log of refusals: a line a second for each reason and channel, with the number that it stands for.
#[derive(Debug, Default)]
pub(super) struct Journal {
    lines: BTreeMap<Refused, (Instant, u64)>,
}

/// Shortest time between two lines of one reason.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

impl Journal {
    /// How many a line written now would stand for; none if there was one a moment ago.
    pub(super) fn note(&mut self, refused: Refused, now: Instant) -> Option<u64> {
        let Some((last, unsaid)) = self.lines.get_mut(&refused) else {
            self.lines.insert(refused, (now, 0));
            return Some(1);
        };
        *unsaid += 1;
        if now.duration_since(*last) < LINE_INTERVAL {
            return None;
        }
        *last = now;
        Some(std::mem::take(unsaid))
    }
}

/// Where a question was asked, for people.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, LINE_INTERVAL, Refused};
    use std::time::Instant;

    /// W-2.3: a flood of one reason writes one line a second, and the line says how many it stands for.
    #[test]
    fn a_flood_is_one_line_a_second() {
        let (mut journal, start) = (Journal::default(), Instant::now());
        assert_eq!(journal.note(Refused::Malformed, start), Some(1));
        for _ in 0..999 {
            assert_eq!(journal.note(Refused::Malformed, start), None);
        }
        assert_eq!(journal.note(Refused::BlobBytes, start), Some(1));
        assert_eq!(journal.note(Refused::Malformed, start + LINE_INTERVAL), Some(1000));
        assert_eq!(journal.note(Refused::Malformed, start + LINE_INTERVAL), None);
    }
}
