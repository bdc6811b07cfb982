//! Disputes and what hangs on them: bonds, locks, bounties, other disputes, rivals, verdicts, clocks.

use super::fixture::{AUDITOR, TRAINERS, VERIFIERS, World, base, count, key, proposer, verdict};
use crate::{
    Amount, Body, ClaimStatus, DisputeStatus, Ending, Event, Phase, RewardReason, Settle, SlashReason,
    Timeout, VerdictResult,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;
use retrace_verifier::{Side, Unit};

fn dispute(world: &mut World, name: u8, claim: Digest, unit: Unit) -> Digest {
    world.challenge(name, claim, unit, Opening::Nothing)
}

fn timeout(world: &mut World, dispute: Digest) -> Vec<Event> {
    let body = Body::Timeout(Timeout { dispute });
    while world.refusal(AUDITOR, body.clone()).is_some() {
        world.wait(1);
    }
    world.play(AUDITOR, body)
}

fn name_of(world: &World, claim: &Digest) -> u8 {
    let signer = world.chain.state().claim(claim).unwrap().signer();
    TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap()
}

/// L-5.10, L-5.11, L-2.4: an accused that lets its clock run out loses its lock; every other dispute over the
/// claim ends with its bond back, there is one bounty, and honest verdicts are paid.
#[test]
fn silence_convicts() {
    let mut world = World::new();
    let (run, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let accused = name_of(&world, &ids[0]);
    let first = dispute(&mut world, AUDITOR, ids[0], Unit::Loss);
    let second = dispute(&mut world, VERIFIERS[0], ids[0], Unit::Loss);
    assert_eq!(world.account(VERIFIERS[0]).locked, Amount(1_000));
    let stakes = VERIFIERS.map(|name| world.account(name).bonded);
    let events = timeout(&mut world, first);

    let status = ClaimStatus::Convicted { dispute: first };
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().status, status);
    let account = world.account(accused);
    assert_eq!((account.bonded, account.locked), (Amount(40_000), Amount(0)));
    // A tenth of the lock is 1,000; the cap is 700.
    assert_eq!(world.account(AUDITOR).balance, Amount(5_700));
    assert_eq!(world.chain.state().now().unwrap().burned, Amount(9_300));
    assert_eq!((world.account(AUDITOR).locked, world.account(VERIFIERS[0]).locked), (Amount(0), Amount(0)));
    let record = world.chain.state().dispute(&second).unwrap();
    assert_eq!(record.status, DisputeStatus::Overtaken { by: first });
    // Nobody's arithmetic was disproved: match verdicts cost nothing.
    assert_eq!(VERIFIERS.map(|name| world.account(name).bonded), stakes);
    let bounties = |e: &Event| matches!(e, Event::Rewarded { reason: RewardReason::Bounty, .. });
    assert_eq!(count(&events, bounties), 1);
    let silent =
        |e: &Event| matches!(e, Event::Slashed { reason: SlashReason::Silence, bounty: Amount(700), .. });
    assert_eq!(count(&events, silent), 1);
    let timed_out = Ending::TimedOut { winner: Side::Challenger };
    let ended = |e: &Event| matches!(e, Event::DisputeEnded { ending, .. } if *ending == timed_out);
    assert_eq!(count(&events, ended), 1);

    // The convicted delta is left out: the merge takes one.
    world.judge(&ids[1], VerdictResult::Match);
    world.play(AUDITOR, Body::Settle(Settle { claim: ids[1] }));
    assert_eq!(world.phase(&run), Phase::Merging);
    assert_eq!(world.chain.state().accepted_deltas(&run, 0).len(), 1);
}

/// L-5.8, L-5.10: a challenger that falls silent loses its bond, half to the accused; others may dispute the claim.
#[test]
fn a_lost_dispute_says_nothing() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let accused = name_of(&world, &ids[0]);
    let first = dispute(&mut world, AUDITOR, ids[0], Unit::Loss);
    let signed = retrace_verifier::SignedMove::new(
        &super::fixture::secret(accused),
        first,
        0,
        Side::Accused,
        retrace_verifier::Move::Trace(Digest([5; 32])),
    );
    world.play(accused, Body::Play(Box::new(crate::Play { signed })));
    let events = timeout(&mut world, first);
    let account = world.account(AUDITOR);
    assert_eq!((account.bonded, account.locked), (Amount(19_000), Amount(0)));
    assert_eq!(world.account(accused).balance, Amount(1_500));
    let slashed = |e: &Event| {
        matches!(
            e,
            Event::Slashed {
                reason: SlashReason::FalseChallenge,
                amount: Amount(1_000),
                bounty: Amount(500),
                ..
            }
        )
    };
    assert_eq!(count(&events, slashed), 1);
    let record = world.chain.state().claim(&ids[0]).unwrap();
    assert_eq!((record.status, record.disputes.len(), record.lock), (ClaimStatus::Open, 0, Amount(10_000)));
    let second = dispute(&mut world, AUDITOR, ids[0], Unit::Loss);
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().disputes, [second]);
}

