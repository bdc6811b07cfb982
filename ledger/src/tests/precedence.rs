//! One bounty: for the accusation that stands for longest, not for the one that was played first.

use super::fixture::{AUDITOR, SPONSOR, VERIFIERS, World, base, key, verdict};
use crate::{
    Amount, Body, ClaimStatus, Dispute, DisputeStatus, Event, Precedence, RewardReason, Timeout,
    VerdictResult, drawn_verifiers,
};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;
use retrace_verifier::signature::PeerKey;

/// Lets the accused's clock run out in a dispute; gives whose bounty it was.
fn win(world: &mut World, dispute: Digest) -> Option<PeerKey> {
    world.wait(40);
    let events = world.play(SPONSOR, Body::Timeout(Timeout { dispute }));
    let mut bounties = events.iter().filter_map(|event| match event {
        Event::Rewarded { peer, reason: RewardReason::Bounty, amount: Amount(700), .. } => Some(*peer),
        _ => None,
    });
    let first = bounties.next();
    assert_eq!(bounties.next(), None, "one bounty");
    first
}

/// L-5.11, L-5.16: whoever copies an accusation that it sees gains nothing, even if its own dispute is opened first and won.
#[test]
fn a_copy_gains_nothing() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let salt = world.seal(AUDITOR, ids[0], Unit::Loss);
    // The opened seal is seen before it is in a block. The copy is sealed now, and gets in first.
    let copy = world.challenge(VERIFIERS[0], ids[0], Unit::Loss, Opening::Nothing);
    let own = world.open_seal(AUDITOR, ids[0], Unit::Loss, Opening::Nothing, salt);
    let precedence = |world: &World, id| world.chain.state().dispute(id).unwrap().precedence;
    assert!(precedence(&world, &own) < precedence(&world, &copy));
    assert_eq!(win(&mut world, copy), Some(key(AUDITOR)));
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().status, ClaimStatus::Convicted { dispute: copy });
    assert_eq!(world.chain.state().dispute(&own).unwrap().status, DisputeStatus::Overtaken { by: copy });
    assert_eq!(world.account(VERIFIERS[0]).balance, Amount(1_000));
    assert_eq!([AUDITOR, VERIFIERS[0]].map(|name| world.account(name).locked), [Amount(0), Amount(0)]);
}

/// L-5.11, L-5.5: a drawn verifier's mismatch counts from its verdict on, and before a seal of the same block.
#[test]
fn a_verdict_is_an_accusation() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let audit = world.chain.state().claim(&ids[0]).unwrap().audit.clone().unwrap();
    let drawn = drawn_verifiers(&audit, &ids[0], Unit::Loss, 2);
    let name = VERIFIERS.into_iter().find(|name| drawn.contains(&key(*name))).unwrap();
    let salt = Digest([7; 32]);
    let seal = crate::challenge_seal(&ids[0], Unit::Loss, &key(AUDITOR), &salt);
    let pending = vec![
        world.sign(AUDITOR, Body::Seal(crate::Seal { seal })),
        world.sign(name, verdict(ids[0], Unit::Loss, VerdictResult::Mismatch)),
    ];
    world.step(pending);
    let height = world.height();
    let copy = world.open_seal(AUDITOR, ids[0], Unit::Loss, Opening::Nothing, salt);
    let body = Dispute { claim: ids[0], unit: Unit::Loss, opening: Opening::Nothing, salt: None };
    let events = world.play(name, Body::Dispute(Box::new(body)));
    let Event::DisputeOpened { dispute: own, .. } = events[0] else { panic!("{events:?}") };
    let precedence = |id| world.chain.state().dispute(id).unwrap().precedence;
    assert_eq!(precedence(&own), Precedence { height, sealed: false });
    assert_eq!(precedence(&copy), Precedence { height, sealed: true });
    assert_eq!(win(&mut world, copy), Some(key(name)));
}

/// L-5.11: between accusations of one height the dispute that was opened first counts; another unit's does not.
#[test]
fn the_order_of_opening_decides() {
    let mut world = World::new();
    let run = world.merging();
    let wrong = world.base(AUDITOR, &run, 40);
    world.play(AUDITOR, base(wrong));
    let id = base_id(&wrong.claim);
    // Two sealed in one block, opened one after the other.
    let names = [VERIFIERS[1], VERIFIERS[0]];
    let salt = Digest([7; 32]);
    let seals = names.map(|name| crate::challenge_seal(&id, Unit::Merge, &key(name), &salt));
    let pending =
        (0..2).map(|at| world.sign(names[at], Body::Seal(crate::Seal { seal: seals[at] }))).collect();
    world.step(pending);
    let opened = names.map(|name| world.open_seal(name, id, Unit::Merge, Opening::Nothing, salt));
    assert_eq!(win(&mut world, opened[1]), Some(key(names[0])));

    let mut world = World::new();
    let (_, ids) = world.audited();
    let run = world.chain.state().claim(&ids[0]).unwrap().run;
    assert_eq!(world.chain.state().run(&run).unwrap().terms.bounty(), Amount(700));
    let salt = world.seal(AUDITOR, ids[0], Unit::Loss);
    let first = world.challenge(VERIFIERS[0], ids[0], Unit::Loss, Opening::Nothing);
    // The auditor's is earlier, and is not opened before the end: it gets nothing.
    assert_eq!(win(&mut world, first), Some(key(VERIFIERS[0])));
    let late = Dispute { claim: ids[0], unit: Unit::Loss, opening: Opening::Nothing, salt: Some(salt) };
    let found = world.refusal(AUDITOR, Body::Dispute(Box::new(late)));
    assert_eq!(found, Some(crate::TransactionInvalid::Dispute(crate::DisputeInvalid::NotOpen)));
}
