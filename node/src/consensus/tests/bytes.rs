//! The bytes of consensus: votes are the ledger's, messages come back as they were, and nothing else is read.

use super::network::Net;
use crate::consensus::certificate::{to_engine, to_ledger};
use crate::consensus::codec::{CONSENSUS_BYTES_MAX, LogCodec, WireCodec, WireError};
use crate::consensus::context::{Address, BlockId, Height, Init, Part, Proposal, Retrace, Sig, Value, Vote};
use crate::consensus::sign_state::{SignState, SignStateError};
use crate::consensus::signer::{ConsensusSigner, ConsensusVerifier, Gate};
use bytes::Bytes;
use malachite_app_channel::app::consensus::LivenessMsg;
use malachite_app_channel::app::streaming::StreamMessage;
use malachite_app_channel::app::types::codec::Codec;
use malachite_app_channel::app::types::{ProposedValue, SignedConsensusMsg};
use malachite_app_channel::{Signer, Verifier};
use malachite_core_types::{
    CommitCertificate, CommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round, SignedMessage,
    ValidatorProof, Validity, VoteType,
};
use malachite_sync::{RawDecidedValue, Request, Response, ValueRequest, ValueResponse};
use retrace_ledger::{Signable, Signed, Unchecked};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::peer_key;

struct Bench {
    net: Net,
    network: Digest,
    signer: ConsensusSigner,
    verifier: ConsensusVerifier,
    wire: WireCodec,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let net = Net::new(4);
    let network = net.genesis.network();
    let folder = tempfile::tempdir().unwrap();
    let key = net.keys[0].consensus.clone();
    let state = SignState::open(&folder.path().join("signed"), network).unwrap();
    let gate = Gate::new(network, Address(peer_key(&key)), state);
    let signer = ConsensusSigner::new(key, gate.clone());
    let (verifier, wire) = (ConsensusVerifier::new(network), WireCodec::new(gate));
    Bench { net, network, signer, verifier, wire, _folder: folder }
}

impl Bench {
    fn own(&self) -> Address {
        Address(peer_key(&self.net.keys[0].consensus))
    }

    fn vote(&self, kind: VoteType, height: u64, round: u32, block: Option<u8>) -> Vote {
        let block = block.map_or(NilOrVal::Nil, |byte| NilOrVal::Val(BlockId(Digest([byte; 32]))));
        Vote { height: Height(height), round: Round::new(round), kind, block, validator: self.own() }
    }

    fn proposal(&self, round: u32, pol_round: Round) -> Proposal {
        let value = Value { block: BlockId(Digest([1; 32])), bytes: 77 };
        Proposal { height: Height(1), round: Round::new(round), value, pol_round, proposer: self.own() }
    }
}

fn round_trip<C, T>(codec: &C, message: &T) -> Bytes
where
    C: Codec<T>,
    T: PartialEq + std::fmt::Debug,
{
    let bytes = codec.encode(message).unwrap();
    assert_eq!(codec.decode(bytes.clone()).unwrap(), *message);
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(codec.decode(longer.into()).is_err(), "a byte is left over");
    assert!(codec.decode(bytes.slice(..bytes.len() - 1)).is_err(), "a byte is missing");
    bytes
}

/// W-1.1: what the engine signs as a vote is what the ledger checks, for both kinds and for no block.
#[tokio::test]
async fn votes_are_the_ledgers() {
    let bench = bench();
    for (round, kind) in [(0, VoteType::Prevote), (1, VoteType::Precommit)] {
        for block in [Some(4), None] {
            let own = bench.own().0;
            let vote = bench.vote(kind, 9, round + 2 * u32::from(block.is_none()), block);
            let signed = bench.signer.sign_vote(vote).await.unwrap();
            let body = vote.ledger(bench.network).unwrap();
            assert_eq!(body.signer(), own);
            let checked = Signed::check(Unchecked { body, signature: signed.signature.into() });
            assert!(checked.is_ok());
            let verified = bench.verifier.verify_signed_vote(&vote, &signed.signature, &own);
            assert!(verified.await.unwrap().is_valid());
            let other = Vote { height: Height(10), ..vote };
            let verified = bench.verifier.verify_signed_vote(&other, &signed.signature, &own);
            assert!(verified.await.unwrap().is_invalid());
            let bytes = round_trip(&bench.wire, &SignedConsensusMsg::Vote(signed));
            // A tag, and the ledger's vote without the network, and a signature.
            assert_eq!(bytes[1..bytes.len() - 64], retrace_ledger::encode(&body)[32..]);
        }
    }
}

