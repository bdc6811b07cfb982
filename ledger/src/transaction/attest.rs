//! `attest`: a validator says that it holds what a claim rests on (L-5.12).

use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Role;
use crate::run::{AttestedPart, ClaimStatus, put_attestation, withheld};
use crate::stage::{Origin, Stage};
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// The signer holds the bytes of a part of a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attest {
    /// The commitment.
    pub claim: Digest,
    /// Which part.
    pub part: AttestedPart,
    /// Digest of the bytes under the key [`crate::attestation_key`].
    pub keyed: Digest,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestInvalid {
    /// No such claim.
    #[error("there is no such claim")]
    UnknownClaim,
    /// A base is made of bytes that are attested already.
    #[error("the claim is no commitment")]
    NotCommitment,
    /// The claim is decided.
    #[error("the claim is not open")]
    NotOpen,
    /// Nothing was drawn, or no drawn unit starts from a state that has to be published.
    #[error("no drawn unit of the claim starts from a published state")]
    NotDrawn,
    /// Not a validator's account.
    #[error("the account is no validator")]
    NotValidator,
    /// One attestation per validator and part.
    #[error("the validator has attested to this part")]
    Repeated,
    /// The commitment is void, as soon as no dispute over it is open.
    #[error("the time to attest is over, and too few have")]
    TooLate,
}

impl Attest {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), AttestInvalid> {
        let state = &stage.state;
        let record = state.claims.get(&self.claim).ok_or(AttestInvalid::UnknownClaim)?;
        if !record.is_segment() {
            return Err(AttestInvalid::NotCommitment);
        }
        if record.status != ClaimStatus::Open {
            return Err(AttestInvalid::NotOpen);
        }
        if self.part == AttestedPart::Drawn && state.drawn_states(&self.claim).is_empty() {
            return Err(AttestInvalid::NotDrawn);
        }
        if !is_validator(state, &from.signer) {
            return Err(AttestInvalid::NotValidator);
        }
        let earlier = state.attestations(&self.claim, self.part);
        if earlier.iter().any(|attestation| attestation.validator == from.signer) {
            return Err(AttestInvalid::Repeated);
        }
        if withheld(state, &self.claim, stage.now) == Some(self.part) {
            return Err(AttestInvalid::TooLate);
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        let (claim, part, validator) = (self.claim, self.part, from.signer);
        let run = stage.state.claims.want(&claim)?.run;
        let suffices = put_attestation(stage, &claim, part, validator, self.keyed)?;
        stage.say(Event::Attested { run, claim, part, validator, suffices });
        Ok(())
    }
}

/// True for a validator of the next height; whoever has another role is told so without looking for all of them.
pub(super) fn is_validator(state: &State, key: &PeerKey) -> bool {
    let has_role = state.accounts.get(key).is_some_and(|account| account.role == Role::Validator);
    has_role && state.validators().iter().any(|validator| validator.account == *key)
}

#[cfg(test)]
mod tests {
    use super::AttestInvalid;
    use crate::run::AttestedPart::{Drawn, Segment};
    use crate::run::VerdictResult;
    use crate::tests::fixture::{
        AUDITOR, TRAINERS, VALIDATOR, World, attest, base, commit, count, genesis_of, key,
    };
    use crate::transaction::{Settle, TransactionInvalid};
    use crate::{Attestation, Body, Event};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::segment::base_id;

    /// L-5.12: each reason, in the order of the checks; the second of three attestations is not yet enough.
    #[test]
    fn each_reason_has_a_row() {
        let validators = [(VALIDATOR, 30_000), (101, 30_000), (102, 30_000)];
        let mut world = World::of(genesis_of(&validators));
        let run = world.training();
        let (name, signed) = world.commitment(&run, 0, 7);
        world.play(name, commit(signed));
        let claim = signed.commitment.id();
        let refused = |world: &mut World, name, claim, part, expected| {
            let found = world.refusal(name, attest(claim, part));
            assert_eq!(found, Some(TransactionInvalid::Attest(expected)));
        };
        refused(&mut world, AUDITOR, Digest([9; 32]), Drawn, AttestInvalid::UnknownClaim);
        refused(&mut world, AUDITOR, claim, Drawn, AttestInvalid::NotDrawn);
        refused(&mut world, AUDITOR, claim, Segment, AttestInvalid::NotValidator);
        for (name, expected) in [(VALIDATOR, false), (101, false), (102, true)] {
            let events = world.play(name, attest(claim, Segment));
            let (part, validator, suffices) = (Segment, key(name), expected);
            assert_eq!(
                count(&events, |e| *e == Event::Attested { run, claim, part, validator, suffices }),
                1
            );
            assert_eq!(world.chain.state().is_attested(&claim, Segment), expected);
            refused(&mut world, name, claim, Segment, AttestInvalid::Repeated);
        }
        let given: Vec<Attestation> = world.chain.state().attestations(&claim, Segment).to_vec();
        assert_eq!(given.iter().map(|a| a.validator).collect::<Vec<_>>(), [100, 101, 102].map(key));
        assert!(given.iter().all(|a| a.keyed == Digest([8; 32])));
    }

    /// L-5.12: what is decided, what is a base, and what came too late.
    #[test]
    fn only_open_commitments_in_time() {
        let mut world = World::new();
        let (run, ids) = world.audited();
        for id in ids {
            world.judge(&id, VerdictResult::Match);
            world.play(AUDITOR, Body::Settle(Settle { claim: id }));
        }
        let found = world.refusal(VALIDATOR, attest(ids[0], Segment));
        assert_eq!(found, Some(TransactionInvalid::Attest(AttestInvalid::NotOpen)));
        let signed = world.base(AUDITOR, &run, 40);
        world.play(AUDITOR, base(signed));
        let found = world.refusal(VALIDATOR, attest(base_id(&signed.claim), Segment));
        assert_eq!(found, Some(TransactionInvalid::Attest(AttestInvalid::NotCommitment)));
        assert!(TRAINERS.iter().all(|name| world.account(*name).locked == crate::Amount(0)));
    }
}
