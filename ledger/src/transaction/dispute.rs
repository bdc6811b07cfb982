//! `dispute`: somebody puts a bond on a claim being wrong (L-5.8).

use super::{Refused, challenge_seal};
use crate::amount::{Amount, Height};
use crate::fault::Fault;
use crate::limits::{OPEN_DISPUTES_PER_CHALLENGER, SEAL_HEIGHTS};
use crate::run::{ClaimStatus, Docketed, Precedence, VerdictRecord, VerdictResult, open_dispute, withheld};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{DocketError, Opening};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Game, Unit};

/// The signer disputes one unit of a claim.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Dispute {
    /// Commitment or base claim.
    pub claim: Digest,
    /// The unit.
    pub unit: Unit,
    /// The list elements that the unit needs, from the claim's attested blob.
    pub opening: Opening,
    /// Opens a seal of the signer; none for a drawn verifier that has found a mismatch of the unit (L-5.16).
    pub salt: Option<Digest>,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisputeInvalid {
    /// No such claim.
    #[error("there is no such claim")]
    UnknownClaim,
    /// The claim is decided, or does not stand.
    #[error("the claim is not open")]
    NotOpen,
    /// The claim will be void when its open disputes have ended.
    #[error("too few validators attested to the claim in time")]
    Withheld,
    /// A party disputes itself.
    #[error("the challenger signed the claim")]
    OwnClaim,
    /// Too many open disputes of this challenger on this claim.
    #[error("the challenger has {OPEN_DISPUTES_PER_CHALLENGER} open disputes on this claim")]
    TooMany,
    /// Not enough free stake for the bond.
    #[error("free stake is {free}, the bond is {needed}")]
    FreeStake {
        /// Free stake.
        free: Amount,
        /// The bond.
        needed: Amount,
    },
    /// Whoever was not drawn for the unit and found a mismatch seals its accusation first.
    #[error("the challenger has not sealed the accusation, and is no drawn verifier that found a mismatch")]
    Unsealed,
    /// Never sealed, or opened before.
    #[error("the challenger holds no seal of this accusation with this salt")]
    UnknownSeal,
    /// Sealed too long ago.
    #[error("the seal is of height {at}, it could be opened for {SEAL_HEIGHTS} heights")]
    StaleSeal {
        /// Height of the seal.
        at: Height,
    },
    /// Sealed in the same block.
    #[error("the seal is of this block, and is opened in a later one")]
    FreshSeal,
    /// The docket does not hold together.
    #[error("docket: {0}")]
    Docket(#[from] DocketError),
}

impl Dispute {
    /// Gives the opened game, and since when the accusation stands.
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(Box<Game>, Precedence), Refused> {
        self.check_parties(stage, from).map_err(super::theirs)?;
        let precedence = self.check_seal(stage, from).map_err(super::theirs)?;
        let docketed =
            Docketed { claim: self.claim, unit: self.unit, challenger: from.signer, nonce: from.id };
        let docket = docketed.docket(stage.state, self.opening.clone())?;
        let game = Game::open(docket).map_err(|reason| super::theirs(DisputeInvalid::Docket(reason)))?;
        Ok((Box::new(game), precedence))
    }

    fn seal(&self, challenger: &PeerKey) -> Option<Digest> {
        self.salt.map(|salt| challenge_seal(&self.claim, self.unit, challenger, &salt))
    }

    fn check_seal(&self, stage: &Stage<'_>, from: Origin) -> Result<Precedence, DisputeInvalid> {
        let Some(seal) = self.seal(&from.signer) else {
            let verdicts = stage.state.verdicts_of(&self.claim, self.unit);
            let accuses = |v: &&VerdictRecord| {
                v.verifier == from.signer && v.drawn && v.result == VerdictResult::Mismatch
            };
            let height = verdicts.iter().find(accuses).ok_or(DisputeInvalid::Unsealed)?.at;
            return Ok(Precedence { height, sealed: false });
        };
        let held = stage.state.seals(&from.signer).iter().find(|held| held.seal == seal);
        let held = held.ok_or(DisputeInvalid::UnknownSeal)?;
        if held.is_stale(stage.now.height) {
            return Err(DisputeInvalid::StaleSeal { at: held.at });
        }
        if held.at >= stage.now.height {
            return Err(DisputeInvalid::FreshSeal);
        }
        Ok(Precedence { height: held.at, sealed: true })
    }

    fn check_parties(&self, stage: &Stage<'_>, from: Origin) -> Result<(), DisputeInvalid> {
        let state = &stage.state;
        let record = state.claims.get(&self.claim).ok_or(DisputeInvalid::UnknownClaim)?;
        if record.status != ClaimStatus::Open {
            return Err(DisputeInvalid::NotOpen);
        }
        if withheld(state, &self.claim, stage.now).is_some() {
            return Err(DisputeInvalid::Withheld);
        }
        if record.signer() == from.signer {
            return Err(DisputeInvalid::OwnClaim);
        }
        let is_own = |id: &&Digest| state.disputes.get(id).is_some_and(|d| d.challenger == from.signer);
        if record.disputes.iter().filter(is_own).count() >= OPEN_DISPUTES_PER_CHALLENGER {
            return Err(DisputeInvalid::TooMany);
        }
        let needed = state.runs.get(&record.run).map_or(Amount::ZERO, |run| run.terms.challenge_bond);
        let free = state.accounts.get(&from.signer).map_or(Amount::ZERO, |a| a.free_stake());
        if free < needed {
            return Err(DisputeInvalid::FreeStake { free, needed });
        }
        Ok(())
    }

    pub(super) fn apply(
        &self,
        stage: &mut Stage<'_>,
        from: Origin,
        (game, precedence): (Box<Game>, Precedence),
    ) -> Result<(), Fault> {
        if let Some(seal) = self.seal(&from.signer) {
            // A seal is opened once.
            stage.state.seals.change(&from.signer, |held| held.retain(|held| held.seal != seal))?;
        }
        open_dispute(stage, self.claim, *game, None, precedence)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dispute, DisputeInvalid};
    use crate::amount::Amount;
    use crate::limits::{OPEN_DISPUTES_PER_CHALLENGER, SEAL_HEIGHTS};
    use crate::run::VerdictResult;
    use crate::tests::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, key, verdict};
    use crate::transaction::{Body, Settle, TransactionInvalid};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::{DocketError, Opening};

    fn dispute(claim: Digest, unit: Unit) -> Body {
        opened(claim, unit, None)
    }

    fn opened(claim: Digest, unit: Unit, salt: Option<Digest>) -> Body {
        Body::Dispute(Box::new(Dispute { claim, unit, opening: Opening::Nothing, salt }))
    }

    /// L-5.8: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let signer = world.chain.state().claim(&ids[0]).unwrap().signer();
        let own = TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap();
        let poor = DisputeInvalid::FreeStake { free: Amount(0), needed: Amount(1_000) };
        let rows = [
            (AUDITOR, Digest([9; 32]), Unit::Merge, DisputeInvalid::UnknownClaim),
            (own, ids[0], Unit::Merge, DisputeInvalid::OwnClaim),
            (SPONSOR, ids[0], Unit::Merge, poor),
            (AUDITOR, ids[0], Unit::Merge, DisputeInvalid::Unsealed),
        ];
        for (name, claim, unit, expected) in rows {
            let found = world.refusal(name, dispute(claim, unit));
            assert_eq!(found, Some(TransactionInvalid::Dispute(expected)));
        }
        for unit in [Unit::Merge, Unit::Step(1)] {
            let salt = world.seal(AUDITOR, ids[0], unit);
            let found = world.refusal(AUDITOR, opened(ids[0], unit, Some(salt)));
            let reason = DisputeInvalid::Docket(DocketError::Unit);
            assert_eq!(found, Some(TransactionInvalid::Dispute(reason)));
        }
        // Any number of challengers, and several disputes of each, up to the limit.
        for _ in 0..OPEN_DISPUTES_PER_CHALLENGER {
            world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
        }
        let found = world.refusal(AUDITOR, dispute(ids[0], Unit::Merge));
        assert_eq!(found, Some(TransactionInvalid::Dispute(DisputeInvalid::TooMany)));
        assert_eq!(world.account(AUDITOR).locked, Amount(8_000));
        let other = TRAINERS.into_iter().find(|name| *name != own).unwrap();
        let salt = world.seal(other, ids[0], Unit::Loss);
        assert_eq!(world.refusal(other, opened(ids[0], Unit::Loss, Some(salt))), None);

        world.judge(&ids[1], VerdictResult::Match);
        world.play(AUDITOR, Body::Settle(Settle { claim: ids[1] }));
        let found = world.refusal(AUDITOR, dispute(ids[1], Unit::Loss));
        assert_eq!(found, Some(TransactionInvalid::Dispute(DisputeInvalid::NotOpen)));
    }

    /// L-5.8, L-5.16: a seal opens one dispute, of one challenger, claim, unit and salt, from the next block on and not
    /// for ever.
    #[test]
    fn a_seal_opens_one_dispute() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let is = |world: &mut World, name, body, expected| {
            assert_eq!(world.refusal(name, body), Some(TransactionInvalid::Dispute(expected)));
        };
        let salt = world.seal(AUDITOR, ids[0], Unit::Loss);
        let good = opened(ids[0], Unit::Loss, Some(salt));
        // Who copies the opened seal holds none.
        is(&mut world, VERIFIERS[0], good.clone(), DisputeInvalid::UnknownSeal);
        let others =
            [(ids[1], Unit::Loss, salt), (ids[0], Unit::Delta, salt), (ids[0], Unit::Loss, Digest([1; 32]))];
        for (claim, unit, salt) in others {
            is(&mut world, AUDITOR, opened(claim, unit, Some(salt)), DisputeInvalid::UnknownSeal);
        }
        world.play(AUDITOR, good.clone());
        is(&mut world, AUDITOR, good, DisputeInvalid::UnknownSeal);

        // Sealed and opened in one block: the second is left out.
        let salt = Digest([7; 32]);
        let seal = crate::challenge_seal(&ids[0], Unit::Loss, &key(AUDITOR), &salt);
        let nonce = world.chain.next_nonce(&key(AUDITOR));
        let sealed = world.sign_with(AUDITOR, Body::Seal(crate::Seal { seal }), nonce);
        let early = world.sign_with(AUDITOR, opened(ids[0], Unit::Loss, Some(salt)), nonce + 1);
        let proposal = world.propose(vec![sealed, early]);
        let found = proposal.dropped.first().map(|(_, reason)| *reason);
        assert_eq!(found, Some(TransactionInvalid::Dispute(DisputeInvalid::FreshSeal)));
        world.apply(&proposal.block);
        let at = world.height();
        world.wait(SEAL_HEIGHTS - 1);
        assert_eq!(world.refusal(AUDITOR, opened(ids[0], Unit::Loss, Some(salt))), None);
        world.wait(1);
        is(&mut world, AUDITOR, opened(ids[0], Unit::Loss, Some(salt)), DisputeInvalid::StaleSeal { at });
    }

    /// L-5.16, L-5.5: a drawn verifier that found a mismatch needs no seal; another verdict, or one of a verifier that was
    /// not drawn, is none.
    #[test]
    fn a_drawn_mismatch_is_an_accusation() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let audit = world.chain.state().claim(&ids[0]).unwrap().audit.clone().unwrap();
        let drawn = crate::drawn_verifiers(&audit, &ids[0], Unit::Loss, 2);
        let is_drawn = |name: &u8| drawn.contains(&key(*name));
        let (drawn, others): (Vec<u8>, Vec<u8>) = VERIFIERS.into_iter().partition(is_drawn);
        let verdicts = [
            (drawn[0], VerdictResult::Mismatch, None),
            (drawn[1], VerdictResult::Match, Some(DisputeInvalid::Unsealed)),
            (others[0], VerdictResult::Mismatch, Some(DisputeInvalid::Unsealed)),
        ];
        for (name, result, expected) in verdicts {
            world.play(name, verdict(ids[0], Unit::Loss, result));
            let found = world.refusal(name, dispute(ids[0], Unit::Loss));
            assert_eq!(found, expected.map(TransactionInvalid::Dispute));
        }
        let is_of_another = Some(TransactionInvalid::Dispute(DisputeInvalid::Unsealed));
        assert_eq!(world.refusal(drawn[0], dispute(ids[0], Unit::Delta)), is_of_another);
    }
}
