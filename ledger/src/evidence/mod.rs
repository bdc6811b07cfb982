//! Evidence that rests on the ledger's word: an accused let its clock run out (L-7.7, V-6.4).
//!
//! ```text
//! validators that the reader trusts -> certificate -> header -> state root -> dispute's row, claim's row
//! ```

mod trust;

pub use trust::{Trust, TrustError, TrustedValidator};

use crate::block::Header;
use crate::certificate::{Certificate, CertificateInvalid};
use crate::chain::Chain;
use crate::codec::decode;
use crate::envelope::Signable;
use crate::fault::Fault;
use crate::limits::CLOCK_BYTES_MAX;
use crate::run::{ClaimRecord, ClaimStatus, DisputeRecord, DisputeStatus};
use crate::state::{ProofError, StateKey, StateProof, verify};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::evidence::{Kind, Unreadable};
use retrace_verifier::segment::base_id;
use retrace_verifier::signature::SignatureError;
use retrace_verifier::{Outcome, Side};

/// That a dispute was ended by its accused's clock, as it is written to a file (L-7.7).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClockBundle {
    /// [`Kind::Clock`]'s.
    pub magic: [u8; 8],
    /// A block after the end.
    pub header: Header,
    /// Why it is final.
    pub certificate: Certificate,
    /// The dispute.
    pub dispute: Digest,
    /// Canonical bytes of its row.
    pub dispute_row: Vec<u8>,
    /// The row's path under the header's state root.
    pub dispute_path: Vec<u8>,
    /// Canonical bytes of the row of the claim that was disputed.
    pub claim_row: Vec<u8>,
    /// Its path.
    pub claim_path: Vec<u8>,
}

/// What the ledger's clock decided (L-7.7), to somebody with this [`Trust`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The block whose state says so.
    pub header: Header,
    /// Its id.
    pub block: Digest,
    /// The dispute.
    pub dispute: Digest,
    /// Its row: run, claim, unit, parties, clocks.
    pub record: DisputeRecord,
    /// The row of the claim.
    pub claim: ClaimRecord,
}

/// Why a readable clock bundle shows nothing to this reader, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Another network's.
    #[error("the block is another network's than the one whose validators are trusted")]
    Network,
    /// The block is not final to those who trust these validators.
    #[error("the block is not final by the trusted validators: {0}")]
    Certificate(CertificateInvalid),
    /// The dispute's row is not in the block's state.
    #[error("the dispute's row is not under the state root: {0}")]
    DisputeProof(ProofError),
    /// The dispute's row is none.
    #[error("the dispute's row does not decode")]
    DisputeRow,
    /// It goes on, was judged, was overtaken, or was lost by the challenger.
    #[error("the dispute was not ended by the accused's clock")]
    OtherEnd,
    /// The claim's row is not in the block's state.
    #[error("the claim's row is not under the state root: {0}")]
    ClaimProof(ProofError),
    /// The claim's row is none.
    #[error("the claim's row does not decode")]
    ClaimRow,
    /// The accused did not sign the claim.
    #[error("the claim is not signed by its signer: {0}")]
    Signature(SignatureError),
    /// The dispute is over another claim, or of somebody else.
    #[error("the claim is not the one in dispute, of its accused, run and network")]
    OtherClaim,
    /// The claim stands, or another dispute convicted it.
    #[error("the claim was not convicted by this dispute")]
    NotConvicted,
}

/// Why a chain gives no clock bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoClockBundle {
    /// No such dispute, or no block yet.
    #[error("there is no such dispute")]
    Unknown,
    /// It goes on, was judged, was overtaken, or was lost by the challenger.
    #[error("the dispute was not ended by the accused's clock")]
    OtherEnd,
    /// This node's fault.
    #[error("fault: {0}")]
    Fault(#[from] Fault),
}

/// True where the accused lost and nothing was found wrong: nothing but its clock ends a dispute so.
fn is_by_clock(record: &DisputeRecord) -> bool {
    let end = Outcome { winner: Side::Challenger, finding: None };
    record.status == DisputeStatus::Ended(end)
}

fn claim_id(claim: &Claim) -> Digest {
    match claim {
        Claim::Segment(signed) => signed.commitment.id(),
        Claim::Base(signed) => base_id(&signed.claim),
    }
}

