//! The circuit breaker of a run: what sets it off, what waits, how it ends.

use super::fixture::{AUDITOR, TRAINERS, VALIDATOR, VERIFIERS, World, base, count, genesis, genesis_of, key};
use crate::{
    Amnesty, Amount, AttestedPart, Body, ClaimStatus, DeferredStatus, Event, Genesis, Phase, Settle,
    SettleInvalid, Span, Timeout, TransactionInvalid, VerdictResult,
};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;

/// A network whose breakers go on above this share of 100,000 of stake, for ten heights.
pub(crate) fn sensitive(breaker_ppm: u32) -> Genesis {
    shared(genesis(), breaker_ppm)
}

fn shared(mut genesis: Genesis, breaker_ppm: u32) -> Genesis {
    genesis.params.breaker_ppm = breaker_ppm;
    genesis.params.breaker_span = Span { heights: 10, ms: 10_000 };
    genesis
}

/// Opens a dispute that was sealed.
pub(crate) fn challenge(world: &mut World, name: u8, claim: Digest, unit: Unit) -> Digest {
    world.challenge(name, claim, unit, Opening::Nothing)
}

/// Convicts a claim whose signer says nothing.
fn convict(world: &mut World, claim: Digest) -> Vec<Event> {
    let dispute = challenge(world, AUDITOR, claim, Unit::Loss);
    world.wait(4);
    world.play(AUDITOR, Body::Timeout(Timeout { dispute }))
}

fn trainer_of(world: &World, claim: &Digest) -> u8 {
    let signer = world.chain.state().claim(claim).unwrap().signer();
    TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap()
}

fn went_on(events: &[Event]) -> usize {
    count(events, |event| matches!(event, Event::BreakerOn { .. }))
}

