//! `delegate`: an account's moves may be signed by another key, or no longer by that one (L-2.9, V-3.8).

use crate::event::Event;
use crate::keys::is_usable_key;
use crate::stage::Stage;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::signature::SignatureError;

/// Anyone carries an account's signed delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delegate {
    /// The delegation.
    pub signed: SignedDelegation,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegateInvalid {
    /// Another network's.
    #[error("the delegation is another network's")]
    Network,
    /// Nobody has this key.
    #[error("the delegation's account does not exist")]
    UnknownAccount,
    /// An old one, or the one that counts.
    #[error("serial {found} is not above {standing}")]
    Serial {
        /// The serial of the one that counts; 0 if there is none.
        standing: u64,
        /// The delegation's.
        found: u64,
    },
    /// Nobody could ever sign with it.
    #[error("the defense key is no usable Ed25519 key")]
    Key,
    /// The account did not sign it.
    #[error("delegation: {0}")]
    Signature(SignatureError),
}

impl Delegate {
    pub(super) fn check(&self, stage: &Stage<'_>) -> Result<(), DelegateInvalid> {
        let delegation = self.signed.delegation;
        if delegation.network != stage.state.network() {
            return Err(DelegateInvalid::Network);
        }
        if stage.state.accounts.get(&delegation.account).is_none() {
            return Err(DelegateInvalid::UnknownAccount);
        }
        let standing = stage.state.delegation(&delegation.account).map_or(0, |d| d.delegation.serial);
        if delegation.serial <= standing {
            return Err(DelegateInvalid::Serial { standing, found: delegation.serial });
        }
        if delegation.defense_key().is_some_and(|key| !is_usable_key(&key)) {
            return Err(DelegateInvalid::Key);
        }
        self.signed.check().map_err(DelegateInvalid::Signature)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>) {
        let signed = self.signed;
        stage.state.delegations.put(signed.delegation.account, signed);
        stage.say(Event::Delegated { signed });
    }
}

#[cfg(test)]
mod tests {
    use super::{Delegate, DelegateInvalid};
    use crate::tests::fixture::{AUDITOR, NOBODY, SPONSOR, TRAINERS, World, key, secret};
    use crate::transaction::{Body, Play, PlayInvalid, TransactionInvalid};
    use crate::{Event, StateKey, decode, encode, verify};
    use retrace_verifier::delegation::{Delegation, SignedDelegation};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::docket::Opening;
    use retrace_verifier::game::Target;
    use retrace_verifier::signature::{PeerKey, Signature, SignatureError};
    use retrace_verifier::{Move, Refusal, Side, SignedMove, Unit};

    fn signed(world: &World, name: u8, key: PeerKey, serial: u64) -> SignedDelegation {
        let (network, account) = (world.chain.network(), crate::tests::fixture::key(name));
        SignedDelegation::new(Delegation { network, account, key, serial }, &secret(name))
    }

    fn body(signed: SignedDelegation) -> Body {
        Body::Delegate(Delegate { signed })
    }

