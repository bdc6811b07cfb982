//! The life of a run, from its opening to its end.

use super::fixture::{
    AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, base, commit, count, key, terms, verdict,
};
use crate::{
    Amount, AttestedPart, Body, ClaimStatus, Event, Height, Phase, RewardReason, Settle, VerdictResult,
    drawn_verifiers,
};
use retrace_verifier::Unit;
use retrace_verifier::segment::base_id;

/// L-5.1, L-5.2, L-5.3, L-4.2: a round opens in the block after the run, assigns each trainer once, and closes when all have committed.
#[test]
fn a_round_opens_and_closes() {
    let mut world = World::new();
    let run = world.open(terms());
    assert_eq!(world.phase(&run), Phase::Opening(Height(2)));
    let escrow = world.chain.state().progress(&run).unwrap().escrow;
    // 2 rounds of (2 slots of (100 + 6 units x 2 verdicts x 18) + 1 unit x 2 verdicts x 18).
    assert_eq!(escrow, Amount(2 * (2 * (100 + 216) + 36)));
    assert_eq!(world.account(SPONSOR).balance, Amount(1_000_000 - escrow.0));
    let opened = world.wait(1);
    let Event::RoundOpened { assignments, beacon, .. } = &opened[0] else { panic!("{opened:?}") };
    let mut trainers: Vec<_> = assignments.iter().flatten().copied().collect();
    trainers.sort();
    let mut expected = TRAINERS.map(key).to_vec();
    expected.sort();
    assert_eq!(trainers, expected);
    assert_eq!(*beacon, crate::derived_beacon(&world.chain.state().now().unwrap().beacon, &run, 0));
    world.commit_all(&run);
    let locked = TRAINERS.map(|name| world.account(name).locked);
    assert_eq!(locked, [Amount(10_000); 2]);
}

/// L-5.2, L-3.3: a slot that is missed is recorded, but not before both heights and credited time are past.
#[test]
fn a_slot_is_missed() {
    let mut world = World::new();
    let run = world.training();
    let (name, signed) = world.commitment(&run, 1, 7);
    world.play(name, commit(signed));
    world.attest_all(&[signed.commitment.id()], AttestedPart::Segment);
    let opened = world.chain.state().round(&run, 0).unwrap().opened.height;
    // Five heights and five seconds: at the sixth both are past.
    let waited = world.wait(opened.0 + 5 - world.height().0);
    assert_eq!(count(&waited, |e| matches!(e, Event::SlotMissed { .. })), 0);
    let events = world.wait(1);
    assert_eq!(count(&events, |e| matches!(e, Event::SlotMissed { slot: 0, .. })), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::RoundClosed { commitments: 1, .. })), 1);
}

/// L-5.4: the draw comes when it is due, has delta and loss always, and draws as many verifiers as are needed.
#[test]
fn a_round_is_drawn() {
    let mut world = World::new();
    let run = world.training();
    let ids = world.commit_all(&run);
    assert!(world.wait(1).is_empty());
    let events = world.wait(1);
    assert_eq!(events.len(), 2);
    for (event, id) in events.iter().zip(ids) {
        let Event::Drawn { claim, units, verifiers, .. } = event else { panic!("{event:?}") };
        assert_eq!(*claim, id);
        assert!(units.ends_with(&[Unit::Delta, Unit::Loss]));
        assert!(verifiers.iter().all(|drawn| drawn.len() == 2 && drawn[0] != drawn[1]));
        let audit = world.chain.state().claim(&id).unwrap().audit.clone().unwrap();
        assert_eq!(audit.beacon, world.chain.state().now().unwrap().beacon);
        assert_eq!(drawn_verifiers(&audit, &id, units[0], 2), verifiers[0]);
    }
}

