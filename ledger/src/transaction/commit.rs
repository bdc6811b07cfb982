//! `commit`: a trainer answers for a segment with locked stake (L-5.3).

use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::run::{ClaimRecord, ClaimStatus, Phase, Progress};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::docket::Claim;
use retrace_verifier::signature::SignatureError;

/// The slot's trainer posts its commitment.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commit {
    /// The commitment.
    pub signed: SignedCommitment,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitInvalid {
    /// No such run.
    #[error("there is no such run")]
    UnknownRun,
    /// The commitment names another network.
    #[error("the commitment names another network")]
    Network,
    /// Another round, or none is open.
    #[error("the run does not train round {found} now")]
    Round {
        /// The round named.
        found: u32,
    },
    /// A lie was proved in what the round's base was made from.
    #[error("round {found} is tainted: the run went back behind its base")]
    Tainted {
        /// The round named.
        found: u32,
    },
    /// The round only waits for attestations of what it has.
    #[error("the time to commit is over")]
    TooLate,
    /// No such slot.
    #[error("round has no slot {found}")]
    UnknownSlot {
        /// The slot named.
        found: u16,
    },
    /// The slot is somebody else's.
    #[error("the slot is not the commitment's trainer's")]
    NotAssigned,
    /// Posted by somebody else.
    #[error("the transaction is not signed by the trainer")]
    Sender,
    /// The slot has a commitment; a second one, equal or not, is refused.
    #[error("the slot has its commitment")]
    Repeated,
    /// The trainer did not sign the commitment.
    #[error("commitment: {0}")]
    Signature(#[from] SignatureError),
    /// Not enough free stake for the lock.
    #[error("free stake is {free}, {needed} are locked for a commitment")]
    FreeStake {
        /// Free stake.
        free: Amount,
        /// The lock.
        needed: Amount,
    },
}

impl Commit {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), CommitInvalid> {
        let c = &self.signed.commitment;
        let state = &stage.state;
        let run = state.runs.get(&c.run).ok_or(CommitInvalid::UnknownRun)?;
        if c.network != state.network() {
            return Err(CommitInvalid::Network);
        }
        let is_current = |p: &&Progress| p.phase == Phase::Training && p.round == c.round;
        let current = state.progress.get(&c.run).filter(is_current);
        let round = current.and_then(|_| state.rounds.get(&(c.run, c.round)));
        let round = round.ok_or(CommitInvalid::Round { found: c.round })?;
        if round.taint.is_some() {
            return Err(CommitInvalid::Tainted { found: c.round });
        }
        if round.deadline.is_past(stage.now) {
            return Err(CommitInvalid::TooLate);
        }
        let slot = round.slots.get(usize::from(c.slot));
        let slot = slot.ok_or(CommitInvalid::UnknownSlot { found: c.slot })?;
        if slot.trainer != Some(c.trainer) {
            return Err(CommitInvalid::NotAssigned);
        }
        if from.signer != c.trainer {
            return Err(CommitInvalid::Sender);
        }
        if slot.commitment.is_some() {
            return Err(CommitInvalid::Repeated);
        }
        self.signed.check()?;
        let free = state.accounts.get(&c.trainer).map_or(Amount::ZERO, |a| a.free_stake());
        let needed = run.terms.lock;
        if free < needed {
            return Err(CommitInvalid::FreeStake { free, needed });
        }
        Ok(())
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>) -> Result<(), Fault> {
        let c = self.signed.commitment;
        let commitment = c.id();
        let lock = stage.state.runs.want(&c.run)?.terms.lock;
        stage.state.lock(&c.trainer, lock)?;
        stage.state.rounds.change(&(c.run, c.round), |round| {
            if let Some(slot) = round.slots.get_mut(usize::from(c.slot)) {
                slot.commitment = Some(commitment);
            }
        })?;
        let record = ClaimRecord {
            claim: Claim::Segment(self.signed),
            run: c.run,
            round: c.round,
            lock,
            status: ClaimStatus::Open,
            verified_at: None,
            accused_at: None,
            draw_at: None,
            audit: None,
            disputes: Vec::new(),
        };
        stage.state.claims.put(commitment, record);
        let (run, round, slot, trainer) = (c.run, c.round, c.slot, c.trainer);
        stage.say(Event::Committed { run, round, slot, trainer, commitment });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::CommitInvalid;
    use crate::amount::Amount;
    use crate::run::{AttestedPart, Phase};
    use crate::tests::fixture::{SPONSOR, World, commit, secret, terms};
    use crate::transaction::{Body, TransactionInvalid};
    use retrace_verifier::commitment::{Commitment, SignedCommitment};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::SignatureError;

    /// L-5.3: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let run = world.training();
        let (name, good) = world.commitment(&run, 0, 7);
        let (other, others) = world.commitment(&run, 1, 8);
        let change = |edit: fn(&mut Commitment)| {
            let mut commitment = good.commitment;
            edit(&mut commitment);
            SignedCommitment::new(commitment, &secret(name))
        };
        let mut forged = good;
        forged.signature = others.signature;
        let key = good.commitment.trainer;
        let rows = [
            (name, change(|c| c.run = Digest([9; 32])), CommitInvalid::UnknownRun),
            (name, change(|c| c.network = Digest([9; 32])), CommitInvalid::Network),
            (name, change(|c| c.round = 1), CommitInvalid::Round { found: 1 }),
            (name, change(|c| c.slot = 2), CommitInvalid::UnknownSlot { found: 2 }),
            (name, change(|c| c.slot = 1), CommitInvalid::NotAssigned),
            (other, good, CommitInvalid::Sender),
            (name, forged, CommitInvalid::Signature(SignatureError::Signature { key })),
        ];
        for (sender, signed, expected) in rows {
            let found = world.refusal(sender, commit(signed));
            assert_eq!(found, Some(TransactionInvalid::Commit(expected)));
        }
        world.play(name, commit(good));
        // A second one is refused, equal or not; the first keeps its slot.
        for again in [good, change(|c| c.mean_loss = 1)] {
            let found = world.refusal(name, commit(again));
            assert_eq!(found, Some(TransactionInvalid::Commit(CommitInvalid::Repeated)));
        }
        world.play(other, commit(others));
        world.attest_all(&[good, others].map(|signed| signed.commitment.id()), AttestedPart::Segment);
        assert!(matches!(world.phase(&run), Phase::Drawing(_)));
        let found = world.refusal(name, commit(good));
        assert_eq!(found, Some(TransactionInvalid::Commit(CommitInvalid::Round { found: 0 })));
    }

    /// L-5.2, L-5.3: after the deadline a round may still wait for validators, but not for another commitment.
    #[test]
    fn a_commitment_comes_in_time() {
        let mut world = World::new();
        let run = world.training();
        let (name, first) = world.commitment(&run, 0, 7);
        world.play(name, commit(first));
        let (name, second) = world.commitment(&run, 1, 8);
        // Opened at height 2, five heights to commit; the block that this goes into is the last one.
        world.wait(7 - 1 - world.height().0);
        assert_eq!(world.refusal(name, commit(second)), None);
        world.wait(1);
        let found = world.refusal(name, commit(second));
        assert_eq!(found, Some(TransactionInvalid::Commit(CommitInvalid::TooLate)));
    }

    /// L-5.3: one stake never backs two commitments.
    #[test]
    fn a_lock_backs_one_commitment() {
        let mut world = World::new();
        let mut dear = terms();
        dear.lock = Amount(30_000);
        let runs = [world.open(dear.clone()), world.open(dear)];
        world.wait(1);
        let (name, first) = world.commitment(&runs[0], 0, 7);
        world.play(name, commit(first));
        let slot = (0..2).find(|slot| world.commitment(&runs[1], *slot, 8).0 == name).unwrap();
        let (_, second) = world.commitment(&runs[1], slot, 8);
        let reason = CommitInvalid::FreeStake { free: Amount(20_000), needed: Amount(30_000) };
        assert_eq!(world.refusal(name, commit(second)), Some(TransactionInvalid::Commit(reason)));
        assert_eq!(world.refusal(SPONSOR, Body::Stake(crate::Stake { amount: Amount(1) })), None);
    }
}