    /// L-2.9, V-3.8: each reason, in the order of the checks; anyone carries it, the newest counts, zero revokes.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let trainer = TRAINERS[0];
        world.play(SPONSOR, body(signed(&world, trainer, key(NOBODY), 5)));
        assert_eq!(world.chain.state().defense_key(&key(trainer)), Some(key(NOBODY)));
        let with_y = |y: u8| PeerKey(std::array::from_fn(|at| if at == 0 { y } else { 0 }));
        let is_no_point = |key: &PeerKey| ed25519_dalek::VerifyingKey::from_bytes(&key.0).is_err();
        let (identity, no_point) = (with_y(1), (2..20).map(with_y).find(is_no_point).unwrap());
        let mut foreign = signed(&world, NOBODY, identity, 5);
        foreign.delegation.network = Digest([7; 32]);
        let mut unsigned = signed(&world, trainer, key(AUDITOR), 6);
        unsigned.signature = Signature([0; 64]);
        let mut others = signed(&world, trainer, key(AUDITOR), 6);
        others.signature = SignedDelegation::new(others.delegation, &secret(AUDITOR)).signature;
        let forged = SignatureError::Signature { key: key(trainer) };
        let serial = |found| DelegateInvalid::Serial { standing: 5, found };
        let rows = [
            (foreign, DelegateInvalid::Network),
            (signed(&world, NOBODY, identity, 0), DelegateInvalid::UnknownAccount),
            (signed(&world, trainer, identity, 0), serial(0)),
            (signed(&world, trainer, key(AUDITOR), 5), serial(5)),
            (signed(&world, SPONSOR, Delegation::NONE, 0), DelegateInvalid::Serial { standing: 0, found: 0 }),
            (signed(&world, trainer, identity, 6), DelegateInvalid::Key),
            (signed(&world, trainer, no_point, 6), DelegateInvalid::Key),
            (unsigned, DelegateInvalid::Signature(forged)),
            (others, DelegateInvalid::Signature(forged)),
        ];
        for (at, (signed, expected)) in rows.into_iter().enumerate() {
            let found = world.refusal(AUDITOR, body(signed));
            assert_eq!(found, Some(TransactionInvalid::Delegate(expected)), "row {at}");
        }
        let revoked = signed(&world, trainer, Delegation::NONE, u64::MAX);
        let events = world.play(AUDITOR, body(revoked));
        assert_eq!(events, [Event::Delegated { signed: revoked }]);
        assert_eq!(world.chain.state().defense_key(&key(trainer)), None);
        assert_eq!(world.chain.state().delegation(&key(trainer)), Some(&revoked));
        let again = signed(&world, trainer, key(NOBODY), u64::MAX);
        let serial = DelegateInvalid::Serial { standing: u64::MAX, found: u64::MAX };
        assert_eq!(world.refusal(trainer, body(again)), Some(TransactionInvalid::Delegate(serial)));
    }

    /// L-2.9: in whatever order they come, the one with the highest serial that came counts.
    #[test]
    fn the_highest_serial_counts() {
        let mut world = World::new();
        let (mut highest, mut draw) = (0, 0x5EED_u64);
        for _ in 0..60 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (serial, key) = ((draw >> 33) % 40, key(200 + (draw >> 60) as u8));
            let body = body(signed(&world, SPONSOR, key, serial));
            let refused = world.refusal(AUDITOR, body.clone());
            assert_eq!(refused.is_none(), serial > highest, "{serial} after {highest}");
            if serial > highest {
                world.play(AUDITOR, body);
                highest = serial;
                assert_eq!(world.chain.state().defense_key(&crate::tests::fixture::key(SPONSOR)), Some(key));
            }
        }
        assert!(highest > 20);
    }

    /// L-2.9, L-7.1, L-7.3: the row is under the state root, one an account, and a light client can prove it.
    #[test]
    fn the_row_is_proved() {
        let mut world = World::new();
        let (first, second) =
            (signed(&world, SPONSOR, key(NOBODY), 1), signed(&world, SPONSOR, key(AUDITOR), 2));
        world.play(AUDITOR, body(first));
        world.play(SPONSOR, body(second));
        let row = StateKey::Delegation(key(SPONSOR));
        let value = world.chain.state().value(&row).unwrap();
        assert_eq!(decode(&value, 1_000), Ok(second));
        let (root, proof) = (world.chain.head().state_root, world.chain.prove(&row).unwrap());
        assert_eq!(verify(&root, &row, Some(&value), &proof), Ok(()));
        assert!(verify(&root, &row, Some(&encode(&first)), &proof).is_err());
    }

    /// L-5.9, V-4.2: a move by the key that counts is played, through anybody; by an older, a revoked or another
    /// side's it is not.
    #[test]
    fn moves_by_defense_keys() {
        let mut world = World::new();
        let (_, ids) = world.audited();
        let open = world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
        let signer = world.chain.state().claim(&ids[0]).unwrap().signer();
        let accused = TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap();
        let play = |name: u8, number, side, body| {
            let signed = SignedMove::new(&secret(name), open, number, side, body);
            Body::Play(Box::new(Play { signed }))
        };
        let trace = |name| play(name, 0, Side::Accused, Move::Trace(Digest([5; 32])));
        let target = |name| play(name, 1, Side::Challenger, Move::Target(Target::Ops));
        let refused = |world: &mut World, move_: Body, own: PeerKey| {
            let refusal = Refusal::Signature(SignatureError::Signature { key: own });
            let expected = Some(TransactionInvalid::Play(PlayInvalid::Refused(refusal)));
            assert_eq!(world.refusal(SPONSOR, move_), expected);
        };
        refused(&mut world, trace(201), signer);
        world.play(SPONSOR, body(signed(&world, accused, key(201), 1)));
        world.play(SPONSOR, body(signed(&world, accused, key(202), 2)));
        world.play(SPONSOR, body(signed(&world, AUDITOR, key(203), 1)));
        refused(&mut world, trace(201), signer);
        refused(&mut world, trace(203), signer);
        refused(&mut world, trace(AUDITOR), signer);
        world.play(SPONSOR, trace(202));
        refused(&mut world, target(202), key(AUDITOR));
        world.play(SPONSOR, body(signed(&world, AUDITOR, Delegation::NONE, 2)));
        refused(&mut world, target(203), key(AUDITOR));
        world.play(SPONSOR, target(AUDITOR));
        assert_eq!(world.chain.state().game(&open).unwrap().number(), 2);
    }
}