/// L-5.6, L-4.2: a settled commitment pays its trainer and two verifiers a unit, and unlocks.
#[test]
fn a_settlement_pays() {
    let mut world = World::new();
    let (run, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let units = world.units(&ids[0]).len();
    let events = world.play(AUDITOR, Body::Settle(Settle { claim: ids[0] }));
    let paid = |reason| {
        let is = |e: &Event| matches!(e, Event::Rewarded { reason: r, .. } if *r == reason);
        count(&events, is)
    };
    assert_eq!((paid(RewardReason::Segment), paid(RewardReason::Verdict)), (1, 2 * units));
    let record = world.chain.state().claim(&ids[0]).unwrap();
    assert_eq!(record.status, ClaimStatus::Verified);
    let trainer = record.signer();
    let account = world.chain.state().account(&trainer).unwrap();
    assert_eq!((account.locked, account.balance), (Amount(0), Amount(1_100)));
    assert_eq!(world.phase(&run), Phase::Auditing);
}

/// L-5.6: a mismatch holds settlement to the end of the window, and so do drawn verifiers that are silent.
#[test]
fn a_mismatch_holds_settlement() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let units = world.units(&ids[1]);
    for unit in &units {
        for name in &VERIFIERS[..2] {
            let result = if *name == 21 && *unit == Unit::Loss {
                VerdictResult::Mismatch
            } else {
                VerdictResult::Match
            };
            world.play(*name, verdict(ids[1], *unit, result));
        }
    }
    // The window of five heights passed while the verdicts were given, one a block: nothing holds it any more.
    assert!(
        world.height() > world.chain.state().claim(&ids[1]).unwrap().audit.as_ref().unwrap().deadline.height
    );
    assert_eq!(world.refusal(AUDITOR, Body::Settle(Settle { claim: ids[1] })), None);
}

/// L-5.7, L-5.2, L-4.2, L-8.4: a base is drawn, verified and accepted; after the last round the sponsor is paid back and the run ends.
#[test]
fn a_run_is_finished() {
    let mut world = World::new();
    let run = world.merging();
    let mut events = Vec::new();
    for round in 0..2 {
        let signed = world.base(VERIFIERS[0], &run, 40 + round);
        let id = base_id(&signed.claim);
        events.extend(world.play(VERIFIERS[0], base(signed)));
        events.extend(world.wait(2));
        assert_eq!(world.units(&id), [Unit::Merge]);
        for name in &VERIFIERS[1..] {
            events.extend(world.play(*name, verdict(id, Unit::Merge, VerdictResult::Match)));
        }
        events.extend(world.play(AUDITOR, Body::Settle(Settle { claim: id })));
        if round == 0 {
            assert_eq!(world.phase(&run), Phase::Opening(world.height().after(1)));
            world.wait(1);
            let ids = world.commit_all(&run);
            world.wait(2);
            world.attest_all(&ids, AttestedPart::Drawn);
            for id in ids {
                world.judge(&id, VerdictResult::Match);
                world.play(AUDITOR, Body::Settle(Settle { claim: id }));
            }
        }
    }
    assert_eq!(world.phase(&run), Phase::Finished);
    assert_eq!(count(&events, |e| matches!(e, Event::BaseAccepted { .. })), 2);
    let progress = world.chain.state().progress(&run).unwrap();
    assert_eq!((progress.escrow, progress.base), (Amount(0), retrace_verifier::digest::Digest([41; 32])));
    let finished = |e: &Event| matches!(e, Event::RunFinished { head, .. } if *head == progress.base);
    assert_eq!(count(&events, finished), 1);
    let free = |name: u8| world.account(name).locked;
    assert!(TRAINERS.iter().chain(&VERIFIERS).all(|name| free(*name) == Amount(0)));
}

/// L-5.2: with nobody to train it a round does not open, and opens as soon as there is somebody.
#[test]
fn a_round_waits_for_trainers() {
    let mut world = World::new();
    let mut dear = terms();
    dear.lock = Amount(50_500);
    let run = world.open(dear);
    assert!(world.wait(3).is_empty());
    let stake = Body::Stake(crate::Stake { amount: Amount(700) });
    let events = world.play(TRAINERS[0], stake);
    let alone = |e: &Event| matches!(e, Event::RoundOpened { assignments, .. } if assignments[1].is_none());
    assert_eq!(count(&events, alone), 1);
    assert_eq!(world.phase(&run), Phase::Training);
}
