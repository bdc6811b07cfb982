//! `verdict`: a verifier says what its replay of a drawn unit gave (L-5.5).

use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Role;
use crate::limits::FREE_VERDICTS_MAX;
use crate::run::{ClaimStatus, VerdictRecord, VerdictResult, drawn_verifiers};
use crate::stage::{Origin, Stage};
use crate::state::Account;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;

/// The signer's verdict on one unit of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Verdict {
    /// Commitment or base claim.
    pub claim: Digest,
    /// The unit.
    pub unit: Unit,
    /// What the replay gave.
    pub result: VerdictResult,
    /// Plain trace root of the replay.
    pub trace_root: Digest,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerdictInvalid {
    /// No such claim.
    #[error("there is no such claim")]
    UnknownClaim,
    /// The claim is decided, or does not stand.
    #[error("the claim is not open")]
    NotOpen,
    /// The unit is not drawn, or nothing is yet.
    #[error("the unit is not drawn")]
    NotDrawn,
    /// A party judges itself.
    #[error("the verifier signed the claim")]
    OwnClaim,
    /// Not a verifier's account, or not yet.
    #[error("the account is no verifier")]
    NotVerifier,
    /// Too little stake for the run.
    #[error("the verifier has {bonded} bonded, {needed} are needed")]
    NotBonded {
        /// Its bonded stake.
        bonded: Amount,
        /// What the run asks of its verifiers.
        needed: Amount,
    },
    /// One verdict per verifier and unit.
    #[error("the verifier has given its verdict")]
    Repeated,
    /// The unit has as many verdicts of verifiers that were not drawn as are kept.
    #[error("the unit has {FREE_VERDICTS_MAX} verdicts of verifiers that were not drawn")]
    Full,
}

impl Verdict {
    /// Gives whether the verifier was drawn for the unit.
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<bool, VerdictInvalid> {
        let state = &stage.state;
        let record = state.claims.get(&self.claim).ok_or(VerdictInvalid::UnknownClaim)?;
        if record.status != ClaimStatus::Open {
            return Err(VerdictInvalid::NotOpen);
        }
        let audit = record.audit.as_ref().filter(|audit| audit.units.contains(&self.unit));
        let audit = audit.ok_or(VerdictInvalid::NotDrawn)?;
        if record.signer() == from.signer {
            return Err(VerdictInvalid::OwnClaim);
        }
        let is_verifier =
            |a: &&Account| a.role == Role::Verifier && a.is_in_force(state.params(), stage.now.height);
        let account = state.accounts.get(&from.signer).filter(is_verifier);
        let account = account.ok_or(VerdictInvalid::NotVerifier)?;
        let terms = state.runs.get(&record.run).map(|run| &run.terms);
        let (bonded, needed) = (account.bonded, terms.map_or(Amount::ZERO, |terms| terms.verifier_stake));
        if bonded < needed {
            return Err(VerdictInvalid::NotBonded { bonded, needed });
        }
        let earlier = state.verdicts_of(&self.claim, self.unit);
        if earlier.iter().any(|v| v.verifier == from.signer) {
            return Err(VerdictInvalid::Repeated);
        }
        let verdicts_min = terms.map_or(0, |terms| terms.verdicts_min);
        let drawn = drawn_verifiers(audit, &self.claim, self.unit, verdicts_min).contains(&from.signer);
        if !drawn && earlier.iter().filter(|v| !v.drawn).count() >= FREE_VERDICTS_MAX {
            return Err(VerdictInvalid::Full);
        }
        Ok(drawn)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin, drawn: bool) -> Result<(), Fault> {
        let mut verdicts = stage.state.verdicts_of(&self.claim, self.unit).to_vec();
        let (verifier, at) = (from.signer, stage.now.height);
        let trace_root = self.trace_root;
        verdicts.push(VerdictRecord { verifier, result: self.result, trace_root, drawn, at });
        if drawn && self.result == VerdictResult::Mismatch {
            stage.state.claims.change(&self.claim, |claim| {
                claim.accused_at = claim.accused_at.or(Some(at));
            })?;
        }
        stage.state.verdicts.put((self.claim, self.unit), verdicts);
        let (claim, unit, result) = (self.claim, self.unit, self.result);
        stage.say(Event::Verdict { claim, unit, verifier, result });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::VerdictInvalid;
    use crate::run::VerdictResult::{Match, Mismatch};
    use crate::tests::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, key, verdict};
    use crate::transaction::{Body, Settle, TransactionInvalid};
    use crate::{Amount, limits::FREE_VERDICTS_MAX};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;

