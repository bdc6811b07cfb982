//! Every message of consensus as canonical bytes: of bounded length, then parsed, then of a sane round (W-1.2).

use super::context::{Address, BlockId, Height, PART_BYTES, Part, Retrace, Sig};
use super::sign_state::SignStateError;
use super::signer::Gate;
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use malachite_app_channel::app::consensus::{ConsensusMsg, LivenessMsg};
use malachite_app_channel::app::streaming::StreamMessage;
use malachite_app_channel::app::types::codec::{Codec, HasEncodedLen};
use malachite_app_channel::app::types::{ProposedValue, SignedConsensusMsg};
use malachite_core_types::{
    ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate, Round, ValidatorProof,
};
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};
use retrace_ledger::{CodecError, decode};

/// Bytes of a vote or a proposal.
pub const CONSENSUS_BYTES_MAX: usize = 1024;
/// Bytes of a certificate on its own.
pub const LIVENESS_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a part with what surrounds it.
pub const STREAM_BYTES_MAX: usize = PART_BYTES + 1024;
/// Bytes of an answer with decided blocks.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of anything else.
const SMALL_BYTES_MAX: usize = 1024;
/// No height comes to a later round.
const ROUND_MAX: u32 = 1 << 20;

/// Bytes that are no message, or a message that must not leave.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The bytes are no message.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// A round that no height comes to, or none where there must be one.
    #[error("round {round} is none that a height comes to")]
    Round {
        /// The round.
        round: i64,
    },
    /// A value that has no bytes.
    #[error("the value has no canonical bytes")]
    Unwritable,
    /// The sign state stops it.
    #[error("{0}")]
    Gate(#[from] SignStateError),
}

/// A message of consensus, sync or the engine's log.
trait Message: Sized {
    /// Most bytes.
    const LIMIT: usize;

    /// Its canonical bytes.
    fn write(&self) -> Result<Vec<u8>, WireError>;

    /// Reads canonical bytes.
    fn read(bytes: &[u8]) -> Result<Self, WireError>;

    /// The rounds in it that must be sane.
    fn rounds(&self) -> Vec<Round> {
        Vec::new()
    }

    /// The vote or proposal in it, if it is one.
    fn signed(&self) -> Option<ConsensusMsg<Retrace>> {
        None
    }
}

/// What goes over the network. Nothing of ours leaves without having passed the gate.
#[derive(Clone)]
pub struct WireCodec {
    gate: Gate,
}

impl WireCodec {
    /// A codec in front of a gate.
    pub fn new(gate: Gate) -> WireCodec {
        WireCodec { gate }
    }
}

/// What goes into the engine's log.
#[derive(Clone, Copy)]
pub struct LogCodec;

fn read<T: Message>(bytes: &[u8]) -> Result<T, WireError> {
    if bytes.len() > T::LIMIT {
        return Err(CodecError::TooLong { found: bytes.len(), limit: T::LIMIT }.into());
    }
    let message = T::read(bytes)?;
    let is_sane = |round: &Round| round.as_u32().is_some_and(|round| round <= ROUND_MAX);
    match message.rounds().iter().find(|round| !is_sane(round)) {
        Some(round) => Err(WireError::Round { round: round.as_i64() }),
        None => Ok(message),
    }
}

impl<T: Message> Codec<T> for WireCodec {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<T, WireError> {
        read(&bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, WireError> {
        if let Some(signed) = message.signed() {
            self.gate.pass(&signed)?;
        }
        Ok(message.write()?.into())
    }
}

impl HasEncodedLen<Response<Retrace>> for WireCodec {
    fn encoded_len(&self, response: &Response<Retrace>) -> Result<usize, WireError> {
        Ok(response.write()?.len())
    }
}

impl<T: Message> Codec<T> for LogCodec {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<T, WireError> {
        read(&bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, WireError> {
        Ok(message.write()?.into())
    }
}

fn plain<T: BorshSerialize>(value: &T) -> Result<Vec<u8>, WireError> {
    borsh::to_vec(value).map_err(|_| WireError::Unwritable)
}

fn parse<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, WireError> {
    // The length was checked against the message's own limit.
    Ok(decode(bytes, usize::MAX)?)
}

impl Message for SignedConsensusMsg<Retrace> {
    const LIMIT: usize = CONSENSUS_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }

