//! Validators: who they are, whose turn it is, what they sign, and what makes a block final.

use super::fixture::{
    AUDITOR, VALIDATOR, World, certify, genesis, genesis_of, key, precommit, registered, validator,
};
use crate::limits::{CERTIFICATE_BYTES_MAX, VALIDATORS_MAX, VOTE_BYTES_MAX};
use crate::{
    Amount, BlockError, BlockInvalid, Certificate, CertificateInvalid, CommitSignature, Event, Height, Role,
    Signable, Signed, State, Turns, Unchecked, Vote, VoteKind, decode, encode,
};
use proptest::prelude::*;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError};

const FOUR: [(u8, u64); 4] = [(101, 10_000), (102, 10_000), (103, 10_000), (104, 10_000)];
const NAMES: [u8; 4] = [101, 102, 103, 104];

fn four() -> World {
    World::of(genesis_of(&FOUR))
}

/// L-9.1: a role, keys that are old enough and stake make a validator; 100 at most, those with the most stake.
#[test]
fn who_is_a_validator() {
    let world = World::of(genesis_of(&[(101, 10_000), (102, 20_000)]));
    let set = world.chain.validators();
    assert_eq!((set.height(), set.len(), set.total_power(), set.is_empty()), (Height(1), 2, 30_000, false));
    let found = set.by_consensus(&validator(102).consensus()).unwrap();
    assert_eq!((found.account, found.node, found.power), (key(102), [102; 32], 20_000));
    assert_eq!(found.vrf, validator(102).vrf.key());
    assert_eq!(set.by_consensus(&key(102)), None);

    let with = |edit: &dyn Fn(&mut crate::Account)| {
        let mut state = world.chain.state().clone();
        state.accounts.change(&key(101), |account| edit(account)).unwrap();
        state.validators().iter().any(|validator| validator.account == key(101))
    };
    assert!(with(&|_| {}));
    assert!(!with(&|account| account.role = Role::Verifier));
    assert!(!with(&|account| account.registered = None));
    assert!(!with(&|account| account.bonded = Amount(0)));
    assert!(!with(&|account| account.since = Height(1)), "keys made in block 1 count from height 9 on");

    let many: Vec<(u8, u64)> = (120..=250).map(|name| (name, 1_000 + u64::from(name))).collect();
    let set = State::genesis(&genesis_of(&many)).unwrap().validators();
    assert_eq!(set.len(), VALIDATORS_MAX);
    assert!(set.iter().all(|validator| validator.power > 1_150));
}

/// L-9.1: keys that are registered at a height are in force `key_delay` heights later.
#[test]
fn keys_grow_old() {
    let mut account = *World::new().chain.state().account(&key(VALIDATOR)).unwrap();
    let params = genesis().params;
    let mut at = |since, height| {
        account.since = Height(since);
        account.is_in_force(&params, Height(height))
    };
    assert!(at(0, 1) && at(0, 0));
    assert!(!at(3, 3) && !at(3, 10) && at(3, 11));
    assert!(!at(u64::MAX, 11));
}

/// L-9.2: the order is a permutation that follows the beacon of two heights before, and every round has a proposer.
#[test]
fn the_order_follows_the_beacon() {
    let mut world = four();
    let mut orders = Vec::new();
    for _ in 0..6 {
        let set = world.chain.validators();
        let names = world.validators();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(sorted, NAMES);
        for round in 0..9u32 {
            assert_eq!(set.proposer(round).unwrap().account, key(names[round as usize % 4]));
        }
        let now = *world.chain.state().now().unwrap();
        orders.push(names);
        world.wait(1);
        assert_eq!(world.chain.state().now().unwrap().beacon_before, now.beacon);
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 3, "{orders:?}");
}