/// L-3.3, L-3.4, L-5.2: a halt of an hour between two blocks expires no clock, no window and no deadline.
#[test]
fn a_halt_expires_nothing() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let open = dispute(&mut world, AUDITOR, ids[0], Unit::Loss);
    let other = world.training();
    world.time_ms += 3_600_000;
    world.wait(1);
    let found = world.refusal(AUDITOR, Body::Timeout(Timeout { dispute: open }));
    assert!(found.is_some());
    assert_eq!(world.phase(&other), Phase::Training);
    let deadline = world.chain.state().round(&other, 0).unwrap().deadline;
    assert!(!deadline.is_past(world.chain.state().now().unwrap().moment()));
    // Nor do many blocks in no time.
    for _ in 0..50 {
        let proposal = world.chain.propose(&proposer(), world.time_ms, vec![]).unwrap();
        world.apply(&proposal.block);
    }
    assert_eq!(world.phase(&other), Phase::Training);
    world.wait(5);
    assert_eq!(world.refusal(AUDITOR, Body::Timeout(Timeout { dispute: open })), None);
    assert!(matches!(world.phase(&other), Phase::Drawing(_) | Phase::Auditing));
}

/// L-5.2: when every commitment is convicted the base stays, and the next round starts from it.
#[test]
fn a_round_without_deltas_keeps_its_base() {
    let mut world = World::new();
    let (run, ids) = world.audited();
    for id in ids {
        let open = dispute(&mut world, AUDITOR, id, Unit::Loss);
        timeout(&mut world, open);
    }
    let progress = *world.chain.state().progress(&run).unwrap();
    assert_eq!((progress.round, progress.base), (1, Digest([4; 32])));
    world.wait(1);
    assert_eq!(world.phase(&run), Phase::Training);
}

/// L-5.11: a commitment may be convicted before its draw, which then passes over it.
#[test]
fn a_claim_is_disputed_before_its_draw() {
    let mut world = World::new();
    let run = world.training();
    let (name, signed) = world.commitment(&run, 0, 7);
    world.play(name, super::fixture::commit(signed));
    let id = signed.commitment.id();
    let open = dispute(&mut world, AUDITOR, id, Unit::Loss);
    timeout(&mut world, open);
    let events = world.wait(5);
    assert_eq!(count(&events, |e| matches!(e, Event::Drawn { .. })), 0);
    let record = world.chain.state().claim(&id).unwrap();
    assert!(record.audit.is_none() && record.status == ClaimStatus::Convicted { dispute: open });
}