/// L-5.17, L-5.2, L-5.6, L-2.4: the second conviction weighs too much: its slash waits, its lock with it; nothing is
/// merged; then it is executed, and the run goes on.
#[test]
fn slashes_are_deferred_and_executed() {
    let mut world = World::of(sensitive(150_000));
    let (run, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let first = convict(&mut world, ids[0]);
    assert_eq!((went_on(&first), world.chain.state().is_breaker_on(&run)), (0, false));
    assert_eq!(world.account(AUDITOR).balance, Amount(5_700));

    let liar = trainer_of(&world, &ids[1]);
    let events = convict(&mut world, ids[1]);
    let now = world.chain.state().now().unwrap().moment();
    let until = now.after(Span { heights: 10, ms: 10_000 });
    let (slashed, stake) = (Amount(20_000), Amount(100_000));
    assert!(events.contains(&Event::BreakerOn { run, slashed, stake, until }));
    assert_eq!(count(&events, |event| matches!(event, Event::SlashDeferred { number: 0, .. })), 1);
    assert_eq!(count(&events, |event| matches!(event, Event::Slashed { .. })), 0);
    // Convicted at once, not slashed; no bounty yet, and the bond is back.
    assert!(matches!(world.chain.state().claim(&ids[1]).unwrap().status, ClaimStatus::Convicted { .. }));
    assert_eq!((world.account(liar).bonded, world.account(liar).locked), (Amount(50_000), Amount(10_000)));
    assert_eq!((world.account(AUDITOR).balance, world.account(AUDITOR).locked), (Amount(5_700), Amount(0)));
    assert_eq!(world.phase(&run), Phase::Auditing, "every commitment is decided, and the run stays");

    let waited = world.wait(10);
    assert!(waited.is_empty(), "{waited:?}");
    let ended = world.wait(1);
    assert_eq!(count(&ended, |event| *event == Event::BreakerOff { run, executed: 1 }), 1);
    assert_eq!((world.account(liar).bonded, world.account(liar).locked), (Amount(40_000), Amount(0)));
    assert_eq!(world.account(AUDITOR).balance, Amount(6_400));
    let at = world.height();
    let slash = world.chain.state().deferred_slashes(&run).next().unwrap().clone();
    assert_eq!((slash.status, slash.peer), (DeferredStatus::Executed { at }, key(liar)));
    // The base stays, as no delta is left; the next round opens, and the count began anew.
    assert!(matches!(world.phase(&run), Phase::Opening(_)));
    assert!(world.chain.state().breaker(&run).unwrap().counted.is_empty());
}

/// L-5.17, L-5.13: no lock runs out while the breaker is on: what could be settled is not, what is late is not void, and
/// new lies are convicted and wait too.
#[test]
fn no_lock_runs_out() {
    let mut world = World::of(sensitive(50_000));
    let run = world.training();
    let ids = world.commit_all(&run);
    world.wait(2);
    world.attest_all(&ids[..1], AttestedPart::Drawn);
    let events = convict(&mut world, ids[0]);
    assert_eq!(went_on(&events), 1);
    // The other one's drawn states are not attested, and the time for it is over.
    assert_eq!(count(&world.wait(9), |event| matches!(event, Event::Voided { .. })), 0);
    assert_eq!(world.chain.state().claim(&ids[1]).unwrap().status, ClaimStatus::Open);
    let found = world.refusal(AUDITOR, Body::Settle(Settle { claim: ids[1] }));
    assert_eq!(found, Some(TransactionInvalid::Settle(SettleInvalid::BreakerOn)));
    let ended = world.wait(3);
    assert_eq!(count(&ended, |event| *event == Event::BreakerOff { run, executed: 1 }), 1);
    assert_eq!(count(&ended, |event| matches!(event, Event::Voided { .. })), 1);
}

/// L-5.17, L-5.13: a round that closes while the breaker is on voids nothing; what was not attested is void after it.
#[test]
fn a_closing_round_voids_nothing() {
    let mut world = World::of(sensitive(50_000));
    let run = world.training();
    let ids = [0, 1].map(|slot| {
        let (name, signed) = world.commitment(&run, slot, 7 + slot as u8);
        world.play(name, super::fixture::commit(signed));
        signed.commitment.id()
    });
    assert_eq!(went_on(&convict(&mut world, ids[0])), 1);
    let voids = |event: &Event| matches!(event, Event::Voided { .. });
    let mut events = Vec::new();
    while world.chain.state().is_breaker_on(&run) {
        assert_eq!(count(&events, voids), 0);
        events = world.wait(1);
    }
    assert!(world.chain.state().round(&run, 0).unwrap().closed_at.is_some_and(|at| at < world.height()));
    assert_eq!(count(&events, voids), 1);
    assert_eq!(world.chain.state().claim(&ids[1]).unwrap().status, ClaimStatus::Void);
}

/// L-5.17, L-5.7: a base is disputed and replaced while the breaker is on, and accepted only when it is off.
#[test]
fn nothing_is_merged() {
    let mut world = World::of(sensitive(50_000));
    let run = world.merging();
    let wrong = world.base(TRAINERS[0], &run, 40);
    world.play(TRAINERS[0], base(wrong));
    world.wait(2);
    let dispute = challenge(&mut world, AUDITOR, base_id(&wrong.claim), Unit::Merge);
    world.wait(4);
    let events = world.play(AUDITOR, Body::Timeout(Timeout { dispute }));
    assert_eq!(went_on(&events), 1);
    let right = world.base(VERIFIERS[0], &run, 41);
    let id = base_id(&right.claim);
    world.play(VERIFIERS[0], base(right));
    world.wait(2);
    assert_eq!(world.units(&id), [Unit::Merge], "draws go on");
    for name in &VERIFIERS[1..] {
        world.play(*name, super::fixture::verdict(id, Unit::Merge, VerdictResult::Match));
    }
    let settle = Body::Settle(Settle { claim: id });
    let found = world.refusal(AUDITOR, settle.clone());
    assert_eq!(found, Some(TransactionInvalid::Settle(SettleInvalid::BreakerOn)));
    world.wait(8);
    assert_eq!(world.phase(&run), Phase::Merging);
    let events = world.play(AUDITOR, settle);
    assert_eq!(count(&events, |event| matches!(event, Event::BaseAccepted { .. })), 1);
}

/// L-5.17: more than two thirds of the power forgive under one name, for ever on record; a vote may change, and a name
/// that too few voted for forgives nothing. The claim stays convicted.
#[test]
fn an_amnesty_is_named() {
    let validators = [(101, 40_000), (102, 30_000), (103, 20_000), (104, 10_000)];
    let mut world = World::of(shared(genesis_of(&validators), 50_000));
    let (run, ids) = world.audited();
    let liar = trainer_of(&world, &ids[0]);
    convict(&mut world, ids[0]);
    let vote = |name: &str| Body::Amnesty(Amnesty { run, name: name.into() });
    world.play(101, vote("build a"));
    world.play(102, vote("build b"));
    let events = world.play(104, vote("build a"));
    let suffices = |event: &Event| matches!(event, Event::AmnestyVoted { suffices: true, .. });
    assert_eq!(count(&events, suffices), 0, "a half is not two thirds");
    assert_eq!(world.account(liar).locked, Amount(10_000));
    let events = world.play(102, vote("build a"));
    assert_eq!(count(&events, suffices), 1);
    let (peer, amount, name) = (key(liar), Amount(10_000), "build a".to_string());
    assert!(events.contains(&Event::SlashForgiven { run, number: 0, peer, amount, name }));
    assert_eq!((world.account(liar).bonded, world.account(liar).locked), (Amount(50_000), Amount(0)));
    assert_eq!(world.account(AUDITOR).balance, Amount(5_000), "no bounty");
    let state = world.chain.state();
    assert!(!state.is_breaker_on(&run));
    assert!(matches!(state.claim(&ids[0]).unwrap().status, ClaimStatus::Convicted { .. }));
    let row = state.amnesty(&run, 1).unwrap();
    assert_eq!(row.granted, Some(("build a".to_string(), world.height())));
    assert_eq!(row.votes.len(), 3);
    let slash = state.deferred_slashes(&run).next().unwrap();
    assert_eq!(slash.status, DeferredStatus::Forgiven { at: world.height() });
    // The other one lies too: the breaker goes on again, and the old votes are no votes.
    convict(&mut world, ids[1]);
    assert!(world.chain.state().is_breaker_on(&run) && world.chain.state().amnesty(&run, 2).is_none());
}

/// L-5.17: one liar of three to six trainers, with the stakes of a demo, does not set the breaker off by default; an
/// outsider's base does not either, and two of three do.
#[test]
fn one_liar_does_not_set_it_off() {
    // A demo's trainer has a lock and a half.
    let lock = 10_000;
    let params = crate::Params::default();
    let is_on = |liars: u64, trainers: u64| {
        let (slashed, stake) = (u128::from(liars * lock), u128::from(trainers * lock * 3 / 2));
        slashed * 1_000_000 > stake * u128::from(params.breaker_ppm)
    };
    assert!((3..=6).all(|trainers| !is_on(1, trainers)) && is_on(2, 3));
    let mut genesis = genesis();
    for account in genesis.accounts.iter_mut().filter(|account| account.role == crate::Role::Trainer) {
        account.bonded = Amount(15_001);
    }
    // Two trainers with 15,001 each: a lock of 10,000 is just under a third.
    let mut world = World::of(genesis);
    let (_, ids) = world.audited();
    assert_eq!(went_on(&convict(&mut world, ids[0])), 0);
    let mut world = World::of(sensitive(0));
    let run = world.merging();
    let wrong = world.base(AUDITOR, &run, 40);
    world.play(AUDITOR, base(wrong));
    let dispute = challenge(&mut world, VERIFIERS[0], base_id(&wrong.claim), Unit::Merge);
    world.wait(4);
    let events = world.play(AUDITOR, Body::Timeout(Timeout { dispute }));
    assert_eq!((went_on(&events), count(&events, |e| matches!(e, Event::Slashed { .. }))), (0, 1));
    let found = world.refusal(VALIDATOR, Body::Amnesty(Amnesty { run, name: "nothing to forgive".into() }));
    let off = crate::AmnestyInvalid::BreakerOff;
    assert_eq!(found, Some(TransactionInvalid::Amnesty(off)));
}

/// L-5.17: convictions that are more than a window of heights apart do not add up.
#[test]
fn old_convictions_do_not_count() {
    for (wait, expected) in [(0, 1), (10, 0)] {
        let mut genesis = sensitive(150_000);
        genesis.params.breaker_window = 12;
        let mut world = World::of(genesis);
        let (_, ids) = world.audited();
        world.judge(&ids[1], VerdictResult::Mismatch);
        assert_eq!(went_on(&convict(&mut world, ids[0])), 0);
        world.wait(wait);
        assert_eq!(went_on(&convict(&mut world, ids[1])), expected, "{wait}");
    }
}