/// L-9.2: the first place goes by stake: three quarters of it to three quarters of the stake.
#[test]
fn the_first_place_goes_by_stake() {
    let mut state = State::genesis(&genesis_of(&[(101, 3_000_000), (102, 1_000_000)])).unwrap();
    let mut firsts = 0;
    for n in 0..2_000u32 {
        let beacon_before = *blake3::hash(&n.to_le_bytes()).as_bytes();
        state.now.change(&(), |now| now.beacon_before = beacon_before).unwrap();
        firsts += u32::from(state.validators().proposer(0).unwrap().account == key(101));
    }
    assert!((1_420..1_580).contains(&firsts), "{firsts} of 2000");
}

/// L-9.3: whoever stood before the proposer stands at the end for a while; who proposes is there again.
#[test]
fn the_absent_come_last() {
    let mut world = four();
    world.wait(2);
    let order = world.validators();
    let (height, time_ms) = (world.height().after(1), world.time_ms + 1_000);
    let proposal = world.chain.propose(&validator(order[2]), time_ms, vec![]).unwrap();
    let events = world.apply(&proposal.block);
    let passed = |name, absent_until| Event::PassedOver { validator: key(name), absent_until };
    assert_eq!(events, [passed(order[0], height.after(8)), passed(order[1], height.after(8))]);
    assert_eq!(world.chain.events(height).unwrap(), events);
    for _ in 0..8 {
        let names = world.validators();
        assert!(names[2..].contains(&order[0]) && names[2..].contains(&order[1]), "{names:?}");
        world.wait(1);
    }
    let absent = world.chain.state().turns(&key(order[0]));
    assert_eq!(absent, Turns { absent_until: height.after(8), misses: 1 });
    // Twice missed is longer; proposing ends it.
    let end = world.validators();
    let proposal = world.chain.propose(&validator(end[3]), world.time_ms + 1_000, vec![]).unwrap();
    let at = world.height().after(1);
    world.apply(&proposal.block);
    let turns = |world: &World, name| world.chain.state().turns(&key(name));
    let misses = |name| 1 + u32::from(order[..2].contains(&name));
    for name in &end[..3] {
        let heights = 8 << (misses(*name) - 1);
        assert_eq!(turns(&world, *name), Turns { absent_until: at.after(heights), misses: misses(*name) });
    }
    assert_eq!(turns(&world, end[3]), Turns::default());
    let last = world.validators()[3];
    let proposal = world.chain.propose(&validator(last), world.time_ms + 1_000, vec![]).unwrap();
    world.apply(&proposal.block);
    assert_eq!(turns(&world, last), Turns::default());
}

/// L-3.1: the beacon's proof must be of the validator that the header names.
#[test]
fn the_proof_is_the_proposers() {
    let mut world = four();
    let mut secrets = validator(101);
    secrets.vrf = validator(102).vrf;
    let proposal = world.chain.propose(&secrets, world.time_ms + 1_000, vec![]).unwrap();
    assert_eq!(world.chain.check(&proposal.block), Err(BlockError::Invalid(BlockInvalid::Proof)));
    let found = world.chain.propose(&validator(AUDITOR), world.time_ms + 1_000, vec![]).err();
    assert_eq!(found, Some(BlockError::Invalid(BlockInvalid::Proposer)));
}

