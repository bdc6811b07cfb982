//! A conviction in each phase of a later round, and what else may go on when it comes.

use super::breaker::sensitive;
use super::fixture::{AUDITOR, TRAINERS, VERIFIERS, World, base, count, verdict};
use super::taint::{
    INITIAL, accuse, commit_round, merge, optimistic, play_round, settle, stand, status, training, verify,
};
use crate::transaction::BaseInvalid;
use crate::{AttestedPart, Body, ClaimStatus, Event, Phase, Timeout, TransactionInvalid, VerdictResult};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;

/// A dispute that its accused has lost as soon as somebody says so.
fn overdue(world: &mut World, claim: Digest) -> Body {
    let body = Body::Timeout(Timeout { dispute: accuse(world, claim) });
    while world.refusal(AUDITOR, body.clone()).is_some() {
        world.wait(1);
    }
    body
}

fn tainted(events: &[Event]) -> usize {
    count(events, |event| matches!(event, Event::Tainted { .. }))
}

fn accepted(events: &[Event]) -> usize {
    count(events, |event| matches!(event, Event::BaseAccepted { .. }))
}

/// How far round 1 has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Training,
    Drawing,
    Auditing,
    Merging,
    Claimed,
    Opening,
}

/// Brings round 1 so far; gives its commitments.
fn bring(world: &mut World, run: &Digest, stage: At) -> Vec<Digest> {
    if stage == At::Training {
        return Vec::new();
    }
    let ids = world.commit_all(run);
    if stage == At::Drawing {
        return ids.to_vec();
    }
    world.wait(2);
    assert_eq!(world.phase(run), Phase::Auditing);
    if stage == At::Auditing {
        return ids.to_vec();
    }
    world.attest_all(&ids, AttestedPart::Drawn);
    if stage == At::Claimed {
        let signed = world.base(VERIFIERS[0], run, 41);
        world.play(VERIFIERS[0], base(signed));
    }
    if stage == At::Opening {
        merge(world, run, 41);
    }
    ids.to_vec()
}

/// L-5.19, L-5.2: in whichever phase a lie of an earlier round is proved, the round goes to its end, merges nothing, and the next one starts from the clean base.
#[test]
fn a_taint_in_each_phase_leads_on() {
    use At::{Auditing, Claimed, Drawing, Merging, Opening, Training};
    for stage in [Training, Drawing, Auditing, Merging, Claimed, Opening] {
        let (mut world, run) = self::training(optimistic(2, 5));
        let first = play_round(&mut world, &run, 40);
        let lost = overdue(&mut world, first[0]);
        let ids = bring(&mut world, &run, stage);
        let mut events = world.play(AUDITOR, lost);
        assert_eq!((tainted(&events), stand(&world, &run).0), (1, INITIAL), "{stage:?}");
        let is_tainted = world.chain.state().round(&run, 1).map(|round| round.taint.is_some());
        assert_eq!(is_tainted, Some(true), "{stage:?}");
        if stage == Drawing {
            events.extend(world.wait(2));
        }
        if stage == Drawing || stage == Auditing {
            events.extend(world.attest_all(&ids, AttestedPart::Drawn));
        }
        if stage == Claimed {
            let claim = world.chain.state().round(&run, 1).unwrap().standing.unwrap();
            events.extend(world.wait(2));
            for name in &VERIFIERS[1..] {
                world.play(*name, verdict(claim, Unit::Merge, VerdictResult::Match));
            }
            events.extend(settle(&mut world, claim));
        }
        while world.phase(&run) != Phase::Training {
            events.extend(world.wait(1));
        }
        assert_eq!(accepted(&events), 0, "{stage:?}");
        assert_eq!(stand(&world, &run), (INITIAL, None, 2, 0), "{stage:?}");
        let round = world.chain.state().round(&run, 2).unwrap();
        assert_eq!((round.base, round.parent, round.taint), (INITIAL, None, None), "{stage:?}");
        // All that was committed is decided like anything else, and both rounds are over.
        verify(&mut world, first[1]);
        for id in ids {
            verify(&mut world, id);
        }
        assert_eq!(stand(&world, &run).3, 2, "{stage:?}");
    }
}

