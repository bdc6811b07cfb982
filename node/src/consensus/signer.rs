//! Signs and verifies what consensus says, against the sign state (W-1.1, W-1.5).

use super::context::{Address, PROPOSAL_CONTEXT, Proposal, Retrace, Sig, Vote};
use super::sign_state::{SignKind, SignRecord, SignState, SignStateError};
use async_trait::async_trait;
use ed25519_dalek::SigningKey;
use malachite_app_channel::app::consensus::ConsensusMsg;
use malachite_app_channel::{Signer, Verifier};
use malachite_core_types::{NilOrVal, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType};
use malachite_signing::{Error, VerificationResult};
use retrace_ledger::{Signable, Vote as LedgerVote};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key, sign, verify};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Domain of the signature that binds a consensus key to a peer.
const PROOF_CONTEXT: &str = "retrace v1 validator proof";

/// What was signed, as the sign state records it; none for a vote of no round, which nobody signs.
pub fn record_of(network: &Digest, message: &ConsensusMsg<Retrace>) -> Option<SignRecord> {
    match message {
        ConsensusMsg::Vote(vote) => Some(SignRecord {
            kind: match vote.kind {
                VoteType::Prevote => SignKind::Prevote,
                VoteType::Precommit => SignKind::Precommit,
            },
            height: vote.height.0,
            round: vote.round.as_u32()?,
            block: match vote.block {
                NilOrVal::Nil => None,
                NilOrVal::Val(id) => Some(id.0),
            },
        }),
        ConsensusMsg::Proposal(proposal) => Some(SignRecord {
            kind: SignKind::Proposal,
            height: proposal.height.0,
            round: proposal.round.as_u32()?,
            block: Some(proposal.name(network)),
        }),
    }
}

/// A vote that names no round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vote must name a round")]
struct NoRound;

/// The gate that everything we sign passes twice: before it is signed, and before it leaves.
///
/// It leaves only once the sign state has it on disk, and the engine sends nothing that is not in its own log by
/// then. So the sign state never knows of a vote that a restarted engine could have forgotten: it refuses where the
/// engine's log was lost or is wrong, and never where a crash came between the two.
#[derive(Clone)]
pub struct Gate {
    network: Digest,
    own: Address,
    state: Arc<Mutex<SignState>>,
    /// The last height at which something was refused.
    refused: Arc<AtomicU64>,
}

impl Gate {
    /// A gate for this validator.
    pub fn new(network: Digest, own: Address, state: SignState) -> Gate {
        Gate { network, own, state: Arc::new(Mutex::new(state)), refused: Arc::default() }
    }

    /// The network.
    pub fn network(&self) -> &Digest {
        &self.network
    }

    /// The height that the ledger must have before this validator votes again: below it, or at it, the sign state
    /// would stop it. 0 for a validator whose ledger and log are its own last ones.
    pub fn sits_out(&self) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // What left at a height is in the engine's log of that height, so the height itself can be gone on with.
        state.height().saturating_sub(1).max(self.refused.load(Ordering::Relaxed))
    }

    /// Whether this may be signed.
    fn check(&self, message: &ConsensusMsg<Retrace>) -> Result<(), Error> {
        let record = record_of(&self.network, message).ok_or_else(|| Error::from_source(NoRound))?;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.check(&record).map_err(|refused| {
            tracing::error!(%refused, "nothing is signed against the sign state");
            self.refused.fetch_max(record.height, Ordering::Relaxed);
            Error::from_source(refused)
        })
    }

    /// Writes down what is about to leave, if it is ours.
    pub fn pass(&self, message: &ConsensusMsg<Retrace>) -> Result<(), SignStateError> {
        let author = match message {
            ConsensusMsg::Vote(vote) => vote.validator,
            ConsensusMsg::Proposal(proposal) => proposal.proposer,
        };
        match record_of(&self.network, message) {
            Some(record) if author == self.own => {
                self.state.lock().unwrap_or_else(PoisonError::into_inner).record(record)
            }
            _ => Ok(()),
        }
    }
}

/// Signs with the consensus key.
pub struct ConsensusSigner {
    key: SigningKey,
    gate: Gate,
}

impl ConsensusSigner {
    /// A signer behind a gate.
    pub fn new(key: SigningKey, gate: Gate) -> ConsensusSigner {
        ConsensusSigner { key, gate }
    }

    /// The proof that this consensus key is at home at a peer.
    pub fn proof(&self, peer_id: Vec<u8>) -> ValidatorProof<Retrace> {
        let public_key = peer_key(&self.key).0.to_vec();
        let bytes = ValidatorProof::<Retrace>::signing_bytes(&public_key, &peer_id);
        let signature = sign(&self.key, PROOF_CONTEXT, &(self.gate.network, bytes)).into();
        ValidatorProof::new(public_key, peer_id, signature)
    }
}

#[async_trait]
impl Signer<Retrace> for ConsensusSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<Retrace, Vote>, Error> {
        self.gate.check(&ConsensusMsg::Vote(vote))?;
        let body = vote.ledger(self.gate.network).ok_or_else(|| Error::from_source(NoRound))?;
        let signature = sign(&self.key, LedgerVote::SIGNATURE_CONTEXT, &body);
        Ok(SignedMessage::new(vote, signature.into()))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Retrace, Proposal>, Error> {
        self.gate.check(&ConsensusMsg::Proposal(proposal))?;
        let signature = sign(&self.key, PROPOSAL_CONTEXT, &(self.gate.network, proposal));
        Ok(SignedMessage::new(proposal, signature.into()))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<Retrace>,
        (): (),
    ) -> Result<SignedMessage<Retrace, ()>, Error> {
        // No height asks for extensions.
        Err(Error::new())
    }

    async fn sign_validator_proof(
        &self,
        _: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<Retrace>, Error> {
        Ok(self.proof(peer_id))
    }
}

/// Verifies, strictly and one by one.
#[derive(Clone, Copy)]
pub struct ConsensusVerifier {
    network: Digest,
}

impl ConsensusVerifier {
    /// A verifier for a network.
    pub fn new(network: Digest) -> ConsensusVerifier {
        ConsensusVerifier { network }
    }
}

fn result(is_valid: bool) -> Result<VerificationResult, Error> {
    Ok(VerificationResult::from_bool(is_valid))
}

#[async_trait]
impl Verifier<Retrace> for ConsensusVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Sig,
        key: &PeerKey,
    ) -> Result<VerificationResult, Error> {
        let body = vote.ledger(self.network);
        let is_signed =
            |body| verify(key, LedgerVote::SIGNATURE_CONTEXT, &body, &(*signature).into()).is_ok();
        result(body.is_some_and(is_signed))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Sig,
        key: &PeerKey,
    ) -> Result<VerificationResult, Error> {
        let signed = (self.network, proposal);
        result(verify(key, PROPOSAL_CONTEXT, &signed, &(*signature).into()).is_ok())
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Retrace>,
        (): &(),
        _: &Sig,
        _: &PeerKey,
    ) -> Result<VerificationResult, Error> {
        result(false)
    }

    async fn verify_validator_proof(
        &self,
        proof: &ValidatorProof<Retrace>,
    ) -> Result<VerificationResult, Error> {
        let Ok(key) = proof.decoded_public_key() else { return result(false) };
        let signed = (self.network, proof.preimage());
        result(verify(&key, PROOF_CONTEXT, &signed, &proof.signature.into()).is_ok())
    }
}