/// L-9.5, L-8.1: each reason for refusing a certificate, in the order of the checks; a row is wrong in later ways too.
#[test]
fn each_reason_has_a_row() {
    let mut world = four();
    world.wait(1);
    let block = world.propose(vec![]).block;
    let good = certify(&block, &NAMES);
    let known = validator(101).consensus();
    let stranger = precommit(world.chain.network(), Height(2), block.id(), AUDITOR);
    let with = |edit: &dyn Fn(&mut Certificate)| {
        let mut certificate = good.clone();
        edit(&mut certificate);
        certificate
    };
    let unsigned = CommitSignature { validator: known, signature: Signature([0; 64]) };
    let one_stranger = with(&|c| {
        c.signatures = vec![unsigned, stranger];
        c.signatures.sort_by_key(|signed| signed.validator);
    });
    let bad = CertificateInvalid::Signature(SignatureError::Signature { key: known });
    let rows = [
        (
            with(&|c| (c.height, c.block) = (Height(3), Digest([7; 32]))),
            CertificateInvalid::Height { expected: Height(2), found: Height(3) },
        ),
        (with(&|c| (c.block, c.signatures) = (Digest([7; 32]), vec![])), CertificateInvalid::Block),
        (with(&|c| c.signatures.swap(1, 2)), CertificateInvalid::Order { position: 2 }),
        (with(&|c| c.signatures[1] = c.signatures[0]), CertificateInvalid::Order { position: 1 }),
        (one_stranger, CertificateInvalid::UnknownValidator { validator: stranger.validator }),
        (with(&|c| c.signatures = vec![unsigned]), bad),
        (with(&|c| c.round = 1), signature_of(&good, 0)),
        (certify(&block, &NAMES[..2]), CertificateInvalid::Power { found: 20_000, total: 40_000 }),
        (certify(&block, &[]), CertificateInvalid::Power { found: 0, total: 40_000 }),
    ];
    let head = world.chain.head();
    for (certificate, expected) in rows {
        let found = world.chain.apply(&block, &certificate);
        assert_eq!(found, Err(BlockError::Invalid(BlockInvalid::Certificate(expected))));
        assert_eq!((world.chain.head(), world.chain.certificate(Height(2)).unwrap()), (head, None));
    }
    let three = certify(&block, &NAMES[..3]);
    assert_eq!(three.check(&world.chain.network(), &world.chain.validators()), Ok(()));
    world.chain.apply(&block, &three).unwrap();
    assert_eq!(world.chain.certificate(Height(2)), Ok(Some(three)));
}

fn signature_of(certificate: &Certificate, position: usize) -> CertificateInvalid {
    let key = certificate.signatures[position].validator;
    CertificateInvalid::Signature(SignatureError::Signature { key })
}

/// L-9.5: exactly two thirds are not enough, one more is.
#[test]
fn more_than_two_thirds() {
    for (third, is_enough) in [(10_000, false), (9_999, true), (10_001, false)] {
        let mut world = World::of(genesis_of(&[(101, 10_000), (102, 10_000), (103, third)]));
        let block = world.propose(vec![]).block;
        let certificate = certify(&block, &[101, 102]);
        let found = certificate.check(&world.chain.network(), &world.chain.validators());
        assert_eq!(found.is_ok(), is_enough, "{third}: {found:?}");
    }
}

/// L-9.4: a vote binds network, height, round, kind, block and validator.
#[test]
fn a_vote_binds_everything() {
    let secrets = validator(101);
    let (network, block) = (Digest([1; 32]), Some(Digest([2; 32])));
    let (kind, consensus) = (VoteKind::Prevote, secrets.consensus());
    let vote = Vote { network, height: Height(7), round: 2, kind, block, validator: consensus };
    let wire = *Signed::sign(vote, &secrets.signing).unwrap().wire();
    assert!(Signed::check(wire).is_ok());
    let edits: [fn(&mut Vote); 6] = [
        |vote| vote.network = Digest([3; 32]),
        |vote| vote.height = Height(8),
        |vote| vote.round = 3,
        |vote| vote.kind = VoteKind::Precommit,
        |vote| vote.block = None,
        |vote| vote.validator = validator(102).consensus(),
    ];
    for edit in edits {
        let mut changed = wire;
        edit(&mut changed.body);
        assert!(Signed::check(changed).is_err());
        assert_ne!(changed.body.id(), vote.id());
    }
}

/// L-2.1, L-9.1: an empty set proposes nothing and certifies nothing.
#[test]
fn an_empty_set() {
    let mut state = State::genesis(&genesis()).unwrap();
    state.accounts.change(&key(VALIDATOR), |account| account.bonded = Amount(0)).unwrap();
    let set = state.validators();
    assert_eq!((set.is_empty(), set.proposer(0), set.total_power()), (true, None, 0));
    let certificate = Certificate { height: Height(1), round: 0, block: Digest([1; 32]), signatures: vec![] };
    let found = certificate.check(&state.network(), &set);
    assert_eq!(found, Err(CertificateInvalid::Power { found: 0, total: 0 }));
    assert!(registered(VALIDATOR).has_usable_consensus_key());
}

