//! Defense keys: moves signed by another key than the side's own, with the delegation that allows it.

use crate::table::settle;
use crate::world::{NETWORK, Rng, SigningKey, World, key};
use retrace_verifier::delegation::{Delegation, SignedDelegation};
use retrace_verifier::digest::Digest;
use retrace_verifier::evidence::{
    Bundle, DELEGATIONS_MAX, DelegationInvalid, Disproven, Kind, Unreadable, judge, read,
};
use retrace_verifier::lab::Lie;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError, peer_key};
use retrace_verifier::{Game, Move, Player, Refusal, ResumeError, Side, SignedMove, Unit};
use std::sync::Arc;

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn delegation(side: Side, defender: PeerKey, serial: u64) -> SignedDelegation {
    let account = peer_key(&key(side));
    SignedDelegation::new(Delegation { network: NETWORK, account, key: defender, serial }, &key(side))
}

/// A lie in the loss, played.
fn small(world: &World) -> Bundle {
    let lie = Lie { unit: Unit::Loss, row: 1, element: 0, mask: 1 };
    settle(world, &world.case(lie.unit, &lie)).bundle()
}

/// The same moves, those of a side signed by another key.
fn signed_by(bundle: &Bundle, side: Side, by: &SigningKey) -> Vec<SignedMove> {
    let sign = |m: &SignedMove| SignedMove::new(by, m.dispute, m.number, m.side, m.body.clone());
    bundle.moves.iter().map(|m| if m.side == side { sign(m) } else { m.clone() }).collect()
}

/// A bundle in which both sides have defense keys, and what was delegated.
fn defended(bundle: &Bundle) -> Bundle {
    let (mine, theirs) = (secret(51), secret(52));
    let known = [
        delegation(Side::Challenger, peer_key(&theirs), 9),
        delegation(Side::Accused, peer_key(&secret(53)), 1),
        delegation(Side::Accused, peer_key(&mine), 2),
    ];
    let moves = signed_by(bundle, Side::Accused, &mine);
    let moves = signed_by(&Bundle { moves, ..bundle.clone() }, Side::Challenger, &theirs);
    Bundle::defended(bundle.docket.clone(), moves, &known)
}

/// V-3.8, V-4.2, V-6.2: a bundle of moves by defense keys is proven, and carries the delegations that it needs only.
#[test]
fn moves_by_a_defense_key_are_proof() {
    let bundle = small(&World::new());
    assert_eq!(judge(&bundle).unwrap().delegations, []);
    let found = defended(&bundle);
    assert_eq!(found.delegations.len(), 2, "that of a key that signed nothing is left out");
    let bytes = borsh::to_vec(&found).unwrap();
    assert_eq!(Kind::of(&bytes), Ok(Kind::Arithmetic));
    let proven = judge(&read(&bytes).unwrap()).unwrap();
    let keys: Vec<PeerKey> = proven.delegations.iter().map(|d| d.key).collect();
    assert!(keys.contains(&peer_key(&secret(51))) && keys.contains(&peer_key(&secret(52))));
    assert_eq!(proven.accused, bundle.docket.claim.signer());
    assert_eq!(proven.finding, judge(&bundle).unwrap().finding);
    // A game takes no key that nobody vouches for, and says whose signature is missing.
    let mut game = Game::open(bundle.docket.clone()).unwrap();
    let missing = SignatureError::Signature { key: bundle.docket.claim.signer() };
    let first = &found.moves[0];
    assert_eq!(game.play(first), Err(Refusal::Signature(missing)));
    assert_eq!(game.play_by(first, &[peer_key(&secret(52))]), Err(Refusal::Signature(missing)));
    let keys = [peer_key(&secret(52)), peer_key(&secret(51))];
    assert_eq!(game.play_by(first, &keys), Ok(keys[1]));
}

/// V-4.7, V-3.8: a player comes back to a game whose moves a defense key signed, if somebody vouches for the key.
#[test]
fn a_player_resumes_behind_a_defense_key() {
    let world = World::new();
    let lie = Lie { unit: Unit::Loss, row: 1, element: 0, mask: 1 };
    let case = world.case(lie.unit, &lie);
    let moves = defended(&settle(&world, &case).bundle()).moves[..4].to_vec();
    let keys = [51, 52].map(|seed| peer_key(&secret(seed)));
    let mut game = Game::open(case.docket.clone()).unwrap();
    moves.iter().for_each(|m| assert!(game.play_by(m, &keys).is_ok()));
    let resume = |keys: &[PeerKey]| {
        let (trace, shards) = (case.honest.clone(), Arc::clone(&world.shards));
        Player::resume_by(Side::Challenger, trace, shards, &game, &moves, keys).map(|player| player.side())
    };
    assert_eq!(resume(&keys), Ok(Side::Challenger));
    assert!(matches!(resume(&[]), Err(ResumeError::Refused { number: 0, .. })));
}