    /// L-5.5: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let claim = ids[0];
        let signer = world.chain.state().claim(&claim).unwrap().signer();
        let own = TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap();
        let rows = [
            (VERIFIERS[0], Digest([9; 32]), Unit::Merge, VerdictInvalid::UnknownClaim),
            (VERIFIERS[0], claim, Unit::Merge, VerdictInvalid::NotDrawn),
            (VERIFIERS[0], claim, Unit::Step(4), VerdictInvalid::NotDrawn),
            (own, claim, Unit::Delta, VerdictInvalid::OwnClaim),
            (SPONSOR, claim, Unit::Delta, VerdictInvalid::NotVerifier),
            (AUDITOR, claim, Unit::Delta, VerdictInvalid::NotVerifier),
        ];
        for (name, claim, unit, expected) in rows {
            let found = world.refusal(name, verdict(claim, unit, Match));
            assert_eq!(found, Some(TransactionInvalid::Verdict(expected)));
        }
        world.play(VERIFIERS[0], verdict(claim, Unit::Delta, Match));
        let found = world.refusal(VERIFIERS[0], verdict(claim, Unit::Delta, Mismatch));
        assert_eq!(found, Some(TransactionInvalid::Verdict(VerdictInvalid::Repeated)));
        world.judge(&ids[1], Match);
        world.play(AUDITOR, Body::Settle(Settle { claim: ids[1] }));
        let found = world.refusal(VERIFIERS[0], verdict(ids[1], Unit::Delta, Match));
        assert_eq!(found, Some(TransactionInvalid::Verdict(VerdictInvalid::NotOpen)));
    }

    /// L-5.5: nothing is judged before its draw, or without stake; and the drawn always find room.
    #[test]
    fn the_drawn_find_room() {
        let mut world = World::new();
        let run = world.training();
        let ids = world.commit_all(&run);
        let found = world.refusal(VERIFIERS[0], verdict(ids[0], Unit::Delta, Match));
        assert_eq!(found, Some(TransactionInvalid::Verdict(VerdictInvalid::NotDrawn)));

        let mut genesis = crate::tests::fixture::genesis();
        for account in &mut genesis.accounts {
            if account.key == key(VERIFIERS[2]) {
                account.bonded = Amount(299);
            }
        }
        // More verifiers than a unit keeps free verdicts of.
        let names = 150..=150 + FREE_VERDICTS_MAX as u8 + 3;
        let mut more: Vec<_> = names
            .clone()
            .map(|name| crate::GenesisAccount {
                key: key(name),
                balance: Amount(0),
                bonded: Amount(300),
                role: crate::Role::Verifier,
                registered: None,
            })
            .collect();
        genesis.accounts.append(&mut more);
        genesis.accounts.sort_by_key(|account| account.key);
        let mut world = World::of(genesis);
        let (_, ids) = world.audited();
        let found = world.refusal(VERIFIERS[2], verdict(ids[0], Unit::Delta, Match));
        assert_eq!(
            found,
            Some(TransactionInvalid::Verdict(VerdictInvalid::NotBonded {
                bonded: Amount(299),
                needed: Amount(300)
            }))
        );
        let audit = world.chain.state().claim(&ids[0]).unwrap().audit.clone().unwrap();
        let drawn = crate::drawn_verifiers(&audit, &ids[0], Unit::Delta, 2);
        let (first, last): (Vec<u8>, Vec<u8>) =
            names.chain([21, 22]).partition(|name| !drawn.contains(&key(*name)));
        let mut refused = 0;
        for name in first {
            let body = verdict(ids[0], Unit::Delta, Match);
            match world.refusal(name, body.clone()) {
                None => {
                    world.play(name, body);
                }
                Some(reason) => {
                    assert_eq!(reason, TransactionInvalid::Verdict(VerdictInvalid::Full));
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
        for name in last {
            assert_eq!(world.refusal(name, verdict(ids[0], Unit::Delta, Match)), None);
        }
    }
}