fn any_vote() -> impl Strategy<Value = Unchecked<Vote>> {
    let block = proptest::option::of(any::<[u8; 32]>());
    let kind = prop_oneof![Just(VoteKind::Prevote), Just(VoteKind::Precommit)];
    (any::<([u8; 32], u64, u32, [u8; 32], [u8; 64])>(), block, kind).prop_map(|(parts, block, kind)| {
        let (network, height, round, validator, signature) = parts;
        let (network, validator) = (Digest(network), PeerKey(validator));
        let body = Vote { network, height: Height(height), round, kind, block: block.map(Digest), validator };
        Unchecked { body, signature: Signature(signature) }
    })
}

fn any_certificate() -> impl Strategy<Value = Certificate> {
    let signatures = proptest::collection::vec(any::<([u8; 32], [u8; 64])>(), 0..=VALIDATORS_MAX);
    (any::<(u64, u32, [u8; 32])>(), signatures).prop_map(|((height, round, block), signatures)| {
        let signed = |(validator, signature)| CommitSignature {
            validator: PeerKey(validator),
            signature: Signature(signature),
        };
        let signatures = signatures.into_iter().map(signed).collect();
        Certificate { height: Height(height), round, block: Digest(block), signatures }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// L-1.1, L-1.2: votes and certificates come back as they were, within their limits; a cut one is refused.
    #[test]
    fn votes_and_certificates_travel(vote in any_vote(), certificate in any_certificate(), cut in any::<u16>()) {
        let bytes = encode(&vote);
        prop_assert_eq!(decode(&bytes, VOTE_BYTES_MAX), Ok(vote));
        let cut_to = usize::from(cut) % bytes.len();
        prop_assert!(decode::<Unchecked<Vote>>(&bytes[..cut_to], VOTE_BYTES_MAX).is_err());
        let bytes = encode(&certificate);
        prop_assert_eq!(&decode::<Certificate>(&bytes, CERTIFICATE_BYTES_MAX), &Ok(certificate));
        let cut_to = usize::from(cut) % bytes.len();
        prop_assert!(decode::<Certificate>(&bytes[..cut_to], CERTIFICATE_BYTES_MAX).is_err());
    }

    /// L-1.1: any bytes are refused, or are exactly the encoding of what they decode to.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(vote) = decode::<Unchecked<Vote>>(&bytes, VOTE_BYTES_MAX) {
            prop_assert_eq!(encode(&vote), bytes.clone());
        }
        if let Ok(certificate) = decode::<Certificate>(&bytes, CERTIFICATE_BYTES_MAX) {
            prop_assert_eq!(encode(&certificate), bytes);
        }
    }

    /// L-9.5: no subset of the signers passes with two thirds of the power or less, or fails with more.
    #[test]
    fn any_subset(powers in proptest::collection::vec(1u64..50, 1..6), chosen in any::<[bool; 6]>()) {
        let validators: Vec<(u8, u64)> = (101..).zip(powers.iter().copied()).collect();
        let mut world = World::of(genesis_of(&validators));
        let block = world.propose(vec![]).block;
        let signers: Vec<(u8, u64)> =
            validators.iter().zip(chosen).filter(|(_, is_in)| *is_in).map(|(one, _)| *one).collect();
        let names: Vec<u8> = signers.iter().map(|(name, _)| *name).collect();
        let power: u64 = signers.iter().map(|(_, power)| power).sum();
        let found = certify(&block, &names).check(&world.chain.network(), &world.chain.validators());
        prop_assert_eq!(found.is_ok(), power * 3 > powers.iter().sum::<u64>() * 2);
    }
}