/// Network and run that a claim was signed for.
fn place(claim: &Claim) -> (Digest, Digest) {
    match claim {
        Claim::Segment(signed) => (signed.commitment.network, signed.commitment.run),
        Claim::Base(signed) => (signed.claim.network, signed.claim.run),
    }
}

impl ClockBundle {
    /// The bundle of a dispute, as of the chain's head.
    pub fn of(chain: &Chain, dispute: &Digest) -> Result<ClockBundle, NoClockBundle> {
        let height = chain.head().height;
        let record = chain.state().dispute(dispute).ok_or(NoClockBundle::Unknown)?;
        if !is_by_clock(record) {
            return Err(NoClockBundle::OtherEnd);
        }
        let block = chain.block(height)?.ok_or(NoClockBundle::Unknown)?;
        let certificate = chain.certificate(height)?.ok_or(NoClockBundle::Unknown)?;
        let row = |key: StateKey| -> Result<(Vec<u8>, Vec<u8>), NoClockBundle> {
            let value = chain.state().value(&key).ok_or(NoClockBundle::Unknown)?;
            Ok((value, chain.prove(&key)?.path))
        };
        let (dispute_row, dispute_path) = row(StateKey::Dispute(*dispute))?;
        let (claim_row, claim_path) = row(StateKey::Claim(record.claim))?;
        Ok(ClockBundle {
            magic: Kind::Clock.magic(),
            header: block.header.body,
            certificate,
            dispute: *dispute,
            dispute_row,
            dispute_path,
            claim_row,
            claim_path,
        })
    }

    /// The same for a reader who trusts these validators: signatures of others are left out.
    pub fn for_reader(mut self, trust: &Trust) -> ClockBundle {
        self.certificate.signatures.retain(|signed| trust.power(&signed.validator).is_some());
        self
    }

    /// Reads a clock bundle: bounded, then parsed, then nothing left over.
    pub fn read(bytes: &[u8]) -> Result<ClockBundle, Unreadable> {
        Kind::Clock.expect(bytes)?;
        decode(bytes, CLOCK_BYTES_MAX).map_err(|_| Unreadable::Malformed)
    }

    /// Judges it relative to the validators that the reader trusts, for the time of its block (L-7.7).
    pub fn judge(&self, trust: &Trust) -> Result<Decided, Undecided> {
        let (header, block) = (self.header, self.header.id());
        if header.network != trust.network() {
            return Err(Undecided::Network);
        }
        let power = |key: &_| trust.power(key);
        let certificate = &self.certificate;
        if certificate.height != header.height {
            let (expected, found) = (header.height, certificate.height);
            return Err(Undecided::Certificate(CertificateInvalid::Height { expected, found }));
        }
        let checked = certificate.check_power(&block, &header.network, power, trust.total_power());
        checked.map_err(Undecided::Certificate)?;
        let proved = |key: StateKey, row: &[u8], path: &[u8]| {
            verify(&header.state_root, &key, Some(row), &StateProof { path: path.to_vec() })
        };
        proved(StateKey::Dispute(self.dispute), &self.dispute_row, &self.dispute_path)
            .map_err(Undecided::DisputeProof)?;
        let record: DisputeRecord =
            decode(&self.dispute_row, CLOCK_BYTES_MAX).map_err(|_| Undecided::DisputeRow)?;
        if !is_by_clock(&record) {
            return Err(Undecided::OtherEnd);
        }
        proved(StateKey::Claim(record.claim), &self.claim_row, &self.claim_path)
            .map_err(Undecided::ClaimProof)?;
        let claim: ClaimRecord = decode(&self.claim_row, CLOCK_BYTES_MAX).map_err(|_| Undecided::ClaimRow)?;
        claim.claim.check().map_err(Undecided::Signature)?;
        let is_own = claim_id(&claim.claim) == record.claim && claim.signer() == record.accused;
        if !is_own || place(&claim.claim) != (header.network, record.run) {
            return Err(Undecided::OtherClaim);
        }
        if claim.status != (ClaimStatus::Convicted { dispute: self.dispute }) {
            return Err(Undecided::NotConvicted);
        }
        Ok(Decided { header, block, dispute: self.dispute, record, claim })
    }
}