/// V-6.2, V-3.8: every delegation that does not belong is refused by name.
#[test]
fn hostile_delegations_are_refused_by_name() {
    let good = defended(&small(&World::new()));
    assert!(judge(&good).is_ok());
    let at = good.delegations.iter().position(|d| d.delegation.account == peer_key(&key(Side::Accused)));
    let at = at.unwrap();
    let mine = peer_key(&secret(51));
    let with = |signed: SignedDelegation| {
        let mut bundle = good.clone();
        bundle.delegations[at] = signed;
        judge(&bundle).unwrap_err()
    };
    let refused = |reason| Disproven::Delegation { position: at, reason };
    let is_move = |found: Disproven| assert!(matches!(found, Disproven::Move { number: 0, .. }), "{found}");
    // Of another network.
    let mut foreign = good.delegations[at].delegation;
    foreign.network = Digest([7; 32]);
    assert_eq!(
        with(SignedDelegation::new(foreign, &key(Side::Accused))),
        refused(DelegationInvalid::Network)
    );
    // Not signed, or by somebody else than the account.
    let forged = refused(DelegationInvalid::Signature(SignatureError::Signature {
        key: peer_key(&key(Side::Accused)),
    }));
    let unsigned = SignedDelegation { signature: Signature([0; 64]), ..good.delegations[at] };
    assert_eq!(with(unsigned), forged);
    assert_eq!(with(SignedDelegation::new(unsigned.delegation, &secret(51))), forged);
    // Of another account, or of the other side: the move is nobody's.
    let stranger = Delegation { account: peer_key(&secret(60)), ..good.delegations[at].delegation };
    let mut bundle = good.clone();
    bundle.delegations[at] = SignedDelegation::new(stranger, &secret(60));
    bundle.delegations.sort_by_key(|d| (d.delegation.account, d.delegation.serial));
    is_move(judge(&bundle).unwrap_err());
    let mut bundle = good.clone();
    bundle.delegations =
        vec![delegation(Side::Challenger, mine, 1), delegation(Side::Challenger, peer_key(&secret(52)), 2)];
    is_move(judge(&bundle).unwrap_err());
    // A revocation, and keys of small order, sign nothing.
    let small_order = |y: u8| PeerKey(std::array::from_fn(|at| if at == 0 { y } else { 0 }));
    for weak in [Delegation::NONE, small_order(1)] {
        is_move(with(delegation(Side::Accused, weak, 2)));
    }
    // None at all.
    is_move(judge(&Bundle { delegations: vec![], ..good.clone() }).unwrap_err());
}

/// V-6.2, V-6.1: one too many, twice the same, out of order, and more than a file may have.
#[test]
fn delegations_are_counted_and_ordered() {
    let own = small(&World::new());
    let good = defended(&own);
    let mut unused = own.clone();
    unused.delegations = good.delegations.clone();
    let reason = DelegationInvalid::Unused;
    assert_eq!(judge(&unused).unwrap_err(), Disproven::Delegation { position: 0, reason });
    let mut twice = good.clone();
    twice.delegations.insert(0, good.delegations[0]);
    let reason = DelegationInvalid::Order;
    assert_eq!(judge(&twice).unwrap_err(), Disproven::Delegation { position: 1, reason });
    let mut reversed = good.clone();
    reversed.delegations.reverse();
    assert_eq!(judge(&reversed).unwrap_err(), Disproven::Delegation { position: 1, reason });
    let mut many = good.clone();
    many.delegations = vec![good.delegations[0]; DELEGATIONS_MAX + 1];
    assert_eq!(read(&borsh::to_vec(&many).unwrap()).unwrap_err(), Unreadable::Malformed);
    many.delegations.pop();
    assert!(read(&borsh::to_vec(&many).unwrap()).is_ok());
}

/// V-6.1, V-6.2: no flipped bit of a defended bundle is proof, and no move of random key is explained by a delegation.
#[test]
fn no_flipped_byte_of_a_defended_bundle_is_proof() {
    let good = defended(&small(&World::new()));
    let bytes = borsh::to_vec(&good).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(!read(&flipped).is_ok_and(|bundle| judge(&bundle).is_ok()), "byte {at} of {}", bytes.len());
    }
    let mut rng = Rng(0xDEF);
    for _ in 0..40 {
        let (side, by) = (rng.pick(&[Side::Accused, Side::Challenger]), secret(60 + rng.below(100) as u8));
        let mut forged = good.clone();
        forged.moves = signed_by(&good, side, &by);
        assert!(matches!(judge(&forged), Err(Disproven::Move { refusal: Refusal::Signature(_), .. })));
    }
}

/// V-6.1: a bundle of before there were delegations is refused by name, and so is another kind of evidence.
#[test]
fn kinds_are_told_apart() {
    let bytes = borsh::to_vec(&small(&World::new())).unwrap();
    let of = |version: u8| [&bytes[..7], &[version], &bytes[8..]].concat();
    assert_eq!(read(&of(1)).unwrap_err(), Unreadable::Old);
    assert_eq!(read(&of(3)).unwrap_err(), Unreadable::Kind { found: Kind::Contradiction });
    assert_eq!(read(&of(4)).unwrap_err(), Unreadable::Kind { found: Kind::Clock });
    for version in (0..=u8::MAX).filter(|version| !(1..=4).contains(version)) {
        assert_eq!(Kind::of(&of(version)), Err(Unreadable::Magic));
    }
    assert_eq!(Kind::of(b"RETRACE"), Err(Unreadable::Magic));
    for kind in [Kind::Arithmetic, Kind::Contradiction, Kind::Clock] {
        assert_eq!(Kind::of(&kind.magic()), Ok(kind));
    }
    assert_eq!(Kind::Clock.to_string(), "decided by the ledger's clock");
}

/// V-3.8: a delegation is signed whole, under its own context: neither a move nor a claim.
#[test]
fn a_delegation_is_signed_whole() {
    let good = delegation(Side::Accused, peer_key(&secret(51)), 3);
    let bytes = borsh::to_vec(&good).unwrap();
    assert_eq!(bytes.len(), 168);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let changed: SignedDelegation = borsh::from_slice(&changed).unwrap();
        assert!(changed.check().is_err(), "byte {at}");
    }
    assert!(good.check().is_ok());
    let elsewhere = SignedMove::new(&key(Side::Accused), NETWORK, 0, Side::Accused, Move::Trace(NETWORK));
    assert!(SignedDelegation { signature: elsewhere.signature, ..good }.check().is_err());
}