/// W-1.1: a certificate of the engine's precommits is one that the ledger accepts, and comes back unchanged.
#[tokio::test]
async fn certificates_are_the_ledgers() {
    let net = Net::new(4);
    let chain = net.chain();
    let (network, set) = (chain.network(), chain.validators());
    let block = net.block(0, 1);
    let (height, round, id) = (Height(1), Round::new(2), BlockId(block.id()));
    let mut commit_signatures = Vec::new();
    for keys in &net.keys[..3] {
        let validator = Address(peer_key(&keys.consensus));
        let vote = Vote { height, round, kind: VoteType::Precommit, block: NilOrVal::Val(id), validator };
        let body = vote.ledger(network).unwrap();
        let signed = Signed::sign(body, &keys.consensus).unwrap();
        commit_signatures.push(CommitSignature::new(validator, Sig::from(signed.wire().signature)));
    }
    let certificate = CommitCertificate::<Retrace> { height, round, value_id: id, commit_signatures };
    let ours = to_ledger(&certificate).unwrap();
    assert_eq!(ours.check(&network, &set), Ok(()));
    assert_eq!(to_ledger(&to_engine(&ours).trim_vote_extensions()), Some(ours));
    let nowhere = CommitCertificate { round: Round::Nil, ..certificate };
    assert_eq!(to_ledger(&nowhere), None);
}

/// W-1.2: every kind of message comes back as it was, and no other spelling of it is read.
#[tokio::test]
async fn messages_come_back() {
    let bench = bench();
    let prevote = bench.signer.sign_vote(bench.vote(VoteType::Prevote, 1, 0, Some(1))).await.unwrap();
    for pol_round in [Round::Nil, Round::ZERO] {
        let proposal = bench.signer.sign_proposal(bench.proposal(1, pol_round)).await.unwrap();
        round_trip(&LogCodec, &SignedConsensusMsg::<Retrace>::Proposal(proposal));
    }
    round_trip(&bench.wire, &LivenessMsg::Vote(prevote.clone()));
    let polka = PolkaCertificate::<Retrace> {
        height: Height(1),
        round: Round::ZERO,
        value_id: BlockId(Digest([1; 32])),
        polka_signatures: vec![PolkaSignature::new(bench.own(), prevote.signature)],
    };
    round_trip(&LogCodec, &polka);
    round_trip(&bench.wire, &LivenessMsg::PolkaCertificate(polka));
    round_trip(&bench.wire, &bench.signer.proof(vec![1, 2, 3]));
    let value = ProposedValue::<Retrace> {
        height: Height(1),
        round: Round::ZERO,
        valid_round: Round::Nil,
        proposer: bench.own(),
        value: Value { block: BlockId(Digest([1; 32])), bytes: 5 },
        validity: Validity::Valid,
    };
    round_trip(&LogCodec, &value);
    round_trip(&bench.wire, &Request::<Retrace>::ValueRequest(ValueRequest::new(Height(3)..=Height(9))));
}

/// W-1.2, W-1.3: parts and decided blocks travel whole.
#[tokio::test]
async fn parts_and_decided_blocks_come_back() {
    let bench = bench();
    let block = bench.net.block(0, 1);
    let bytes = retrace_ledger::encode(&block.wire());
    let position = (Height(1), 0, None);
    let value = Value::of(&block, bytes.len());
    let init = Init::sign(&bench.network, &bench.net.keys[0].consensus, position, value, &bytes);
    assert!(init.verify(&bench.network).is_ok());
    assert!(init.verify(&Digest([0; 32])).is_err());
    let moved = Init { round: 1, ..init };
    assert!(moved.verify(&bench.network).is_err());
    for message in Part::stream(init, &bytes, 5) {
        round_trip::<_, StreamMessage<Part>>(&bench.wire, &message);
    }
    let mut chain = bench.net.chain();
    let certificate = certify(&bench.net, &block);
    chain.apply(&block, &certificate).unwrap();
    let raw = RawDecidedValue::<Retrace>::new(bytes.into(), to_engine(&certificate));
    round_trip(&bench.wire, &Response::ValueResponse(ValueResponse::new(Height(1), vec![raw])));
}

fn certify(net: &Net, block: &retrace_ledger::CheckedBlock) -> retrace_ledger::Certificate {
    let (network, height, id) = (net.genesis.network(), Height(1), BlockId(block.id()));
    let commits = net.keys.iter().map(|keys| {
        let validator = Address(peer_key(&keys.consensus));
        let kind = VoteType::Precommit;
        let vote = Vote { height, round: Round::ZERO, kind, block: NilOrVal::Val(id), validator };
        let signed = Signed::sign(vote.ledger(network).unwrap(), &keys.consensus).unwrap();
        CommitSignature::new(validator, Sig::from(signed.wire().signature))
    });
    let commit_signatures = commits.collect();
    let certificate =
        CommitCertificate::<Retrace> { height, round: Round::ZERO, value_id: id, commit_signatures };
    to_ledger(&certificate).unwrap()
}

