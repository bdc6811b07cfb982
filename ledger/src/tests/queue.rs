//! Many disputes against one accused: four at once, in a fair order, and one clock for each of its claims.

use super::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, count, key, secret};
use crate::limits::STARTED_DISPUTES_MAX;
use crate::{
    Amount, Body, ClaimStatus, DisputeStatus, Event, Play, Settle, SettleInvalid, Span, Timeout,
    TransactionInvalid, VerdictResult,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::{Move, Side, SignedMove, Unit};

fn dispute(world: &mut World, name: u8, claim: Digest) -> Digest {
    world.challenge(name, claim, Unit::Loss, Opening::Nothing)
}

fn status(world: &World, dispute: &Digest) -> DisputeStatus {
    world.chain.state().dispute(dispute).unwrap().status.clone()
}

fn signer(world: &World, claim: &Digest) -> u8 {
    let signer = world.chain.state().claim(claim).unwrap().signer();
    TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap()
}

fn trace(world: &mut World, claim: &Digest, dispute: Digest) {
    let accused = signer(world, claim);
    let body = Move::Trace(Digest([5; 32]));
    let signed = SignedMove::new(&secret(accused), dispute, 0, Side::Accused, body);
    world.play(SPONSOR, Body::Play(Box::new(Play { signed })));
}

fn timeout(dispute: Digest) -> Body {
    Body::Timeout(Timeout { dispute })
}

/// L-5.15, L-5.6, L-1.2: four are played, the others wait and hold the window as well; the next place goes to who plays fewest.
#[test]
fn four_at_once() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let accused = signer(&world, &ids[0]);
    let greedy: Vec<Digest> = (0..6).map(|_| dispute(&mut world, AUDITOR, ids[0])).collect();
    let other = dispute(&mut world, VERIFIERS[0], ids[0]);
    let waits = |world: &World, dispute| status(world, dispute) == DisputeStatus::Queued;
    assert!(greedy[..STARTED_DISPUTES_MAX].iter().all(|open| status(&world, open) == DisputeStatus::Open));
    assert!(waits(&world, &greedy[4]) && waits(&world, &greedy[5]) && waits(&world, &other));
    assert_eq!(world.account(AUDITOR).locked, Amount(6_000), "a bond is locked while it waits");

    // The challenger loses the first two by its clock, one after the other.
    for open in &greedy[..2] {
        trace(&mut world, &ids[0], *open);
    }
    world.wait(5);
    let events = world.play(SPONSOR, timeout(greedy[0]));
    let started = |wanted: Digest| move |e: &Event| matches!(e, Event::DisputeStarted { dispute, .. } if *dispute == wanted);
    assert_eq!(
        count(&events, started(other)),
        1,
        "before those that came earlier: its challenger plays none"
    );
    let events = world.play(SPONSOR, timeout(greedy[1]));
    assert_eq!(count(&events, started(greedy[4])), 1);
    let record = world.chain.state().dispute(&greedy[4]).unwrap();
    assert_eq!(record.started, Some(world.chain.state().now().unwrap().moment()));
    let caseload = world.chain.state().caseload(&key(accused)).unwrap();
    assert_eq!((caseload.started.len(), caseload.queued.len()), (4, 1));
    let found = world.refusal(SPONSOR, Body::Settle(Settle { claim: ids[0] }));
    assert_eq!(found, Some(TransactionInvalid::Settle(SettleInvalid::Disputed { count: 5 })));

    // The accused falls silent in the others: a conviction overtakes what is played and what waits.
    world.wait(60);
    let events = world.play(SPONSOR, timeout(other));
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().status, ClaimStatus::Convicted { dispute: other });
    for open in &greedy[2..] {
        assert_eq!(status(&world, open), DisputeStatus::Overtaken { by: other });
    }
    assert_eq!(count(&events, |e| matches!(e, Event::DisputeStarted { .. })), 0);
    let caseload = world.chain.state().caseload(&key(accused)).unwrap();
    assert_eq!((caseload.started.len(), caseload.queued.len()), (0, 0));
    assert_eq!([AUDITOR, VERIFIERS[0]].map(|name| world.account(name).locked), [Amount(0), Amount(0)]);
}

