//! What a dispute is about, and all that its outcome is relative to (V-3.5).
//!
//! ```text
//! Facts (the ledger vouches) + Claim (the accused signed) + Opening (paths from the claim) = Docket
//! dispute id = H(docket): every move of either side signs it, so nobody can move the frame afterwards
//! ```

use crate::commitment::{SignedBase, SignedCommitment};
use crate::digest::{Digest, ListKind, ListPath, PathError, TensorPath, Tree};
use crate::signature::{PeerKey, SignatureError};
use crate::state::StateKind;
use crate::unit::Unit;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::RunSpec;

/// A token shard of the run's manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Shard {
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Its bytes, one token each.
    pub bytes: u64,
}

/// Most shards of a manifest.
pub const SHARDS_MAX: usize = 1024;
/// Most bytes of a shard: places are counted in 64 bits, far from their end.
pub const SHARD_BYTES_MAX: u64 = 1 << 40;
/// Most deltas of a merge.
pub const DELTAS_MAX: usize = 256;

/// The pinned form of a program: enough to check one row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProgramPin {
    /// Root over the rows' canonical bytes.
    pub root: Digest,
    /// Rows.
    pub rows: u32,
    /// Leaves of the op list.
    pub trace_leaves: u32,
    /// Entries of the post-state.
    pub post_entries: u32,
}

/// What the ledger vouches for, independent of the accused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Facts {
    /// Network: genesis hash.
    pub network: Digest,
    /// Run.
    pub run: Digest,
    /// What the run trains.
    pub spec: RunSpec,
    /// Token shards.
    pub manifest: Vec<Shard>,
    /// The unit's program.
    pub program: ProgramPin,
    /// Round of the disputed claim.
    pub round: u32,
    /// The round's beacon: data order.
    pub beacon: [u8; 32],
    /// Standing base of the round; for a merge, of the round before.
    pub base: Digest,
    /// Delta roots accepted in the round before, in slot order (merge only).
    pub deltas: Vec<Digest>,
}

/// What the accused signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Claim {
    /// A segment.
    Segment(SignedCommitment),
    /// A base.
    Base(SignedBase),
}

impl Facts {
    fn check(&self) -> Result<(), DocketError> {
        let counts = self.manifest.len() <= SHARDS_MAX && self.deltas.len() <= DELTAS_MAX;
        let lengths = self.manifest.iter().all(|shard| shard.bytes <= SHARD_BYTES_MAX);
        if self.spec.check().is_ok() && counts && lengths { Ok(()) } else { Err(DocketError::Facts) }
    }
}

impl Claim {
    /// The accused.
    pub fn signer(&self) -> PeerKey {
        match self {
            Claim::Segment(signed) => signed.commitment.trainer,
            Claim::Base(signed) => signed.claim.poster,
        }
    }

    /// Checks the accused's signature.
    pub fn check(&self) -> Result<(), SignatureError> {
        match self {
            Claim::Segment(signed) => signed.check(),
            Claim::Base(signed) => signed.check(),
        }
    }
}

/// An element of an attested list with its path.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Listed {
    /// The element.
    pub digest: Digest,
    /// Its path under the claim's root.
    pub path: ListPath,
}

/// The loss of a step with its path in the list of losses.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ListedLoss {
    /// The 1 KiB chunk of the list that holds the step's loss.
    pub chunk: Vec<u8>,
    /// Its path under the claim's loss root.
    pub path: TensorPath,
}

/// The list elements that a unit needs, opened by the challenger from the attested blob.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Opening {
    /// For a step.
    Step {
        /// State root before the step; none for step 0, which starts from the base.
        before: Option<Listed>,
        /// State root after the step.
        after: Listed,
        /// The step's batch digest.
        batch: Listed,
        /// The step's loss.
        loss: ListedLoss,
    },
    /// For a delta: the last state root.
    Delta {
        /// State root after the last step.
        last: Listed,
    },
    /// For the mean loss or a merge: the claim itself says all.
    Nothing,
}

/// The frame of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Docket {
    /// What the ledger vouches for.
    pub facts: Facts,
    /// What the accused signed.
    pub claim: Claim,
    /// The disputed unit.
    pub unit: Unit,
    /// List elements of the claim.
    pub opening: Opening,
    /// Who disputes it.
    pub challenger: PeerKey,
    /// Distinguishes disputes that are otherwise equal: the opening transaction's id.
    pub nonce: Digest,
}

/// Roots and values that the unit reads and claims, checked against the accused's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Frame {
    /// Root of the pre-state; none where the unit starts from the base alone (step 0).
    pub pre: Option<Digest>,
    /// Claimed root over the entries that the unit writes, and how it is hashed.
    pub post: Option<(StateKind, Digest)>,
    /// Claimed batch digest.
    pub batch: Option<Digest>,
    /// Digest of the segment's list of losses.
    pub losses: Option<Digest>,
    /// Claimed loss bits.
    pub loss: Option<u32>,
}