/// L-5.17, L-5.19, L-5.7: a conviction that sets the breaker off kills the merge; the run stays in Merging until the breaker is off, and nobody puts stake on a merge that leads nowhere.
#[test]
fn a_dead_merge_waits_for_the_breaker() {
    let mut world = World::of(sensitive(50_000));
    let run = world.open(optimistic(1, 3));
    world.wait(1);
    let ids = commit_round(&mut world, &run);
    let lost = overdue(&mut world, ids[0]);
    let late = world.base(TRAINERS[0], &run, 41);
    let events = world.play(AUDITOR, lost);
    assert_eq!((tainted(&events), world.chain.state().is_breaker_on(&run)), (1, true));
    let refused = Some(TransactionInvalid::Base(BaseInvalid::Dead { found: 1 }));
    while world.chain.state().is_breaker_on(&run) {
        assert_eq!(world.phase(&run), Phase::Merging);
        assert_eq!(world.refusal(TRAINERS[0], base(late)), refused);
        world.wait(1);
    }
    world.wait(1);
    assert_eq!((world.phase(&run), stand(&world, &run)), (Phase::Training, (INITIAL, None, 1, 0)));
}

/// L-5.7, L-5.19: a standing claim of a dead merge is verified to its end, so a rival may still show that it is wrong; when it is convicted in silence the merge ends.
#[test]
fn a_dead_merge_may_be_disputed() {
    for has_rival in [false, true] {
        let (mut world, run) = training(optimistic(1, 3));
        let ids = commit_round(&mut world, &run);
        let lost = overdue(&mut world, ids[0]);
        let wrong = world.base(TRAINERS[0], &run, 40);
        world.play(TRAINERS[0], base(wrong));
        assert_eq!(tainted(&world.play(AUDITOR, lost)), 1);
        let right = world.base(TRAINERS[1], &run, 41);
        let dispute = match has_rival {
            true => {
                let events = world.play(TRAINERS[1], base(right));
                let opened = events.iter().find_map(|event| match event {
                    Event::DisputeOpened { dispute, .. } => Some(*dispute),
                    _ => None,
                });
                opened.unwrap()
            }
            false => world.challenge(AUDITOR, base_id(&wrong.claim), Unit::Merge, Opening::Nothing),
        };
        let body = Body::Timeout(Timeout { dispute });
        while world.refusal(AUDITOR, body.clone()).is_some() {
            world.wait(1);
        }
        world.play(AUDITOR, body);
        if has_rival {
            let id = base_id(&right.claim);
            assert_eq!(world.phase(&run), Phase::Merging);
            world.wait(2);
            for name in &VERIFIERS[1..] {
                world.play(*name, verdict(id, Unit::Merge, VerdictResult::Match));
            }
            assert_eq!(accepted(&settle(&mut world, id)), 0);
        }
        world.wait(1);
        assert_eq!((world.phase(&run), stand(&world, &run)), (Phase::Training, (INITIAL, None, 1, 0)));
    }
}

/// L-5.18, L-5.13: what only waits for its disputes to be void keeps neither the merge waiting nor is in it, and taints nothing when it is convicted; its round is not over before.
#[test]
fn what_is_withheld_is_not_merged() {
    let (mut world, run) = training(optimistic(2, 4));
    let ids = world.commit_all(&run);
    world.wait(2);
    let lost = overdue(&mut world, ids[1]);
    world.attest_all(&ids[..1], AttestedPart::Drawn);
    while world.phase(&run) == Phase::Auditing {
        world.wait(1);
    }
    assert_eq!(world.phase(&run), Phase::Merging);
    assert_eq!(world.chain.state().round(&run, 0).unwrap().merged, [ids[0]]);
    merge(&mut world, &run, 40);
    verify(&mut world, ids[0]);
    world.wait(3);
    assert_eq!(status(&world, &ids[1]), ClaimStatus::Open, "its dispute has not ended");
    assert_eq!(stand(&world, &run), (Digest([40; 32]), Some(0), 1, 0));
    let events = world.play(AUDITOR, lost);
    assert_eq!(tainted(&events), 0);
    assert!(matches!(status(&world, &ids[1]), ClaimStatus::Convicted { .. }));
    assert_eq!(stand(&world, &run), (Digest([40; 32]), Some(0), 1, 1));
    assert!(!world.chain.state().is_dead(&run, 0));
}
