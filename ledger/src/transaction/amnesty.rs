//! `amnesty`: a validator votes to excuse what a breaker deferred, under a name (L-5.14).

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
