//! An account that is away: others defend it by its defense keys, and evidence names the keys that were in force then.

use super::run::upload_the_shard;
use super::world::{HONEST, LIAR, SPONSOR, VALIDATOR, VERIFIERS, Worker, World, identity, key, secret};
use crate::roles::{Attester, Defender};
use retrace_ledger::{Amount, Body, Delegate, Dispute, Play, Seal, Transfer, challenge_seal};
use retrace_verifier::delegation::{Delegation, SignedDelegation};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::evidence::{judge_contradiction, read_contradiction};
use retrace_verifier::game::Target;
use retrace_verifier::{Move, Side, SignedMove, Unit};

/// Defense keys, one after the other.
const DEFENSE: [u8; 2] = [50, 51];
const ACCUSER: u8 = VERIFIERS[0];
const UNIT: Unit = Unit::Step(0);

fn delegate(world: &World, to: Option<u8>, serial: u64) {
    let key_of = to.map_or(Delegation::NONE, key);
    let delegation = Delegation { network: world.board.network(), account: key(HONEST), key: key_of, serial };
    let signed = SignedDelegation::new(delegation, &secret(HONEST));
    // Anybody may carry it.
    world.play(SPONSOR, Body::Delegate(Delegate { signed }));
}

fn defender(world: &World, name: u8) -> Worker {
    world.play(SPONSOR, Body::Transfer(Transfer { to: key(name), amount: Amount(1) }));
    world.spawn(Defender::new(identity(name), vec![key(HONEST)]))
}

/// The commitment of the honest trainer, which goes away once it has done its work.
fn committed(world: &World, run: &Digest) -> Digest {
    let workers = [world.spawn(world.trainer(HONEST, None)), world.spawn(world.trainer(LIAR, None))];
    let attester = world.spawn(Attester::new(identity(VALIDATOR)));
    let claim = world.wait_for("commitment", || {
        let claims = world.board.read(|state| {
            let own = state.open_claims(run).into_iter();
            own.filter(|(_, record)| record.signer() == key(HONEST)).map(|(id, _)| id).collect::<Vec<_>>()
        });
        claims.first().copied()
    });
    world.wait_for("draw", || world.board.read(|state| state.claim(&claim)?.audit.as_ref().map(drop)));
    let attested = || {
        let part = retrace_ledger::AttestedPart::Drawn;
        world.board.read(|state| (!state.attestations(&claim, part).is_empty()).then_some(()))
    };
    world.wait_for("attestation", attested);
    workers.into_iter().chain([attester]).for_each(Worker::stop);
    claim
}

/// A sealed dispute over the first step of a claim.
fn dispute(world: &World, claim: Digest, salt: u8) -> Digest {
    let (unit, salt) = (UNIT, Digest([salt; 32]));
    let record = world.board.read(|state| state.claim(&claim).unwrap().clone());
    let Claim::Segment(signed) = record.claim else { panic!("a segment") };
    let opening = world.board.blobs().lists(&signed.commitment.lists).unwrap().opening(unit).unwrap();
    world.play(ACCUSER, Body::Seal(Seal { seal: challenge_seal(&claim, unit, &key(ACCUSER), &salt) }));
    let known: Vec<Digest> = world.board.read(|state| state.disputes().map(|(id, _)| id).collect());
    let body = Dispute { claim, unit, opening, salt: Some(salt) };
    world.play(ACCUSER, Body::Dispute(Box::new(body)));
    let new = world.board.read(|state| state.disputes().map(|(id, _)| id).find(|id| !known.contains(id)));
    new.unwrap()
}

fn moved(world: &World, dispute: Digest, count: u16) {
    world.wait_for("move", || {
        world.board.read(|state| (state.game(&dispute)?.number() >= count).then_some(()))
    });
}

fn play(world: &World, name: u8, signed: SignedMove) {
    assert_eq!(signed.side == Side::Challenger, name == ACCUSER);
    world.play(SPONSOR, Body::Play(Box::new(Play { signed })));
}

/// W-5.7, W-5.4, V-3.8: a defender plays from the ledger alone; another one goes on after its key was replaced, though
/// the moves so far are signed by a key that is in force no longer. W-3.9, V-6.3: two answers by two keys convict, and
/// the bundle names both delegations, of which one was replaced and the other revoked since.
#[test]
fn others_defend_and_evidence_names_their_keys() {
    let world = World::new();
    let run = world.open_run();
    upload_the_shard(&world);
    let claim = committed(&world, &run);
    delegate(&world, Some(DEFENSE[0]), 1);
    let account = world.client.account(&key(HONEST)).unwrap();
    assert_eq!((account.defense_key, account.delegation_serial), (Some(key(DEFENSE[0]).to_string()), 1));
    let first = defender(&world, DEFENSE[0]);
    let one = dispute(&world, claim, 1);
    moved(&world, one, 1);
    first.stop();
    let kept = world.board.home().path().join("moves").join(key(DEFENSE[0]).to_string());
    assert!(kept.join(one.to_string()).join("0").exists(), "what was signed is on disk");

    // Its key is replaced; whoever has the next one finds the old one in the blocks before the dispute.
    delegate(&world, Some(DEFENSE[1]), 2);
    let target = Move::Target(Target::Ops);
    play(&world, ACCUSER, SignedMove::new(&secret(ACCUSER), one, 1, Side::Challenger, target));
    let second = defender(&world, DEFENSE[1]);
    moved(&world, one, 3);
    second.stop();
    assert!(world.client.evidence(&one.to_string()).is_err(), "nothing is decided");

    // Whoever has a defense key can lose disputes for its account: by another trace root of the same unit.
    let two = dispute(&world, claim, 2);
    let other = Move::Trace(Digest([9; 32]));
    play(&world, DEFENSE[1], SignedMove::new(&secret(DEFENSE[1]), two, 0, Side::Accused, other));
    delegate(&world, None, 3);
    let told = world.wait_for("evidence", || {
        Some(world.client.dispute(&two.to_string()).unwrap()).filter(|told| told.moves.is_some())
    });
    assert!(told.by_contradiction && told.winner.as_deref() == Some("challenger"), "{told:?}");
    assert_eq!(told.evidence, Some(format!("/v1/evidence/{two}")));
    let bytes = world.wait_for("evidence", || world.client.evidence(&two.to_string()).ok());
    let shown = judge_contradiction(&read_contradiction(&bytes).unwrap()).unwrap();
    assert_eq!((shown.accused, shown.unit, shown.disputes), (key(HONEST), UNIT, [one, two]));
    let keys: Vec<_> = shown.delegations.iter().map(|d| (d.key, d.serial)).collect();
    assert_eq!(keys, [(key(DEFENSE[0]), 1), (key(DEFENSE[1]), 2)]);
    assert!(world.client.evidence(&one.to_string()).is_err(), "the one that was overtaken proves nothing");
    assert_eq!(world.client.account(&key(HONEST)).unwrap().defense_key, None);

    // What was signed in a dispute that ended while its defender was down is forgotten when that begins again.
    let left =
        world.board.home().path().join("moves").join(key(DEFENSE[1]).to_string()).join(one.to_string());
    assert!(left.exists());
    let third = defender(&world, DEFENSE[1]);
    world.wait_for("tidy folder", || (!left.exists()).then_some(()));
    third.stop();
}
