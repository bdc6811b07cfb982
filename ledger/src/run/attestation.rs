//! Attestations: validators say, under keys of their own, that they hold what a commitment rests on (L-5.12).

use crate::amount::{Height, Moment};
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, message};

/// What of a commitment is attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum AttestedPart {
    /// Its delta and its lists, when it is made.
    Segment,
    /// The states that its drawn units start from, when they are drawn.
    Drawn,
}

/// One validator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attestation {
    /// The validator's account.
    pub validator: PeerKey,
    /// Digest of the bytes under the key that only this validator has to use: it cannot be copied from another.
    pub keyed: Digest,
    /// Height of the block in which it said so.
    pub height: Height,
}

/// What validators said of one part of a commitment.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attestations {
    /// In the order in which they came.
    pub given: Vec<Attestation>,
    /// Height at which they had more than two thirds of the power. It stays, whoever leaves later.
    pub sufficed_at: Option<Height>,
}

/// The key under which a validator, by its account, hashes the bytes of a claim.
pub fn attestation_key(account: &PeerKey, claim: &Digest) -> [u8; 32] {
    message("retrace v1 attestation key", &(account, claim))
}

/// The step after which a unit of a segment of `steps` steps starts; none if it starts from the base or from no state.
pub fn step_before(unit: Unit, steps: u32) -> Option<u32> {
    match unit {
        Unit::Step(step) => step.checked_sub(1),
        Unit::Delta => steps.checked_sub(1),
        Unit::Loss | Unit::Merge => None,
    }
}

impl State {
    /// What validators said of a part of a commitment, in order.
    pub fn attestations(&self, claim: &Digest, part: AttestedPart) -> &[Attestation] {
        self.attestations.get(&(*claim, part)).map_or(&[], |row| row.given.as_slice())
    }

    /// True once more than two thirds of the power attested to a part of a commitment.
    pub fn is_attested(&self, claim: &Digest, part: AttestedPart) -> bool {
        self.attestations.get(&(*claim, part)).is_some_and(|row| row.sufficed_at.is_some())
    }

    /// Drawn units of a commitment that start from a state that its trainer has to publish, in the order of the draw.
    pub fn drawn_states(&self, claim: &Digest) -> Vec<Unit> {
        let Some(record) = self.claims.get(claim) else { return Vec::new() };
        let steps = self.runs.get(&record.run).map_or(0, |run| run.terms.spec.steps);
        let units = record.audit.iter().flat_map(|audit| audit.units.iter().copied());
        units.filter(|unit| step_before(*unit, steps).is_some()).collect()
    }

    /// True when nothing that a commitment's audit needs is still to be attested.
    pub fn is_published(&self, claim: &Digest) -> bool {
        self.drawn_states(claim).is_empty() || self.is_attested(claim, AttestedPart::Drawn)
    }
}

/// The part of an open commitment for which the time to attest is over, though too few have (L-5.13).
pub(crate) fn withheld(state: &State, claim: &Digest, now: Moment) -> Option<AttestedPart> {
    let record = state.claims.get(claim).filter(|record| record.is_segment())?;
    let round = state.rounds.get(&(record.run, record.round))?;
    if round.closed_at.is_some() && !state.is_attested(claim, AttestedPart::Segment) {
        return Some(AttestedPart::Segment);
    }
    let is_over = record.audit.as_ref().is_some_and(|audit| audit.published_by.is_past(now));
    (is_over && !state.is_published(claim)).then_some(AttestedPart::Drawn)
}

/// Keeps an attestation; true when it is the one with which more than two thirds of the power is reached.
pub(crate) fn put_attestation(
    stage: &mut Stage<'_>,
    claim: &Digest,
    part: AttestedPart,
    validator: PeerKey,
    keyed: Digest,
) -> Result<bool, Fault> {
    let height = stage.now.height;
    let mut row = stage.state.attestations.get(&(*claim, part)).cloned().unwrap_or_default();
    row.given.push(Attestation { validator, keyed, height });
    let suffices = row.sufficed_at.is_none() && is_enough(stage.state, &row.given);
    if suffices {
        row.sufficed_at = Some(height);
    }
    stage.state.attestations.put((*claim, part), row);
    if suffices && part == AttestedPart::Drawn {
        start_window(stage, claim)?;
    }
    Ok(suffices)
}

/// More than two thirds of the power of the next height's validators.
fn is_enough(state: &State, given: &[Attestation]) -> bool {
    state.validators().is_two_thirds(|account| given.iter().any(|a| a.validator == *account))
}

/// The window runs anew from here: nobody can judge a state that it cannot have (L-5.12).
fn start_window(stage: &mut Stage<'_>, claim: &Digest) -> Result<(), Fault> {
    let run = stage.state.claims.want(claim)?.run;
    let deadline = stage.now.after(stage.state.runs.want(&run)?.terms.verdict_span);
    stage.state.claims.change(claim, |record| {
        if let Some(audit) = &mut record.audit {
            audit.deadline = deadline;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{attestation_key, step_before};
    use crate::tests::fixture::key;
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;

    /// L-5.12: the first step starts from the base and the loss from no state; all else from a state in between.
    #[test]
    fn states_that_have_to_be_published() {
        let rows = [
            (Unit::Step(0), None),
            (Unit::Step(1), Some(0)),
            (Unit::Step(3), Some(2)),
            (Unit::Delta, Some(3)),
            (Unit::Loss, None),
            (Unit::Merge, None),
        ];
        for (unit, expected) in rows {
            assert_eq!(step_before(unit, 4), expected, "{unit}");
        }
    }

    /// L-5.12: no two validators, and no two claims, have one key.
    #[test]
    fn keys_are_apart() {
        let (first, second) = (Digest([1; 32]), Digest([2; 32]));
        let keys =
            [(1, first), (1, second), (2, first)].map(|(name, claim)| attestation_key(&key(name), &claim));
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }
}