/// A docket that does not hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocketError {
    /// The accused did not sign the claim.
    #[error("the claim is not signed by the accused: {0}")]
    Signature(#[from] SignatureError),
    /// The claim is of another network, run or round than the facts, or of a round or slot that the run does not have.
    #[error("the claim is of another network, run or round, or of none that the run has")]
    Elsewhere,
    /// Unit, claim and opening do not go together.
    #[error("the unit does not belong to this kind of claim")]
    Unit,
    /// A list element is not under the claim's root.
    #[error("a list element is not under the claim's root: {0}")]
    Path(#[from] PathError),
    /// The run specification, manifest or list of deltas is outside its limits.
    #[error("the facts are outside their limits")]
    Facts,
}

impl Docket {
    /// The dispute's id.
    pub fn id(&self) -> Digest {
        Digest(crate::signature::message("retrace v1 dispute", self))
    }

    /// Checks signature, paths and limits, and gives the roots that the game is played under.
    pub fn frame(&self) -> Result<Frame, DocketError> {
        self.claim.check()?;
        let facts = &self.facts;
        facts.check()?;
        match (&self.claim, self.unit, &self.opening) {
            (Claim::Base(signed), Unit::Merge, Opening::Nothing) => {
                let c = &signed.claim;
                let is_here = (c.network, c.run, c.round) == (facts.network, facts.run, facts.round);
                if !is_here || !(1..=facts.spec.rounds).contains(&c.round) {
                    return Err(DocketError::Elsewhere);
                }
                let post = Some((StateKind::Outer, c.root));
                Ok(Frame { pre: Some(facts.base), post, batch: None, losses: None, loss: None })
            }
            (Claim::Segment(signed), unit, _) if unit != Unit::Merge => {
                let c = &signed.commitment;
                let is_here = (c.network, c.run, c.round) == (facts.network, facts.run, facts.round);
                if !is_here || c.round >= facts.spec.rounds || c.slot >= facts.spec.slots {
                    return Err(DocketError::Elsewhere);
                }
                self.segment_frame(c)
            }
            _ => Err(DocketError::Unit),
        }
    }

    fn segment_frame(&self, c: &crate::commitment::Commitment) -> Result<Frame, DocketError> {
        let steps = self.facts.spec.steps;
        let listed = |kind, root: &Digest, at: u32, item: &Listed| {
            item.path.verify(kind, root, u64::from(steps), u64::from(at), item.digest.as_bytes())
        };
        match (self.unit, &self.opening) {
            (Unit::Step(step), Opening::Step { before, after, batch, loss }) if step < steps => {
                if before.is_some() != (step > 0) {
                    return Err(DocketError::Unit);
                }
                if let Some(before) = before {
                    listed(ListKind::StepRoots, &c.checkpoint_root, step - 1, before)?;
                }
                listed(ListKind::StepRoots, &c.checkpoint_root, step, after)?;
                listed(ListKind::Batches, &c.data_root, step, batch)?;
                Ok(Frame {
                    pre: before.as_ref().map(|b| b.digest),
                    post: Some((StateKind::Inner, after.digest)),
                    batch: Some(batch.digest),
                    losses: None,
                    loss: Some(loss.word(&c.loss_root, steps, step)?),
                })
            }
            (Unit::Delta, Opening::Delta { last }) => {
                listed(ListKind::StepRoots, &c.checkpoint_root, steps - 1, last)?;
                let post = Some((StateKind::Delta, c.delta_root));
                Ok(Frame { pre: Some(last.digest), post, batch: None, losses: None, loss: None })
            }
            (Unit::Loss, Opening::Nothing) => Ok(Frame {
                pre: None,
                post: None,
                batch: None,
                losses: Some(c.loss_root),
                loss: Some(c.mean_loss),
            }),
            _ => Err(DocketError::Unit),
        }
    }
}

impl ListedLoss {
    fn word(&self, root: &Digest, steps: u32, step: u32) -> Result<u32, DocketError> {
        let len_bytes = u64::from(steps) * 4;
        let tree = Tree::Tensor { len_bytes };
        let (chunk, within) = (u64::from(step) / 256, (step % 256) as usize * 4);
        self.path.verify(root, len_bytes, chunk, &self.chunk)?;
        debug_assert!(tree.chunk_len(chunk).is_some());
        let word = self.chunk.get(within..within + 4).and_then(|b| b.try_into().ok());
        word.map(u32::from_le_bytes).ok_or(DocketError::Unit)
    }
}

impl Docket {
    /// The step that scalars and data order are derived from; 0 for units that have none.
    pub fn step(&self) -> u32 {
        if let Unit::Step(step) = self.unit { step } else { 0 }
    }

    /// The slot that data order is derived from; 0 for units that have none.
    pub fn slot(&self) -> u16 {
        if let Claim::Segment(signed) = &self.claim { signed.commitment.slot } else { 0 }
    }
}