/// W-1.2: rounds that no height comes to are refused, before anything counts with them.
#[tokio::test]
async fn absurd_rounds_are_refused() {
    let bench = bench();
    let vote = bench.vote(VoteType::Prevote, 1, u32::MAX, None);
    let message = SignedConsensusMsg::<Retrace>::Vote(SignedMessage::new(vote, Sig([0; 64])));
    let bytes = Codec::<SignedConsensusMsg<Retrace>>::encode(&LogCodec, &message).unwrap();
    let refused = Codec::<SignedConsensusMsg<Retrace>>::decode(&LogCodec, bytes);
    assert!(matches!(refused, Err(WireError::Round { .. })));
    let proposal = bench.proposal(0, Round::new(1 << 21));
    let message = SignedConsensusMsg::<Retrace>::Proposal(SignedMessage::new(proposal, Sig([0; 64])));
    let bytes = Codec::<SignedConsensusMsg<Retrace>>::encode(&LogCodec, &message).unwrap();
    let refused = Codec::<SignedConsensusMsg<Retrace>>::decode(&LogCodec, bytes);
    assert!(matches!(refused, Err(WireError::Round { .. })));
    let nowhere = Vote { round: Round::Nil, ..vote };
    let message = SignedConsensusMsg::<Retrace>::Vote(SignedMessage::new(nowhere, Sig([0; 64])));
    assert!(Codec::<SignedConsensusMsg<Retrace>>::encode(&LogCodec, &message).is_err());
    assert!(bench.signer.sign_vote(nowhere).await.is_err());
}

/// W-1.5: what leaves is written down first; a second thing in its place is neither signed nor sent.
#[tokio::test]
async fn the_gate_lets_nothing_contradict() {
    let bench = bench();
    let signed = |block| bench.signer.sign_vote(bench.vote(VoteType::Precommit, 7, 1, block));
    let first = signed(Some(1)).await.unwrap();
    // Signed and not sent, as before a crash: the engine's log does not have it either, and may decide anew.
    let second = signed(Some(2)).await.unwrap();
    assert!(bench.wire.encode(&SignedConsensusMsg::Vote(first.clone())).is_ok());
    let refused = bench.wire.encode(&SignedConsensusMsg::Vote(second.clone()));
    assert!(matches!(refused, Err(WireError::Gate(SignStateError::Refused(_)))));
    assert!(bench.wire.encode(&LivenessMsg::Vote(second)).is_err());
    assert!(bench.wire.encode(&LivenessMsg::Vote(first)).is_ok());
    assert!(signed(Some(2)).await.is_err() && signed(None).await.is_err());
    assert!(signed(Some(1)).await.is_ok());
    // Votes of others pass on.
    let mut other = bench.vote(VoteType::Precommit, 7, 1, None);
    other.validator = Address(peer_key(&bench.net.keys[1].consensus));
    let other = SignedMessage::new(other, Sig([0; 64]));
    assert!(bench.wire.encode(&SignedConsensusMsg::Vote(other)).is_ok());
}

/// W-1.7: the proof that a consensus key is at home at a peer holds for this peer and network only.
#[tokio::test]
async fn a_validator_proof_is_bound_to_its_peer() {
    let bench = bench();
    let proof = bench.signer.proof(vec![1, 2, 3]);
    assert!(bench.verifier.verify_validator_proof(&proof).await.unwrap().is_valid());
    let moved: ValidatorProof<Retrace> =
        ValidatorProof::new(proof.public_key.clone(), vec![9], proof.signature);
    assert!(bench.verifier.verify_validator_proof(&moved).await.unwrap().is_invalid());
    let elsewhere = ConsensusVerifier::new(Digest([1; 32]));
    assert!(elsewhere.verify_validator_proof(&proof).await.unwrap().is_invalid());
}

/// Bytes that look random, the same in every run.
fn noise(number: u64, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut out);
    out
}

/// W-1.2: any bytes are either a message in its one spelling, or refused; nothing panics.
#[tokio::test]
async fn any_bytes_are_read_or_refused() {
    let bench = bench();
    let vote = bench.signer.sign_vote(bench.vote(VoteType::Prevote, 1, 0, Some(1))).await.unwrap();
    let good = bench.wire.encode(&SignedConsensusMsg::Vote(vote)).unwrap();
    let mut read = 0;
    for number in 0..20_000 {
        let mut bytes = noise(number, number as usize % 300);
        if number % 2 == 0 {
            let at = number as usize / 2 % good.len();
            bytes = good.to_vec();
            bytes[at] ^= noise(number, 1)[0];
        }
        if let Ok(message) = Codec::<SignedConsensusMsg<Retrace>>::decode(&LogCodec, bytes.clone().into()) {
            let again = Codec::<SignedConsensusMsg<Retrace>>::encode(&LogCodec, &message).unwrap();
            assert_eq!(again.to_vec(), bytes);
            read += 1;
        }
        drop(Codec::<LivenessMsg<Retrace>>::decode(&LogCodec, bytes.clone().into()));
        drop(Codec::<Response<Retrace>>::decode(&LogCodec, bytes.clone().into()));
        drop(Codec::<StreamMessage<Part>>::decode(&LogCodec, bytes.clone().into()));
        drop(Codec::<ValidatorProof<Retrace>>::decode(&LogCodec, bytes.into()));
    }
    assert!(read > 1000, "{read} were read");
}

/// W-1.2: length first.
#[test]
fn too_many_bytes_are_refused() {
    let bytes = Bytes::from(vec![0; CONSENSUS_BYTES_MAX + 1]);
    let read = Codec::<SignedConsensusMsg<Retrace>>::decode(&LogCodec, bytes);
    assert!(matches!(read, Err(WireError::Codec(_))));
}
