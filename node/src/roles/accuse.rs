//! How a verifier accuses: by the verdict that it was drawn for, or by a seal that it opens later (W-5.6, L-5.16).

use ed25519_dalek::SigningKey;
use retrace_ledger::{Amount, ClaimRecord, Height, HeldSeal, State, VerdictResult, challenge_seal};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};

/// What is due before a unit is disputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The accusation has no place yet: this seal keeps one.
    Seal(Digest),
    /// It has one: the dispute, with the salt that opens its seal; none where a verdict is the accusation.
    Dispute(Option<Digest>),
}

/// The salt of an accusation: nobody guesses it without the key, and a restart finds it again.
fn salt(key: &SigningKey, claim: &Digest, unit: Unit) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 seal salt");
    hasher.update(key.as_bytes()).update(&borsh::to_vec(&(claim, unit)).unwrap_or_default());
    Digest(*hasher.finalize().as_bytes())
}

/// What is due for an accusation without a verdict of a drawn verifier, in a block of height `next`.
pub(super) fn sealed(held: &[HeldSeal], next: Height, key: &SigningKey, claim: &Digest, unit: Unit) -> Step {
    let salt = salt(key, claim, unit);
    let seal = challenge_seal(claim, unit, &peer_key(key), &salt);
    match held.iter().any(|held| held.seal == seal && !held.is_stale(next)) {
        true => Step::Dispute(Some(salt)),
        false => Step::Seal(seal),
    }
}

/// The first of these units that a verifier found wrong, and whether it was drawn for it.
pub(super) fn wrong(state: &State, peer: &PeerKey, claim: &Digest, units: &[Unit]) -> Option<(Unit, bool)> {
    units.iter().find_map(|unit| {
        let verdict = state.verdicts_of(claim, *unit).iter().find(|verdict| verdict.verifier == *peer)?;
        (verdict.result == VerdictResult::Mismatch).then_some((*unit, verdict.drawn))
    })
}

/// The first of these units that this key found wrong, and what is due for it. None while a dispute of its own over that
/// unit has not ended; those of others may be staged, and are no reason to keep still. None without a free bond.
pub(super) fn due(
    state: &State,
    key: &SigningKey,
    claim: &Digest,
    record: &ClaimRecord,
    units: &[Unit],
) -> Option<(Unit, Step)> {
    let peer = peer_key(key);
    let (unit, is_drawn) = wrong(state, &peer, claim, units)?;
    let is_own = |id| state.dispute(id).is_some_and(|d| d.challenger == peer && d.unit == unit);
    if record.disputes.iter().any(is_own) {
        return None;
    }
    let bond = state.run(&record.run)?.terms.challenge_bond;
    let free = state.account(&peer).map_or(Amount::ZERO, |account| account.free_stake());
    if free < bond {
        return None;
    }
    let next = state.now().ok()?.moment().height.after(1);
    Some((
        unit,
        if is_drawn { Step::Dispute(None) } else { sealed(state.seals(&peer), next, key, claim, unit) },
    ))
}

#[cfg(test)]
mod tests {
    use super::{Step, salt, sealed};
    use ed25519_dalek::SigningKey;
    use retrace_ledger::{Height, HeldSeal, challenge_seal};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::peer_key;

    const CLAIM: Digest = Digest([1; 32]);

    /// W-5.6: a seal first, the dispute that opens it next, from the key alone; one that is too old is made again.
    #[test]
    fn a_seal_comes_first_and_is_found_again() {
        let (key, unit) = (SigningKey::from_bytes(&[7; 32]), Unit::Step(3));
        let due = |held: &[HeldSeal], next| sealed(held, Height(next), &key, &CLAIM, unit);
        let Step::Seal(seal) = due(&[], 10) else { panic!("nothing is sealed yet") };
        let held = [HeldSeal { seal, at: Height(10) }];
        let Step::Dispute(Some(salt)) = due(&held, 11) else { panic!("it is sealed") };
        assert_eq!(challenge_seal(&CLAIM, unit, &peer_key(&key), &salt), seal, "the salt opens it");
        assert!(matches!(due(&held, 266), Step::Dispute(Some(_))));
        assert_eq!(due(&held, 267), Step::Seal(seal));
        let other = sealed(&held, Height(11), &key, &CLAIM, Unit::Step(4));
        assert!(matches!(other, Step::Seal(other) if other != seal), "a seal is of one unit");
    }

    /// W-5.6: the salt is of one key, claim and unit.
    #[test]
    fn a_salt_is_a_secret_of_its_key() {
        let key = |n: u8| SigningKey::from_bytes(&[n; 32]);
        let found = salt(&key(7), &CLAIM, Unit::Loss);
        assert_eq!(found, salt(&key(7), &CLAIM, Unit::Loss));
        let others = [
            salt(&key(8), &CLAIM, Unit::Loss),
            salt(&key(7), &Digest([2; 32]), Unit::Loss),
            salt(&key(7), &CLAIM, Unit::Delta),
        ];
        assert!(others.iter().all(|other| *other != found));
    }
}