    fn rounds(&self) -> Vec<Round> {
        match self {
            SignedConsensusMsg::Vote(vote) => vec![vote.message.round],
            SignedConsensusMsg::Proposal(proposal) => {
                vec![proposal.message.round, proposal.message.pol_round.or(Round::ZERO)]
            }
        }
    }

    fn signed(&self) -> Option<ConsensusMsg<Retrace>> {
        Some(match self {
            SignedConsensusMsg::Vote(vote) => ConsensusMsg::Vote(vote.message),
            SignedConsensusMsg::Proposal(proposal) => ConsensusMsg::Proposal(proposal.message),
        })
    }
}

impl Message for LivenessMsg<Retrace> {
    const LIMIT: usize = LIVENESS_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }

    fn rounds(&self) -> Vec<Round> {
        match self {
            LivenessMsg::Vote(vote) => vec![vote.message.round],
            LivenessMsg::PolkaCertificate(certificate) => vec![certificate.round],
            LivenessMsg::SkipRoundCertificate(certificate) => vec![certificate.round],
        }
    }

    fn signed(&self) -> Option<ConsensusMsg<Retrace>> {
        match self {
            LivenessMsg::Vote(vote) => Some(ConsensusMsg::Vote(vote.message)),
            _ => None,
        }
    }
}

impl Message for PolkaCertificate<Retrace> {
    const LIMIT: usize = LIVENESS_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }

    fn rounds(&self) -> Vec<Round> {
        vec![self.round]
    }
}

impl Message for ProposedValue<Retrace> {
    const LIMIT: usize = SMALL_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }

    fn rounds(&self) -> Vec<Round> {
        vec![self.round, self.valid_round.or(Round::ZERO)]
    }
}

impl Message for StreamMessage<Part> {
    const LIMIT: usize = STREAM_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }
}

impl Message for Part {
    const LIMIT: usize = STREAM_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }
}

impl Message for ValidatorProof<Retrace> {
    const LIMIT: usize = SMALL_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(&(&self.public_key, &self.peer_id, self.signature))
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let (public_key, peer_id, signature) = parse(bytes)?;
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}

impl Message for Status<Retrace> {
    const LIMIT: usize = SMALL_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        plain(self)
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        parse(bytes)
    }
}

impl Message for Request<Retrace> {
    const LIMIT: usize = SMALL_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        let Request::ValueRequest(request) = self;
        plain(&(request.range.start(), request.range.end()))
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let (first, last): (Height, Height) = parse(bytes)?;
        Ok(Request::ValueRequest(ValueRequest::new(first..=last)))
    }
}

/// A decided block on the wire: its bytes and the certificate. Votes carry no extensions, so none travel.
#[derive(BorshSerialize, BorshDeserialize)]
struct Decided {
    bytes: Vec<u8>,
    height: Height,
    round: u32,
    block: BlockId,
    signatures: Vec<(Address, Sig)>,
}

impl Decided {
    fn of(value: &RawDecidedValue<Retrace>) -> Result<Decided, WireError> {
        let certificate = &value.certificate;
        let signatures = certificate.commit_signatures.iter().map(|s| (s.address, s.signature));
        Ok(Decided {
            bytes: value.value_bytes.to_vec(),
            height: certificate.height,
            round: certificate.round.as_u32().ok_or(WireError::Unwritable)?,
            block: certificate.value_id,
            signatures: signatures.collect(),
        })
    }

    fn value(self) -> RawDecidedValue<Retrace> {
        let signature = |(address, signature)| ExtendedCommitSignature::new(address, signature, None);
        let certificate = ExtendedCommitCertificate {
            height: self.height,
            round: Round::new(self.round),
            value_id: self.block,
            commit_signatures: self.signatures.into_iter().map(signature).collect(),
        };
        RawDecidedValue::new(self.bytes.into(), certificate)
    }
}

impl Message for Response<Retrace> {
    const LIMIT: usize = RESPONSE_BYTES_MAX;

    fn write(&self) -> Result<Vec<u8>, WireError> {
        let Response::ValueResponse(response) = self;
        let values: Result<Vec<_>, _> = response.values.iter().map(Decided::of).collect();
        plain(&(response.start_height, values?))
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let (first, values): (Height, Vec<Decided>) = parse(bytes)?;
        let values = values.into_iter().map(Decided::value).collect();
        Ok(Response::ValueResponse(ValueResponse::new(first, values)))
    }

    fn rounds(&self) -> Vec<Round> {
        let Response::ValueResponse(response) = self;
        response.values.iter().map(|value| value.certificate.round).collect()
    }
}
