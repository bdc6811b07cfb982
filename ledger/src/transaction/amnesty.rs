//! `amnesty`: a validator votes to excuse what a breaker deferred, under a name (L-5.17).

use super::attest::is_validator;
use crate::fault::Fault;
use crate::limits::AMNESTY_NAME_BYTES_MAX;
use crate::run::vote_amnesty;
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;

/// The signer votes for an amnesty.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Amnesty {
    /// The run whose breaker is on.
    pub run: Digest,
    /// What is excused, such as the build that computed wrong: printable ASCII.
    pub name: String,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmnestyInvalid {
    /// The name is empty, too long, or has other bytes.
    #[error("the name must be 1 to {AMNESTY_NAME_BYTES_MAX} bytes of printable ASCII")]
    Name,
    /// No such run.
    #[error("there is no such run")]
    UnknownRun,
    /// Nothing is deferred.
    #[error("the run's breaker is off")]
    BreakerOff,
    /// Not a validator's account.
    #[error("the account is no validator")]
    NotValidator,
    /// The same vote again.
    #[error("the validator's vote is for this name already")]
    Repeated,
}

impl Amnesty {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), AmnestyInvalid> {
        let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
        let is_long = !(1..=AMNESTY_NAME_BYTES_MAX).contains(&self.name.len());
        if is_long || !self.name.bytes().all(is_printable) {
            return Err(AmnestyInvalid::Name);
        }
        stage.state.runs.get(&self.run).ok_or(AmnestyInvalid::UnknownRun)?;
        let breaker = stage.state.breaker(&self.run).filter(|breaker| breaker.on_until.is_some());
        let breaker = breaker.ok_or(AmnestyInvalid::BreakerOff)?;
        if !is_validator(stage.state, &from.signer) {
            return Err(AmnestyInvalid::NotValidator);
        }
        let row = stage.state.amnesty(&self.run, breaker.times);
        let mut earlier = row.iter().flat_map(|row| &row.votes);
        if earlier.any(|vote| vote.validator == from.signer && vote.name == self.name) {
            return Err(AmnestyInvalid::Repeated);
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        vote_amnesty(stage, &self.run, from.signer, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Amnesty, AmnestyInvalid};
    use crate::tests::breaker::{challenge, sensitive};
    use crate::tests::fixture::{AUDITOR, VALIDATOR, World};
    use crate::transaction::{Body, Timeout, TransactionInvalid};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;

    /// L-5.17: each reason, in the order of the checks; the longest name passes.
    #[test]
    fn each_reason_has_a_row() {
        let mut genesis = sensitive(50_000);
        // Two validators, neither of whom is enough alone.
        let one = crate::tests::fixture::genesis_of(&[(VALIDATOR, 30_000), (101, 30_000)]);
        genesis.accounts = one.accounts;
        let mut world = World::of(genesis);
        let run = world.training();
        let ids = world.commit_all(&run);
        let amnesty = |run, name: &str| Body::Amnesty(Amnesty { run, name: name.into() });
        let is = |world: &mut World, name, body, expected| {
            let found = world.refusal(name, body);
            assert_eq!(found, Some(TransactionInvalid::Amnesty(expected)));
        };
        let long = "x".repeat(65);
        for name in ["", long.as_str(), "tab\there", "caf\u{e9}", "\u{7f}"] {
            is(&mut world, AUDITOR, amnesty(Digest([9; 32]), name), AmnestyInvalid::Name);
        }
        is(&mut world, AUDITOR, amnesty(Digest([9; 32]), "b"), AmnestyInvalid::UnknownRun);
        is(&mut world, AUDITOR, amnesty(run, "b"), AmnestyInvalid::BreakerOff);
        let dispute = challenge(&mut world, AUDITOR, ids[0], Unit::Loss);
        world.wait(4);
        world.play(AUDITOR, Body::Timeout(Timeout { dispute }));
        is(&mut world, AUDITOR, amnesty(run, "b"), AmnestyInvalid::NotValidator);
        assert_eq!(world.refusal(VALIDATOR, amnesty(run, &long[..64])), None);
        world.play(VALIDATOR, amnesty(run, "b"));
        is(&mut world, VALIDATOR, amnesty(run, "b"), AmnestyInvalid::Repeated);
        assert_eq!(world.refusal(VALIDATOR, amnesty(run, "c")), None);
        assert!(world.chain.state().is_breaker_on(&run));
    }
}