/// L-5.7, L-5.11: a second base with another root is a dispute by itself; when the first poster falls silent the
/// rival's root stands, other rivals go, and the rival is drawn and accepted.
#[test]
fn a_rival_base_stands_when_it_wins() {
    let mut world = World::new();
    let run = world.merging();
    let wrong = world.base(AUDITOR, &run, 40);
    world.play(AUDITOR, base(wrong));
    let right = world.base(TRAINERS[0], &run, 41);
    let events = world.play(TRAINERS[0], base(right));
    let posted = |e: &Event| matches!(e, Event::BasePosted { standing: false, .. });
    assert_eq!(count(&events, posted), 1);
    let third = world.base(TRAINERS[1], &run, 42);
    world.play(TRAINERS[1], base(third));
    assert_eq!(world.account(TRAINERS[0]).locked, Amount(11_000));
    let open = world.chain.state().claim(&base_id(&wrong.claim)).unwrap().disputes[0];
    assert_eq!(world.chain.state().dispute(&open).unwrap().challenger, key(TRAINERS[0]));
    timeout(&mut world, open);

    let state = world.chain.state();
    assert_eq!(state.round(&run, 0).unwrap().standing, Some(base_id(&right.claim)));
    let status = |claim| state.claim(&base_id(claim)).unwrap().status;
    assert_eq!(status(&wrong.claim), ClaimStatus::Convicted { dispute: open });
    assert_eq!(status(&right.claim), ClaimStatus::Open);
    assert_eq!(status(&third.claim), ClaimStatus::Withdrawn);
    assert_eq!(state.base_claims(&run, 1).len(), 3);
    let locked = TRAINERS.map(|name| world.account(name).locked);
    assert_eq!(locked, [Amount(10_000), Amount(0)]);
    world.wait(2);
    let id = base_id(&right.claim);
    world.judge(&id, VerdictResult::Match);
    world.play(AUDITOR, Body::Settle(Settle { claim: id }));
    assert_eq!(world.chain.state().progress(&run).unwrap().base, right.claim.root);
    assert_eq!(world.account(TRAINERS[0]).locked, Amount(0));
}

/// L-5.7, L-5.11: a base that a plain dispute disproves leaves no standing claim: the next base stands.
#[test]
fn a_convicted_base_is_replaced() {
    let mut world = World::new();
    let run = world.merging();
    let wrong = world.base(AUDITOR, &run, 40);
    world.play(AUDITOR, base(wrong));
    world.wait(2);
    let id = base_id(&wrong.claim);
    world.play(VERIFIERS[0], verdict(id, Unit::Merge, VerdictResult::Mismatch));
    let open = dispute(&mut world, VERIFIERS[0], id, Unit::Merge);
    timeout(&mut world, open);
    assert_eq!(world.chain.state().round(&run, 0).unwrap().standing, None);
    assert_eq!(world.account(AUDITOR).bonded, Amount(10_000));
    let next = world.base(TRAINERS[0], &run, 41);
    world.play(TRAINERS[0], base(next));
    assert_eq!(world.chain.state().round(&run, 0).unwrap().standing, Some(base_id(&next.claim)));
}

/// L-5.7, L-5.8: a rival that loses is withdrawn; the standing base goes on, and the rival may come again.
#[test]
fn a_rival_that_loses_is_withdrawn() {
    let mut world = World::new();
    let run = world.merging();
    let standing = world.base(TRAINERS[0], &run, 40);
    world.play(TRAINERS[0], base(standing));
    let rival = world.base(AUDITOR, &run, 41);
    world.play(AUDITOR, base(rival));
    let open = world.chain.state().claim(&base_id(&standing.claim)).unwrap().disputes[0];
    let signed = retrace_verifier::SignedMove::new(
        &super::fixture::secret(TRAINERS[0]),
        open,
        0,
        Side::Accused,
        retrace_verifier::Move::Trace(Digest([5; 32])),
    );
    world.play(TRAINERS[0], Body::Play(Box::new(crate::Play { signed })));
    timeout(&mut world, open);
    let status = |world: &World, claim| world.chain.state().claim(&base_id(claim)).unwrap().status;
    assert_eq!(status(&world, &rival.claim), ClaimStatus::Withdrawn);
    assert_eq!(status(&world, &standing.claim), ClaimStatus::Open);
    let account = world.account(AUDITOR);
    assert_eq!((account.locked, account.bonded), (Amount(0), Amount(19_000)));
    world.play(AUDITOR, base(rival));
    assert_eq!(status(&world, &rival.claim), ClaimStatus::Rival);
}
