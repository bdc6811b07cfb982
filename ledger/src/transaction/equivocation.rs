//! `equivocation`: a validator signed two votes of which an honest one signs at most one (L-9.6).

use crate::amount::{Amount, Height};
use crate::envelope::{Signed, Unchecked};
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::{Origin, Stage};
use crate::vote::Vote;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::signature::{PeerKey, SignatureError};

/// Anyone shows both votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Equivocation {
    /// One vote.
    pub first: Unchecked<Vote>,
    /// The other.
    pub second: Unchecked<Vote>,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EquivocationInvalid {
    /// Another network's votes.
    #[error("the votes are another network's")]
    Network,
    /// Votes that an honest validator may sign both.
    #[error("the votes do not contradict each other")]
    NoContradiction,
    /// Nobody has this key.
    #[error("no account has registered the consensus key {key}")]
    UnknownValidator {
        /// The votes' key.
        key: PeerKey,
    },
    /// Somebody was faster.
    #[error("the validator has paid for height {height}")]
    Known {
        /// The votes' height.
        height: Height,
    },
    /// There is nothing left to slash.
    #[error("the validator has no stake that could be slashed")]
    NoStake,
    /// A signature does not verify.
    #[error("vote: {0}")]
    Signature(SignatureError),
}

impl Equivocation {
    /// Gives the account that pays.
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<PeerKey, EquivocationInvalid> {
        let vote = self.first.body;
        if vote.network != stage.state.network() {
            return Err(EquivocationInvalid::Network);
        }
        if !vote.contradicts(&self.second.body) {
            return Err(EquivocationInvalid::NoContradiction);
        }
        let key = vote.validator;
        let account = stage.state.account_of_consensus(&key);
        let account = account.ok_or(EquivocationInvalid::UnknownValidator { key })?;
        if stage.state.equivocations.get(&(account, vote.height)).is_some() {
            return Err(EquivocationInvalid::Known { height: vote.height });
        }
        if stage.state.slashable(&account) == Amount::ZERO {
            return Err(EquivocationInvalid::NoStake);
        }
        for vote in [self.first, self.second] {
            Signed::check(vote).map_err(EquivocationInvalid::Signature)?;
        }
        Ok(account)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin, validator: PeerKey) -> Result<(), Fault> {
        let Vote { height, round, kind, .. } = self.first.body;
        let part = stage.state.slashable(&validator).share(stage.state.params().equivocation_ppm);
        let amount = stage.state.slash_any(&validator, part)?;
        stage.state.equivocations.put((validator, height), from.id);
        stage.say(Event::Equivocated { validator, height, round, kind, amount, reporter: from.signer });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Equivocation, EquivocationInvalid};
    use crate::tests::fixture::{AUDITOR, SPONSOR, VALIDATOR, World, key, validator};
    use crate::transaction::{Body, TransactionInvalid};
    use crate::{Amount, Event, Height, Signable, Unchecked, Vote, VoteKind};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::{Signature, SignatureError, sign};

    fn vote(world: &World, name: u8, block: Option<Digest>) -> Unchecked<Vote> {
        let (network, secrets) = (world.chain.network(), validator(name));
        let (height, kind) = (Height(5), VoteKind::Prevote);
        let body = Vote { network, height, round: 1, kind, block, validator: secrets.consensus() };
        signed(body, name)
    }

    fn signed(body: Vote, name: u8) -> Unchecked<Vote> {
        Unchecked { body, signature: sign(&validator(name).signing, Vote::SIGNATURE_CONTEXT, &body) }
    }

    fn body(first: Unchecked<Vote>, second: Unchecked<Vote>) -> Body {
        Body::Equivocation(Box::new(Equivocation { first, second }))
    }

    /// L-9.6, L-9.4: each reason, in the order of the checks; the slash is burned, once for a height.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let good = vote(&world, VALIDATOR, Some(Digest([1; 32])));
        let other = vote(&world, VALIDATOR, None);
        let edit = |edit: fn(&mut Vote)| {
            let mut changed = other.body;
            edit(&mut changed);
            signed(changed, VALIDATOR)
        };
        let mut foreign = good.body;
        foreign.network = Digest([7; 32]);
        let key_of = |name| validator(name).consensus();
        let mut unsigned = other;
        unsigned.signature = Signature([0; 64]);
        let nobody = EquivocationInvalid::UnknownValidator { key: key_of(AUDITOR) };
        let rows = [
            (signed(foreign, VALIDATOR), other, EquivocationInvalid::Network),
            (good, good, EquivocationInvalid::NoContradiction),
            (good, edit(|v| v.network = Digest([7; 32])), EquivocationInvalid::NoContradiction),
            (good, edit(|v| v.height = Height(6)), EquivocationInvalid::NoContradiction),
            (good, edit(|v| v.round = 2), EquivocationInvalid::NoContradiction),
            (good, edit(|v| v.kind = VoteKind::Precommit), EquivocationInvalid::NoContradiction),
            (good, vote(&world, AUDITOR, None), EquivocationInvalid::NoContradiction),
            (vote(&world, AUDITOR, Some(Digest([1; 32]))), vote(&world, AUDITOR, None), nobody),
            (
                good,
                unsigned,
                EquivocationInvalid::Signature(SignatureError::Signature { key: key_of(VALIDATOR) }),
            ),
        ];
        for (first, second, expected) in rows {
            let found = world.refusal(SPONSOR, body(first, second));
            assert_eq!(found, Some(TransactionInvalid::Equivocation(expected)));
        }
        let events = world.play(SPONSOR, body(good, other));
        let (round, kind, amount) = (1, VoteKind::Prevote, Amount(1_500));
        let (validator, reporter, height) = (key(VALIDATOR), key(SPONSOR), Height(5));
        assert_eq!(events, [Event::Equivocated { validator, height, round, kind, amount, reporter }]);
        assert_eq!(world.account(VALIDATOR).bonded, Amount(28_500));
        let known = EquivocationInvalid::Known { height };
        let again = world.refusal(AUDITOR, body(other, good));
        assert_eq!(again, Some(TransactionInvalid::Equivocation(known)));
    }

    /// L-9.6: stake on its way back is slashed after what is free; with none left there is nothing to show.
    #[test]
    fn unbonding_stake_is_slashed() {
        let mut world = World::new();
        let (first, second) = (vote(&world, VALIDATOR, Some(Digest([1; 32]))), vote(&world, VALIDATOR, None));
        let mut state = world.chain.state().clone();
        let account = |state: &crate::State| *state.account(&key(VALIDATOR)).unwrap();
        state
            .accounts
            .change(&key(VALIDATOR), |account| {
                (account.bonded, account.locked, account.unbonding) = (Amount(700), Amount(500), Amount(900));
            })
            .unwrap();
        assert_eq!(state.slashable(&key(VALIDATOR)), Amount(1_100));
        assert_eq!(state.slash_any(&key(VALIDATOR), Amount(300)), Ok(Amount(300)));
        assert_eq!((account(&state).bonded, account(&state).unbonding), (Amount(500), Amount(800)));
        assert_eq!(state.slash_any(&key(VALIDATOR), Amount(5_000)), Ok(Amount(800)));
        assert_eq!((account(&state).bonded, account(&state).unbonding), (Amount(500), Amount(0)));
        let mut events = Vec::new();
        let stage = crate::stage::Stage::new(&mut state, &mut events).unwrap();
        assert_eq!(Equivocation { first, second }.check(&stage), Err(EquivocationInvalid::NoStake));
        world.wait(1);
    }
}
