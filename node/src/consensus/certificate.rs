//! Certificates and evidence between the engine's form and the ledger's (W-1.1, L-9.5, L-9.6).

use super::context::{Address, BlockId, Height, Retrace, Sig};
use malachite_app_channel::app::types::MisbehaviorEvidence;
use malachite_core_types::{CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round};
use retrace_ledger::{Body, Certificate, CommitSignature, Equivocation, Height as LedgerHeight};
use retrace_verifier::digest::Digest;
use std::collections::BTreeMap;

/// The ledger's certificate: signatures strictly ascending by validator; none for a certificate of no round.
pub fn to_ledger(certificate: &CommitCertificate<Retrace>) -> Option<Certificate> {
    let signatures = certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature));
    let ascending: BTreeMap<_, Sig> = signatures.collect();
    let signatures = ascending
        .into_iter()
        .map(|(validator, signature)| CommitSignature { validator, signature: signature.into() });
    Some(Certificate {
        height: LedgerHeight(certificate.height.0),
        round: certificate.round.as_u32()?,
        block: certificate.value_id.0,
        signatures: signatures.collect(),
    })
}

/// The engine's certificate for peers that catch up.
pub fn to_engine(certificate: &Certificate) -> ExtendedCommitCertificate<Retrace> {
    let signatures = certificate
        .signatures
        .iter()
        .map(|s| ExtendedCommitSignature::new(Address(s.validator), Sig::from(s.signature), None));
    ExtendedCommitCertificate {
        height: Height(certificate.height.0),
        round: Round::new(certificate.round),
        value_id: BlockId(certificate.block),
        commit_signatures: signatures.collect(),
    }
}

/// The transactions that accuse those who voted twice. Two proposals of one round are no offense that the ledger
/// can judge: a proposal binds nobody until votes do.
pub fn accusations(network: Digest, evidence: &MisbehaviorEvidence<Retrace>) -> Vec<Body> {
    let pairs = evidence.votes.iter().filter_map(|(_, pairs)| pairs.first());
    let bodies = pairs.filter_map(|(first, second)| {
        let first = first.message.evidence(network, first.signature)?;
        let second = second.message.evidence(network, second.signature)?;
        Some(Body::Equivocation(Box::new(Equivocation { first, second })))
    });
    bodies.collect()
}