/// L-5.15: a claim whose disputes all wait is held like any other: it is not settled, and they start when others end.
#[test]
fn a_queued_dispute_holds_the_window() {
    let mut world = World::new();
    let mut two_slots = super::fixture::terms();
    two_slots.spec.slots = 1;
    // Two runs with one slot each: one accused may have two claims.
    let mut claims: Vec<(u8, Digest)> = Vec::new();
    for _ in 0..6 {
        let run = world.open(two_slots.clone());
        world.wait(1);
        let (name, signed) = world.commitment(&run, 0, 7);
        world.play(name, super::fixture::commit(signed));
        claims.push((name, signed.commitment.id()));
        let mine: Vec<Digest> = claims.iter().filter(|(n, _)| *n == name).map(|(_, id)| *id).collect();
        if let [first, second] = mine[..] {
            // In its own time: the second claim is attested and drawn.
            world.attest_all(&[second], crate::AttestedPart::Segment);
            for _ in 0..4 {
                dispute(&mut world, AUDITOR, first);
            }
            let waits = dispute(&mut world, VERIFIERS[0], second);
            assert_eq!(status(&world, &waits), DisputeStatus::Queued);
            assert_eq!(world.chain.state().defense(&second), None, "no clock runs");
            world.attest_all(&[second], crate::AttestedPart::Drawn);
            world.judge(&second, VerdictResult::Match);
            let found = world.refusal(SPONSOR, Body::Settle(Settle { claim: second }));
            assert_eq!(found, Some(TransactionInvalid::Settle(SettleInvalid::Disputed { count: 1 })));
            // Silence in the first claim ends its four disputes, and the fifth starts with a full clock.
            world.wait(20);
            let played = world.chain.state().claim(&first).unwrap().disputes[0];
            let events = world.play(SPONSOR, timeout(played));
            let started = |e: &Event| matches!(e, Event::DisputeStarted { dispute, .. } if *dispute == waits);
            assert_eq!(count(&events, started), 1);
            assert_eq!(status(&world, &waits), DisputeStatus::Open);
            let defense = world.chain.state().defense(&second).unwrap();
            assert_eq!((defense.clock.budget, defense.waiting), (Span { heights: 4, ms: 4_000 }, 1));
            return;
        }
    }
    panic!("two trainers and six runs: one of them has two");
}

/// L-3.4, L-5.10: the accused has one clock for a claim: it runs while any dispute waits for it, and each one adds a span.
#[test]
fn one_clock_for_a_claim() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let clock = |world: &World| world.chain.state().defense(&ids[0]).unwrap().clock;
    let used = |world: &World| clock(world).used_at(world.chain.state().now().unwrap().moment());
    let first = dispute(&mut world, AUDITOR, ids[0]);
    assert_eq!(clock(&world).budget, Span { heights: 4, ms: 4_000 });
    let second = dispute(&mut world, VERIFIERS[0], ids[0]);
    assert_eq!((clock(&world).budget, used(&world).heights), (Span { heights: 8, ms: 8_000 }, 2));
    trace(&mut world, &ids[0], first);
    world.wait(1);
    assert_eq!(used(&world).heights, 4, "two waited, one waits: the time that passed");
    trace(&mut world, &ids[0], second);
    world.wait(2);
    assert_eq!((used(&world).heights, clock(&world).since), (5, None), "nobody waits for it");
    // The challengers have a clock each, and the first one's runs out first.
    let running = Some(TransactionInvalid::Timeout(crate::TimeoutInvalid::Running));
    world.wait(1);
    assert_eq!(world.refusal(SPONSOR, timeout(second)), running);
    assert_eq!(world.refusal(SPONSOR, timeout(first)), None);
    // A third dispute: five heights of twelve are used.
    let third = dispute(&mut world, VERIFIERS[1], ids[0]);
    assert_eq!(clock(&world).budget, Span { heights: 12, ms: 12_000 });
    world.wait(6);
    assert_eq!(world.refusal(SPONSOR, timeout(third)), running);
    world.wait(1);
    assert_eq!(world.refusal(SPONSOR, timeout(third)), None);
}

/// L-3.4: disputes over two claims of one accused share its machine: each makes the other's clock longer.
#[test]
fn claims_share_a_machine() {
    let mut world = World::new();
    let mut one_slot = super::fixture::terms();
    one_slot.spec.slots = 1;
    one_slot.commit_span = Span { heights: 100, ms: 100_000 };
    let mut claims: Vec<(u8, Digest)> = Vec::new();
    while claims.iter().filter(|(name, _)| *name == TRAINERS[0]).count() < 2 {
        let run = world.open(one_slot.clone());
        world.wait(1);
        let (name, signed) = world.commitment(&run, 0, 7);
        if name == TRAINERS[0] {
            world.play(name, super::fixture::commit(signed));
            claims.push((name, signed.commitment.id()));
        }
        assert!(world.height().0 < 60);
    }
    let [(_, one), (_, other)] = claims[..] else { panic!("two claims") };
    let spans = |world: &World, claim| world.chain.state().defense(claim).unwrap().clock.budget.heights / 4;
    dispute(&mut world, AUDITOR, one);
    assert_eq!(spans(&world, &one), 1);
    dispute(&mut world, AUDITOR, other);
    assert_eq!((spans(&world, &one), spans(&world, &other)), (2, 2), "two disputes, twice the time for each");
    dispute(&mut world, VERIFIERS[0], other);
    assert_eq!((spans(&world, &one), spans(&world, &other)), (3, 3));
}
