//! The parts a proposed block travels in: a signed beginning, then its bytes (W-1.3).
//!
//! ```text
//! sequence 0      Init   what is proposed, how many bytes, their hash, who sends them, a signature
//! sequence 1..n   Data   131,072 bytes each, the last one what is left
//! ```

use super::types::{Address, Height, Value};
use super::{Retrace, Sig};
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use malachite_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite_core_types as engine;
use retrace_ledger::limits::BLOCK_BYTES_MAX;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{SignatureError, peer_key, sign, verify};
use std::fmt;

/// Bytes of a block in one part.
pub const PART_BYTES: usize = 128 * 1024;
/// Domain of the signature over a beginning.
const CONTEXT: &str = "retrace v1 proposal parts";

/// What a stream of parts begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Init {
    /// Height.
    pub height: Height,
    /// Round it is proposed in.
    pub round: u32,
    /// The round in which two thirds prevoted it, if it is proposed again.
    pub valid_round: Option<u32>,
    /// The block, and how many bytes follow.
    pub value: Value,
    /// BLAKE3 of these bytes. The block's id alone does not name them: it commits to no signature.
    pub content: Digest,
    /// Who sends the parts.
    pub sender: Address,
    /// Its signature over all of the above.
    pub signature: Sig,
}

/// What is signed, with the network in front.
type Signed<'a> = (&'a Digest, Height, u32, Option<u32>, Value, Digest, Address);

impl Init {
    /// The beginning of a block's stream, signed.
    pub fn sign(
        network: &Digest,
        key: &SigningKey,
        position: (Height, u32, Option<u32>),
        value: Value,
        bytes: &[u8],
    ) -> Init {
        let (height, round, valid_round) = position;
        let content = Digest::from(blake3::hash(bytes));
        let sender = Address(peer_key(key));
        let mut init = Init { height, round, valid_round, value, content, sender, signature: Sig([0; 64]) };
        init.signature = sign(key, CONTEXT, &init.signed(network)).into();
        init
    }

    /// Checks the sender's signature.
    pub fn verify(&self, network: &Digest) -> Result<(), SignatureError> {
        verify(&self.sender.0, CONTEXT, &self.signed(network), &self.signature.into())
    }

    fn signed<'a>(&self, network: &'a Digest) -> Signed<'a> {
        (network, self.height, self.round, self.valid_round, self.value, self.content, self.sender)
    }

    /// How many parts of bytes follow.
    pub fn parts(&self) -> usize {
        (self.value.bytes as usize).div_ceil(PART_BYTES)
    }

    /// Bytes of the part with this sequence number.
    pub fn part_bytes(&self, sequence: usize) -> usize {
        let before = sequence.saturating_sub(1).saturating_mul(PART_BYTES);
        (self.value.bytes as usize).saturating_sub(before).min(PART_BYTES)
    }

    /// True if a block can have that many bytes.
    pub fn is_possible(&self) -> bool {
        (1..=BLOCK_BYTES_MAX).contains(&(self.value.bytes as usize))
    }
}

/// One part.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Part {
    /// The beginning.
    Init(Init),
    /// Bytes, and whether they are the last.
    Data(Vec<u8>, bool),
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Init(init) => init.fmt(f),
            Part::Data(bytes, _) => write!(f, "Data({} bytes)", bytes.len()),
        }
    }
}

impl engine::ProposalPart<Retrace> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Part::Init(_))
    }

    fn is_last(&self) -> bool {
        matches!(self, Part::Data(_, true))
    }
}

impl Part {
    /// All parts of a block, in the order they are sent. A stream's id is its position and a number that its
    /// sender uses once.
    pub fn stream(init: Init, bytes: &[u8], once: u64) -> Vec<StreamMessage<Part>> {
        let id = [&init.height.0.to_le_bytes()[..], &init.round.to_le_bytes(), &once.to_le_bytes()].concat();
        let id = StreamId::new(Bytes::from(id));
        let count = init.parts();
        let data = bytes.chunks(PART_BYTES).enumerate();
        let data = data.map(|(index, chunk)| Part::Data(chunk.to_vec(), index + 1 == count));
        let parts = std::iter::once(Part::Init(init)).chain(data).zip(0..);
        let messages =
            parts.map(|(part, sequence)| StreamMessage::new(id.clone(), sequence, StreamContent::Data(part)));
        messages.collect()
    }
}

/// Why a part is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartRefused {
    /// The stream's id is longer than any of ours.
    #[error("the stream's id is too long")]
    StreamId,
    /// The stream is complete, or was refused before.
    #[error("the stream is over")]
    Over,
    /// A part that came before, or one that its place does not allow.
    #[error("part {sequence} has no place here")]
    Place {
        /// Its number.
        sequence: u64,
    },
    /// No block has that many bytes.
    #[error("a block cannot have {found} bytes")]
    Length {
        /// Bytes announced.
        found: u32,
    },
    /// Not a height that is decided next, or soon.
    #[error("height {found} is not decided next")]
    Height {
        /// Its height.
        found: u64,
    },
    /// The sender is no validator of the height.
    #[error("the sender is no validator of the height")]
    Sender,
    /// The signature is not the sender's.
    #[error("the beginning is not signed by its sender")]
    Signature,
    /// The bytes are others than announced.
    #[error("the bytes are not the announced ones")]
    Content,
    /// The bytes are no block, or another one.
    #[error("the bytes are not the announced block")]
    Block,
    /// The sender has sent too many blocks of this height.
    #[error("the sender has sent too many blocks of this height")]
    Full,
}

impl PartRefused {
    /// The reason as a metric's label.
    pub fn name(&self) -> &'static str {
        match self {
            PartRefused::StreamId => "stream_id",
            PartRefused::Over => "over",
            PartRefused::Place { .. } => "place",
            PartRefused::Length { .. } => "length",
            PartRefused::Height { .. } => "height",
            PartRefused::Sender => "sender",
            PartRefused::Signature => "signature",
            PartRefused::Content => "content",
            PartRefused::Block => "block",
            PartRefused::Full => "full",
        }
    }
}
