//! `base`: somebody claims what the accepted deltas merge to (L-5.7).

use super::Refused;
use crate::amount::Amount;
use crate::fault::Fault;
use crate::run::{ClaimStatus, Docketed, Phase, Progress, post_base};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::commitment::SignedBase;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;
use retrace_verifier::signature::SignatureError;
use retrace_verifier::{Game, Unit};

/// The signer posts its base claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Base {
    /// The claim.
    pub signed: SignedBase,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseInvalid {
    /// No such run.
    #[error("there is no such run")]
    UnknownRun,
    /// The claim names another network.
    #[error("the claim names another network")]
    Network,
    /// The run does not merge into this round now.
    #[error("the run does not wait for the base of round {found}")]
    Round {
        /// The round named.
        found: u32,
    },
    /// A lie was proved in what would be merged, or in what it would be merged into.
    #[error("nothing goes on from a base of round {found}")]
    Dead {
        /// The round named.
        found: u32,
    },
    /// Posted by somebody else.
    #[error("the transaction is not signed by the poster")]
    Sender,
    /// The poster did not sign the claim.
    #[error("base: {0}")]
    Signature(#[from] SignatureError),
    /// The standing claim says the same.
    #[error("the standing claim has this root")]
    SameRoot,
    /// The poster claimed the same before, and it was judged or is being disputed.
    #[error("the poster has made this claim")]
    Repeated,
    /// Not enough free stake for the lock, and the bond of the dispute with the standing claim.
    #[error("free stake is {free}, {needed} are locked for a base")]
    FreeStake {
        /// Free stake.
        free: Amount,
        /// What is locked.
        needed: Amount,
    },
}

impl Base {
    /// Gives the dispute with the standing claim, if there is one.
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<Option<Box<Game>>, Refused> {
        let standing = self.check_place(stage, from).map_err(super::theirs)?;
        let Some(standing) = standing else { return Ok(None) };
        let docketed =
            Docketed { claim: standing, unit: Unit::Merge, challenger: from.signer, nonce: from.id };
        let docket = docketed.docket(stage.state, Opening::Nothing)?;
        // The standing claim was checked when it was posted, so its docket holds together.
        let game = Game::open(docket).map_err(|_| Fault::Rule { rule: "L-5.7" })?;
        Ok(Some(Box::new(game)))
    }

    fn check_place(&self, stage: &Stage<'_>, from: Origin) -> Result<Option<Digest>, BaseInvalid> {
        let c = &self.signed.claim;
        let state = &stage.state;
        let run = state.runs.get(&c.run).ok_or(BaseInvalid::UnknownRun)?;
        if c.network != state.network() {
            return Err(BaseInvalid::Network);
        }
        let is_current = |p: &&Progress| p.phase == Phase::Merging && p.round.checked_add(1) == Some(c.round);
        let current = state.progress.get(&c.run).filter(is_current);
        let round = current.and_then(|p| state.rounds.get(&(c.run, p.round)));
        let round = round.ok_or(BaseInvalid::Round { found: c.round })?;
        // A merge that leads nowhere does not begin; one that stands is brought to its end (L-5.19).
        if round.standing.is_none() && c.round.checked_sub(1).is_some_and(|at| state.is_dead(&c.run, at)) {
            return Err(BaseInvalid::Dead { found: c.round });
        }
        if from.signer != c.poster {
            return Err(BaseInvalid::Sender);
        }
        self.signed.check()?;
        if round.standing.is_some_and(|standing| state.base_root(&standing) == Some(c.root)) {
            return Err(BaseInvalid::SameRoot);
        }
        let earlier = state.claims.get(&base_id(c));
        if earlier.is_some_and(|record| record.status != ClaimStatus::Withdrawn) {
            return Err(BaseInvalid::Repeated);
        }
        let bond = if round.standing.is_some() { run.terms.challenge_bond } else { Amount::ZERO };
        let free = state.accounts.get(&c.poster).map_or(Amount::ZERO, |a| a.free_stake());
        // A sum past 64 bits is more than anybody has.
        let needed = run.terms.lock.plus(bond).unwrap_or(Amount(u64::MAX));
        if free < needed {
            return Err(BaseInvalid::FreeStake { free, needed });
        }
        Ok(round.standing)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, dispute: Option<Box<Game>>) -> Result<(), Fault> {
        post_base(stage, self.signed, dispute)
    }
}

#[cfg(test)]
mod tests {
    use super::BaseInvalid;
    use crate::amount::Amount;
    use crate::tests::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, base, key, secret};
    use crate::transaction::TransactionInvalid;
    use retrace_verifier::commitment::{BaseClaim, SignedBase};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::SignatureError;

    /// L-5.7: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let run = world.merging();
        let good = world.base(AUDITOR, &run, 40);
        let change = |edit: fn(&mut BaseClaim)| {
            let mut claim = good.claim;
            edit(&mut claim);
            SignedBase::new(claim, &secret(AUDITOR))
        };
        let mut forged = good;
        forged.claim.root = Digest([1; 32]);
        let rows = [
            (AUDITOR, change(|c| c.run = Digest([9; 32])), BaseInvalid::UnknownRun),
            (AUDITOR, change(|c| c.network = Digest([9; 32])), BaseInvalid::Network),
            (AUDITOR, change(|c| c.round = 0), BaseInvalid::Round { found: 0 }),
            (AUDITOR, change(|c| c.round = 2), BaseInvalid::Round { found: 2 }),
            (TRAINERS[0], good, BaseInvalid::Sender),
            (AUDITOR, forged, BaseInvalid::Signature(SignatureError::Signature { key: key(AUDITOR) })),
            (
                SPONSOR,
                world.base(SPONSOR, &run, 40),
                BaseInvalid::FreeStake { free: Amount(0), needed: Amount(10_000) },
            ),
        ];
        for (name, signed, expected) in rows {
            assert_eq!(world.refusal(name, base(signed)), Some(TransactionInvalid::Base(expected)));
        }
        world.play(AUDITOR, base(good));
        let same = world.base(TRAINERS[0], &run, 40);
        let found = world.refusal(TRAINERS[0], base(same));
        assert_eq!(found, Some(TransactionInvalid::Base(BaseInvalid::SameRoot)));
        // A rival locks the bond of its dispute too.
        let rival = world.base(VERIFIERS[0], &run, 41);
        let reason = BaseInvalid::FreeStake { free: Amount(10_000), needed: Amount(11_000) };
        assert_eq!(world.refusal(VERIFIERS[0], base(rival)), Some(TransactionInvalid::Base(reason)));
        let rival = world.base(TRAINERS[0], &run, 41);
        world.play(TRAINERS[0], base(rival));
        let found = world.refusal(TRAINERS[0], base(rival));
        assert_eq!(found, Some(TransactionInvalid::Base(BaseInvalid::Repeated)));
    }
}
