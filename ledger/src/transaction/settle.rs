//! `settle`: a claim that nobody disputes any more becomes final (L-5.6).

use crate::amount::Moment;
use crate::fault::Fault;
use crate::run::{ClaimStatus, verdicts_suffice, verdicts_unanimous, verify_claim};
use crate::stage::Stage;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;

/// Settles a claim; anyone may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settle {
    /// Commitment or base claim.
    pub claim: Digest,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleInvalid {
    /// No such claim.
    #[error("there is no such claim")]
    UnknownClaim,
    /// The claim is decided, or does not stand.
    #[error("the claim is not open")]
    NotOpen,
    /// Its units are not drawn yet.
    #[error("nothing of the claim is drawn yet")]
    NotDrawn,
    /// The run's slashes are deferred: no lock runs out.
    #[error("the run's breaker is on")]
    BreakerOn,
    /// Honest verifiers cannot have judged it.
    #[error("the states that drawn units start from are not attested")]
    Unpublished,
    /// A dispute is open.
    #[error("{count} disputes over the claim are open")]
    Disputed {
        /// How many.
        count: usize,
    },
    /// A drawn unit lacks verdicts.
    #[error("a drawn unit has fewer verdicts than the run asks for")]
    TooFewVerdicts,
    /// The window is open, and the drawn verifiers are not all of one mind.
    #[error("the window is open, and not every drawn verifier has found a match")]
    WindowOpen,
}

impl Settle {
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<(), SettleInvalid> {
        stage.state.settlement(&self.claim, stage.now)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>) -> Result<(), Fault> {
        verify_claim(stage, &self.claim)
    }
}

impl State {
    /// Why a claim cannot be settled at a moment; for a node that would rather not ask in vain.
    pub fn settlement(&self, claim: &Digest, now: Moment) -> Result<(), SettleInvalid> {
        let record = self.claims.get(claim).ok_or(SettleInvalid::UnknownClaim)?;
        if record.status != ClaimStatus::Open {
            return Err(SettleInvalid::NotOpen);
        }
        let audit = record.audit.as_ref().ok_or(SettleInvalid::NotDrawn)?;
        if self.is_breaker_on(&record.run) {
            return Err(SettleInvalid::BreakerOn);
        }
        if !self.is_published(claim) {
            return Err(SettleInvalid::Unpublished);
        }
        if !record.disputes.is_empty() {
            return Err(SettleInvalid::Disputed { count: record.disputes.len() });
        }
        let verdicts_min = self.runs.get(&record.run).map_or(0, |run| usize::from(run.terms.verdicts_min));
        if !verdicts_suffice(self, claim, audit, verdicts_min) {
            return Err(SettleInvalid::TooFewVerdicts);
        }
        let is_over = audit.deadline.is_past(now);
        if !is_over && !verdicts_unanimous(self, claim, audit, verdicts_min) {
            return Err(SettleInvalid::WindowOpen);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SettleInvalid;
    use crate::run::AttestedPart;
    use crate::run::VerdictResult::{Match, Mismatch};
    use crate::tests::fixture::{AUDITOR, VERIFIERS, World, verdict};
    use crate::transaction::{Body, Settle, TransactionInvalid};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::Opening;

    /// L-5.6: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let run = world.training();
        let ids = world.commit_all(&run);
        let settle = |claim| Body::Settle(Settle { claim });
        let is = |world: &mut World, claim, expected| {
            let found = world.refusal(AUDITOR, settle(claim));
            assert_eq!(found, Some(TransactionInvalid::Settle(expected)));
        };
        is(&mut world, Digest([9; 32]), SettleInvalid::UnknownClaim);
        is(&mut world, ids[0], SettleInvalid::NotDrawn);
        world.wait(2);
        is(&mut world, ids[0], SettleInvalid::Unpublished);
        world.attest_all(&ids, AttestedPart::Drawn);
        world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
        is(&mut world, ids[0], SettleInvalid::Disputed { count: 1 });
        is(&mut world, ids[1], SettleInvalid::TooFewVerdicts);

        // All verdicts in one block, so that the window is still open.
        let mut pending = Vec::new();
        for (at, unit) in world.units(&ids[1]).into_iter().enumerate() {
            for name in VERIFIERS {
                let result = if unit == Unit::Loss && name == VERIFIERS[0] { Mismatch } else { Match };
                let nonce = at as u64 + 1;
                pending.push(world.sign_with(name, verdict(ids[1], unit, result), nonce));
            }
        }
        world.step(pending);
        is(&mut world, ids[1], SettleInvalid::WindowOpen);
        world.wait(6);
        world.play(AUDITOR, settle(ids[1]));
        is(&mut world, ids[1], SettleInvalid::NotOpen);
    }

    /// L-5.6, L-3.3: a window that is over in heights is not over before its credited time is.
    #[test]
    fn both_parts_of_a_window_must_pass() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let mut pending = Vec::new();
        for (at, unit) in world.units(&ids[0]).into_iter().enumerate() {
            for name in VERIFIERS {
                pending.push(world.sign_with(name, verdict(ids[0], unit, Mismatch), at as u64 + 1));
            }
        }
        world.step(pending);
        let settle = Body::Settle(Settle { claim: ids[0] });
        let open = Some(TransactionInvalid::Settle(SettleInvalid::WindowOpen));
        for _ in 0..20 {
            let proposal = world.chain.propose(&crate::tests::fixture::proposer(), world.time_ms, vec![]);
            world.apply(&proposal.unwrap().block);
        }
        assert_eq!(world.refusal(AUDITOR, settle.clone()), open, "twenty heights, twenty milliseconds");
        world.time_ms += 3_600_000;
        world.wait(1);
        assert_eq!(world.refusal(AUDITOR, settle.clone()), open, "an hour credits two seconds");
        world.wait(4);
        assert_eq!(world.refusal(AUDITOR, settle), None);
    }
}
