//! `seal`: somebody will dispute something, and says later what (L-5.16).

use crate::amount::Height;
use crate::event::Event;
use crate::fault::Fault;
use crate::limits::{SEAL_HEIGHTS, SEALS_MAX};
use crate::stage::{Origin, Stage};
use crate::state::State;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, message};

/// The signer keeps a place for an accusation that it does not name yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Seal {
    /// What [`challenge_seal`] gives.
    pub seal: Digest,
}

/// A seal that its account may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeldSeal {
    /// The seal.
    pub seal: Digest,
    /// Height of its block.
    pub at: Height,
}

/// The seal of an accusation: it binds claim, unit and challenger, and tells nothing without the salt.
pub fn challenge_seal(claim: &Digest, unit: Unit, challenger: &PeerKey, salt: &Digest) -> Digest {
    Digest(message("retrace v1 seal", &(claim, unit, challenger, salt)))
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealInvalid {
    /// The account holds the same one.
    #[error("the account holds this seal")]
    Repeated,
    /// As many as an account may hold.
    #[error("the account holds {SEALS_MAX} seals that can still be opened")]
    Full,
}

impl HeldSeal {
    /// True when it is too old to be opened at a height.
    pub fn is_stale(&self, height: Height) -> bool {
        self.at.after(SEAL_HEIGHTS) < height
    }
}

impl Seal {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), SealInvalid> {
        let held = fresh(stage.state, &from.signer, stage.now.height);
        if held.iter().any(|held| held.seal == self.seal) {
            return Err(SealInvalid::Repeated);
        }
        if held.len() >= SEALS_MAX { Err(SealInvalid::Full) } else { Ok(()) }
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        let (peer, seal, at) = (from.signer, self.seal, stage.now.height);
        let mut held = fresh(stage.state, &peer, at);
        held.push(HeldSeal { seal, at });
        stage.state.seals.put(peer, held);
        stage.say(Event::Sealed { peer, seal });
        Ok(())
    }
}

/// Seals of an account that can be opened at a height or later: the others make room.
fn fresh(state: &State, peer: &PeerKey, height: Height) -> Vec<HeldSeal> {
    state.seals(peer).iter().filter(|held| !held.is_stale(height)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::{Seal, SealInvalid, challenge_seal};
    use crate::limits::{SEAL_HEIGHTS, SEALS_MAX};
    use crate::tests::fixture::{AUDITOR, SPONSOR, World, key};
    use crate::transaction::{Body, TransactionInvalid};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;

    fn seal(n: u8) -> Body {
        Body::Seal(Seal { seal: Digest([n; 32]) })
    }

    /// L-5.16, L-1.2: each reason, in the order of the checks; a row is bounded, and old seals make room.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        for n in 1..=SEALS_MAX as u8 {
            world.play(AUDITOR, seal(n));
        }
        let rows = [(seal(1), SealInvalid::Repeated), (seal(99), SealInvalid::Full)];
        for (body, expected) in rows {
            assert_eq!(world.refusal(AUDITOR, body), Some(TransactionInvalid::Seal(expected)));
        }
        // Another account has its own, and may even hold the same bytes: they open for one challenger only.
        world.play(SPONSOR, seal(1));
        // The first one was sealed in block 1.
        world.wait(SEAL_HEIGHTS - world.height().0);
        assert_eq!(world.height().0, SEAL_HEIGHTS);
        let full = Some(TransactionInvalid::Seal(SealInvalid::Full));
        assert_eq!(world.refusal(AUDITOR, seal(99)), full, "at height 257 it can just be opened");
        world.wait(1);
        world.play(AUDITOR, seal(99));
        let held = world.chain.state().seals(&key(AUDITOR));
        assert_eq!((held.len(), held[0].seal), (SEALS_MAX, Digest([2; 32])));
    }

    /// L-5.16: a seal is of one claim, unit, challenger and salt.
    #[test]
    fn a_seal_binds_everything() {
        let (claim, salt) = (Digest([1; 32]), Digest([2; 32]));
        let seal = challenge_seal(&claim, Unit::Loss, &key(AUDITOR), &salt);
        let others = [
            challenge_seal(&salt, Unit::Loss, &key(AUDITOR), &salt),
            challenge_seal(&claim, Unit::Delta, &key(AUDITOR), &salt),
            challenge_seal(&claim, Unit::Loss, &key(SPONSOR), &salt),
            challenge_seal(&claim, Unit::Loss, &key(AUDITOR), &claim),
        ];
        assert!(others.iter().all(|other| *other != seal));
    }
}
