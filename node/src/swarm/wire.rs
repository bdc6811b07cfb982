//! Questions and answers between peers, as canonical bytes (W-2.4).
//!
//! ```text
//! talk     Tip | Transactions | Peers            small, at once
//! blocks   from, count                           blocks in order, each with its certificate
//! blobs    Describe | Slices                     what a blob is made of; parts of it, each of which verifies alone
//! ```

use super::limits;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_ledger::{Block, Certificate, Height};
use retrace_verifier::digest::Digest;

/// A protocol of questions and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// Small ones.
    Talk,
    /// Blocks.
    Blocks,
    /// Blobs.
    Blobs,
}

impl Channel {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Channel; 3] = [Channel::Talk, Channel::Blocks, Channel::Blobs];

    /// Its part of the protocol's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Channel::Talk => "talk",
            Channel::Blocks => "blocks",
            Channel::Blobs => "blobs",
        }
    }

    /// Its place in tables.
    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// Longest question and longest answer, in bytes.
    pub(super) fn bounds(self) -> (u32, u32) {
        match self {
            Channel::Talk => (limits::TALK_QUESTION_MAX, limits::TALK_ANSWER_MAX),
            Channel::Blocks => (limits::BLOCKS_QUESTION_MAX, limits::BLOCKS_ANSWER_MAX),
            Channel::Blobs => (limits::BLOBS_QUESTION_MAX, limits::BLOBS_ANSWER_MAX),
        }
    }
}

/// A question with the type of its answer.
pub(super) trait Question: BorshSerialize + BorshDeserialize {
    /// What is answered.
    type Answer: BorshSerialize + BorshDeserialize;
    /// Where it is asked.
    const CHANNEL: Channel;
}

/// The last block of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tip {
    /// Its height.
    pub height: Height,
    /// Its id.
    pub id: Digest,
}

/// A small question.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Talk {
    /// "My last block is this, what is yours?"
    Tip(Tip),
    /// "Admit these": canonical bytes of signed transactions.
    Transactions(Vec<Vec<u8>>),
    /// "Whom do you know?"
    Peers,
}

/// The answer to a small question.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum TalkAnswer {
    /// Later, please.
    Busy,
    /// The last block.
    Tip(Tip),
    /// How many were new and were admitted.
    Taken(u32),
    /// Some peers.
    Peers(Vec<Record>),
}

impl Question for Talk {
    type Answer = TalkAnswer;
    const CHANNEL: Channel = Channel::Talk;
}

/// Where somebody is said to be. Whoever dials checks who answers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Record {
    /// Bytes of its peer id.
    pub(super) peer: Vec<u8>,
    /// Bytes of its addresses.
    pub(super) addresses: Vec<Vec<u8>>,
}

/// A question for blocks `from`, `from + 1`, ... at most `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Blocks {
    /// The first height.
    pub(super) from: Height,
    /// How many at most.
    pub(super) count: u32,
}

/// A block with the proof that more than two thirds of the validators signed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Sealed {
    /// The block.
    pub(super) block: Block,
    /// Its certificate.
    pub(super) certificate: Certificate,
}

/// The answer: as many as fit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum BlocksAnswer {
    /// Later, please.
    Busy,
    /// In order, from the first one asked for.
    Blocks(Vec<Sealed>),
}

impl Question for Blocks {
    type Answer = BlocksAnswer;
    const CHANNEL: Channel = Channel::Blocks;
}

/// Some chunk groups of one part of a blob, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Stretch {
    /// Which tensor; 0 for plain bytes.
    pub(super) part: u32,
    /// The first group.
    pub(super) group: u64,
    /// How many groups.
    pub(super) groups: u32,
}

/// A question about a blob.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Blob {
    /// "Do you have it, and what is it made of?"
    Describe {
        /// Its name.
        name: Digest,
    },
    /// "Give me these parts of it."
    Slices {
        /// Its name.
        name: Digest,
        /// The parts.
        stretches: Vec<Stretch>,
    },
}

impl Blob {
    /// The blob in question.
    pub(super) fn name(&self) -> Digest {
        match self {
            Blob::Describe { name } | Blob::Slices { name, .. } => *name,
        }
    }
}

/// The answer about a blob.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum BlobAnswer {
    /// Later, please.
    Busy,
    /// It is not here, or has no such parts.
    Absent,
    /// It is plain bytes, this many.
    Bytes {
        /// Their number.
        length: u64,
    },
    /// It is tensors with these digests, in order.
    Tensors {
        /// Their digests.
        digests: Vec<Digest>,
    },
    /// For each stretch hashes and bytes, in the order in which they verify: a `bao` slice with groups of 16 KiB, without
    /// a length in front.
    Slices {
        /// One for each stretch.
        encoded: Vec<Vec<u8>>,
    },
}

impl Question for Blob {
    type Answer = BlobAnswer;
    const CHANNEL: Channel = Channel::Blobs;
}

/// An answer that says "later" for any question of a channel.
pub(super) fn busy(channel: Channel) -> Vec<u8> {
    match channel {
        Channel::Talk => retrace_ledger::encode(&TalkAnswer::Busy),
        Channel::Blocks => retrace_ledger::encode(&BlocksAnswer::Busy),
        Channel::Blobs => retrace_ledger::encode(&BlobAnswer::Busy),
    }
}
