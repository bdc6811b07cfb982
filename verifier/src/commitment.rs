//! What a trainer signs for a segment, and the lists behind its roots (V-3.3).

use crate::digest::{Digest, ListKind, ListTree, tensor_digest};
use crate::signature::{PeerKey, Signature, SignatureError, sign, verify};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

const CONTEXT: &str = "retrace v1 commitment";

/// A signed segment: at most 512 bytes with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// Network: genesis hash.
    pub network: Digest,
    /// Run.
    pub run: Digest,
    /// Round, from 0.
    pub round: u32,
    /// Slot, from 0.
    pub slot: u16,
    /// Data hash: root over the batch digests of the steps.
    pub data_root: Digest,
    /// Root over the delta's entries.
    pub delta_root: Digest,
    /// Bytes of the delta blob.
    pub delta_bytes: u64,
    /// Root over the state roots after each step.
    pub checkpoint_root: Digest,
    /// Digest of the list of losses, as a tensor of H binary32 words.
    pub loss_root: Digest,
    /// Bits of the segment's mean loss, nats per token.
    pub mean_loss: u32,
    /// Digest of the attested blob: [`SegmentLists`] in canonical bytes.
    pub lists: Digest,
    /// The trainer.
    pub trainer: PeerKey,
}

/// A commitment with its trainer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedCommitment {
    /// What is signed.
    pub commitment: Commitment,
    /// The trainer's signature.
    pub signature: Signature,
}

impl SignedCommitment {
    /// Signs a commitment.
    pub fn new(commitment: Commitment, key: &SigningKey) -> SignedCommitment {
        SignedCommitment { commitment, signature: sign(key, CONTEXT, &commitment) }
    }

    /// Checks the signature.
    pub fn check(&self) -> Result<(), SignatureError> {
        verify(&self.commitment.trainer, CONTEXT, &self.commitment, &self.signature)
    }
}

impl Commitment {
    /// The commitment's name on the ledger.
    pub fn id(&self) -> Digest {
        Digest(crate::signature::message("retrace v1 commitment id", self))
    }
}

/// The attested lists of a segment; each has one element a step.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SegmentLists {
    /// State root after each step.
    pub step_roots: Vec<Digest>,
    /// Loss bits of each step.
    pub losses: Vec<u32>,
    /// Batch digest of each step.
    pub batches: Vec<Digest>,
}

impl SegmentLists {
    /// Tree over the step roots; its root is the checkpoint root.
    pub fn step_tree(&self) -> ListTree {
        ListTree::new(ListKind::StepRoots, self.step_roots.iter().map(Digest::as_bytes))
    }

    /// Tree over the batch digests; its root is the data hash.
    pub fn batch_tree(&self) -> ListTree {
        ListTree::new(ListKind::Batches, self.batches.iter().map(Digest::as_bytes))
    }

    /// Bytes of the losses as a tensor.
    pub fn loss_bytes(&self) -> Vec<u8> {
        word_bytes(&self.losses)
    }

    /// True when the lists are those behind the commitment's roots, `steps` elements each.
    pub fn belong_to(&self, commitment: &Commitment, steps: u32) -> bool {
        let steps = steps as usize;
        let lengths = [self.step_roots.len(), self.losses.len(), self.batches.len()];
        lengths == [steps; 3]
            && self.step_tree().root() == commitment.checkpoint_root
            && self.batch_tree().root() == commitment.data_root
            && tensor_digest(&self.loss_bytes()) == commitment.loss_root
    }
}

/// Little-endian bytes of words.
pub fn word_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

const BASE_CONTEXT: &str = "retrace v1 base";

/// The claim of a round's base state: the merge of the round before (V-3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BaseClaim {
    /// Network: genesis hash.
    pub network: Digest,
    /// Run.
    pub run: Digest,
    /// The round that starts from this base; at least 1.
    pub round: u32,
    /// State root over parameters and outer momenta.
    pub root: Digest,
    /// Who claims it.
    pub poster: PeerKey,
}

/// A base claim with its poster's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBase {
    /// What is signed.
    pub claim: BaseClaim,
    /// The poster's signature.
    pub signature: Signature,
}

impl SignedBase {
    /// Signs a base claim.
    pub fn new(claim: BaseClaim, key: &SigningKey) -> SignedBase {
        SignedBase { claim, signature: sign(key, BASE_CONTEXT, &claim) }
    }

    /// Checks the signature.
    pub fn check(&self) -> Result<(), SignatureError> {
        verify(&self.claim.poster, BASE_CONTEXT, &self.claim, &self.signature)
    }
}
