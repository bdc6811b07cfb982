//! Deltas that are merged before their verdicts, and what becomes of all that was made from one that is proved wrong.

use super::fixture::{AUDITOR, VERIFIERS, World, base, commit, count, terms, verdict};
use crate::transaction::CommitInvalid;
use crate::{
    Amount, AttestedPart, Body, ClaimStatus, Event, Height, Merging, Phase, RewardReason, RunTerms, Settle,
    Timeout, TransactionInvalid, VerdictResult,
};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::segment::base_id;

pub(super) const INITIAL: Digest = Digest([4; 32]);

/// Terms with long spans: a round waits for its commitments, a claim for drawn verifiers of one mind.
pub fn optimistic(ahead: u8, rounds: u32) -> RunTerms {
    let mut terms = terms();
    terms.spec.rounds = rounds;
    terms.declared_gain = Amount(1_000);
    (terms.commit_span.heights, terms.verdict_span.heights) = (80, 50);
    terms.merging = Merging::Optimistic { ahead, insured_ppm: 500_000 };
    terms
}

/// A run of these terms in its first round.
pub(super) fn training(terms: RunTerms) -> (World, Digest) {
    let mut world = World::new();
    let run = world.open(terms);
    world.wait(1);
    assert_eq!(world.phase(&run), Phase::Training);
    (world, run)
}

/// Commits to the current round, which is drawn and attested; gives its commitments. Nothing is judged.
pub(super) fn commit_round(world: &mut World, run: &Digest) -> [Digest; 2] {
    let ids = world.commit_all(run);
    world.wait(2);
    world.attest_all(&ids, AttestedPart::Drawn);
    ids
}

/// Claims a base and has it verified.
pub(super) fn merge(world: &mut World, run: &Digest, seed: u8) -> Vec<Event> {
    let signed = world.base(VERIFIERS[0], run, seed);
    let id = base_id(&signed.claim);
    world.play(VERIFIERS[0], base(signed));
    world.wait(2);
    for name in &VERIFIERS[1..] {
        world.play(*name, verdict(id, Unit::Merge, VerdictResult::Match));
    }
    settle(world, id)
}

pub(super) fn settle(world: &mut World, claim: Digest) -> Vec<Event> {
    world.play(AUDITOR, Body::Settle(Settle { claim }))
}

/// The drawn verifiers find a match, and the claim is settled.
pub(super) fn verify(world: &mut World, claim: Digest) -> Vec<Event> {
    world.judge(&claim, VerdictResult::Match);
    settle(world, claim)
}

/// A round from its opening to the next one's; nothing of it is judged but its merge.
pub(super) fn play_round(world: &mut World, run: &Digest, seed: u8) -> [Digest; 2] {
    let ids = commit_round(world, run);
    assert_eq!(world.phase(run), Phase::Merging);
    merge(world, run, seed);
    world.wait(1);
    ids
}

pub(super) fn accuse(world: &mut World, claim: Digest) -> Digest {
    world.challenge(AUDITOR, claim, Unit::Loss, Opening::Nothing)
}

/// The accused is silent until it is convicted.
fn convict(world: &mut World, dispute: Digest) -> Vec<Event> {
    let body = Body::Timeout(Timeout { dispute });
    while world.refusal(AUDITOR, body.clone()).is_some() {
        world.wait(1);
    }
    world.play(AUDITOR, body)
}

pub(super) fn status(world: &World, claim: &Digest) -> ClaimStatus {
    world.chain.state().claim(claim).unwrap().status
}

/// Head, the round that made it, the current round and the oldest that is not over.
pub(super) fn stand(world: &World, run: &Digest) -> (Digest, Option<u32>, u32, u32) {
    let progress = world.chain.state().progress(run).unwrap();
    (progress.base, progress.parent, progress.round, progress.oldest)
}

fn paid(events: &[Event], wanted: RewardReason, most: u64) -> usize {
    count(
        events,
        |e| matches!(e, Event::Rewarded { reason, amount, .. } if *reason == wanted && amount.0 == most),
    )
}

/// L-5.18: deltas are merged while their claims are open; the next rounds open, as many as the run allows; trainers are paid when a round is over, verifiers at once.
#[test]
fn deltas_are_merged_before_their_verdicts() {
    let (mut world, run) = training(optimistic(2, 5));
    let first = play_round(&mut world, &run, 40);
    assert_eq!(first.map(|id| status(&world, &id)), [ClaimStatus::Open; 2]);
    assert_eq!(world.phase(&run), Phase::Training);
    assert_eq!(stand(&world, &run), (Digest([40; 32]), Some(0), 1, 0));
    let second = play_round(&mut world, &run, 41);
    play_round(&mut world, &run, 42);
    assert_eq!(world.chain.state().ancestry(&run, Some(2)), [0, 1, 2]);

    // Three rounds are not over, two of them ahead of the first: the fourth waits.
    assert!(matches!(world.phase(&run), Phase::Opening(_)));
    world.wait(5);
    assert_eq!(stand(&world, &run), (Digest([42; 32]), Some(2), 3, 0));
    assert_eq!(world.chain.state().clean_base(&run), Some((INITIAL, None)));

    // A later round is decided first: it is not over before the ones before it are.
    let early: Vec<Event> = second.iter().flat_map(|id| verify(&mut world, *id)).collect();
    assert!(paid(&early, RewardReason::Verdict, 18) > 0);
    let mut events = verify(&mut world, first[0]);
    assert_eq!((paid(&early, RewardReason::Segment, 100), paid(&events, RewardReason::Segment, 100)), (0, 0));
    assert_eq!(stand(&world, &run).3, 0);
    events = verify(&mut world, first[1]);
    assert_eq!(paid(&events, RewardReason::Segment, 100), 4, "two rounds are over");
    assert_eq!(world.chain.state().clean_base(&run), Some((Digest([41; 32]), Some(1))));
    world.wait(1);
    assert_eq!((world.phase(&run), stand(&world, &run).3), (Phase::Training, 2));
}

/// L-5.18: a dispute keeps no delta out of a merge, and what was convicted before it is not in it.
#[test]
fn what_a_merge_takes() {
    let (mut world, run) = training(optimistic(1, 3));
    let ids = world.commit_all(&run);
    let (lost, kept) = (accuse(&mut world, ids[0]), accuse(&mut world, ids[1]));
    convict(&mut world, lost);
    world.wait(3);
    assert_eq!(world.phase(&run), Phase::Auditing);
    world.attest_all(&ids[1..], AttestedPart::Drawn);
    assert_eq!(world.phase(&run), Phase::Merging);
    assert_eq!(world.chain.state().round(&run, 0).unwrap().merged, [ids[1]]);
    assert_eq!(world.chain.state().accepted_deltas(&run, 0).len(), 1);
    // The one that was convicted had no part in what follows.
    assert!(!world.chain.state().is_dead(&run, 0));
    let events = convict(&mut world, kept);
    assert_eq!(count(&events, |e| matches!(e, Event::Tainted { round: 0, .. })), 1);
    assert!(world.chain.state().is_dead(&run, 0));
}

/// L-5.19: everything made from a convicted delta is tainted, the head returns to the base of its round, the round being trained closes without a fault of anybody, and the next one starts from the clean base.
#[test]
fn a_lie_taints_what_was_made_from_it() {
    let (mut world, run) = training(optimistic(2, 5));
    let first = play_round(&mut world, &run, 40);
    let second = play_round(&mut world, &run, 41);
    let (name, signed) = world.commitment(&run, 0, 7);
    world.play(name, commit(signed));
    let late = signed.commitment.id();

    verify(&mut world, second[0]);
    let dispute = accuse(&mut world, first[0]);
    let accused_at = world.height();
    verify(&mut world, second[1]);
    let events = convict(&mut world, dispute);
    let expected =
        Event::Tainted { run, claim: first[0], round: 0, rounds: vec![1, 2], accused_at, head: INITIAL };
    assert!(events.contains(&expected), "{events:?}");
    assert_eq!(stand(&world, &run), (INITIAL, None, 2, 0));
    assert_eq!(world.chain.state().clean_base(&run), Some((INITIAL, None)));
    let taint = |round| world.chain.state().round(&run, round).unwrap().taint.map(|taint| taint.by);
    assert_eq!([0, 1, 2].map(taint), [None, Some(first[0]), Some(first[0])]);

    // It waits for the attestation of what it has, and takes nothing more.
    let (other, more) = world.commitment(&run, 1, 9);
    let refused = world.refusal(other, commit(more));
    assert_eq!(refused, Some(TransactionInvalid::Commit(CommitInvalid::Tainted { found: 2 })));
    let mut events = world.attest_all(&[late], AttestedPart::Segment);
    assert_eq!(count(&events, |e| matches!(e, Event::RoundClosed { round: 2, commitments: 1, .. })), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::SlotMissed { .. })), 0);
    world.wait(2);
    world.attest_all(&[late], AttestedPart::Drawn);
    assert!(matches!(world.phase(&run), Phase::Opening(_)), "its deltas are not merged");

    // Round 1 and 2 are paid by what was known, round 0 started from a clean base.
    verify(&mut world, late);
    events = verify(&mut world, first[1]);
    assert_eq!(paid(&events, RewardReason::Segment, 100), 1);
    assert_eq!(paid(&events, RewardReason::Insured, 50), 1, "what was verified before the accusation");
    let nothing = |e: &Event| matches!(e, Event::Decided { paid: Amount(0), .. });
    assert_eq!(count(&events, nothing), 2, "what was verified after it");
    let mut events = world.wait(1);
    let opened = |e: &Event| matches!(e, Event::RoundOpened { round: 3, base: INITIAL, .. });
    if count(&events, opened) == 0 {
        events = world.wait(1);
    }
    assert_eq!(world.chain.state().round(&run, 3).map(|r| (r.base, r.parent)), Some((INITIAL, None)));
    drop(events);
    play_round(&mut world, &run, 43);
    assert_eq!(stand(&world, &run), (Digest([43; 32]), Some(3), 4, 3));
    assert_eq!(world.chain.state().ancestry(&run, Some(3)), [3]);
}

/// L-5.19: a mismatch verdict of a drawn verifier accuses before any dispute does; a second taint takes the earlier accusation, and the head goes further back.
#[test]
fn a_second_taint_goes_further_back() {
    let (mut world, run) = training(optimistic(3, 6));
    let first = play_round(&mut world, &run, 40);
    let second = play_round(&mut world, &run, 41);
    play_round(&mut world, &run, 42);
    let audit = world.chain.state().claim(&first[0]).unwrap().audit.clone().unwrap();
    let drawn = crate::drawn_verifiers(&audit, &first[0], Unit::Loss, 2);
    let name = VERIFIERS.into_iter().find(|name| super::fixture::key(*name) == drawn[0]).unwrap();
    world.play(name, verdict(first[0], Unit::Loss, VerdictResult::Mismatch));
    let earlier = world.height();

    let dispute = accuse(&mut world, second[1]);
    let later = world.height();
    convict(&mut world, dispute);
    assert_eq!(stand(&world, &run), (Digest([40; 32]), Some(0), 3, 0));
    let taint = |world: &World, round| {
        let taint = world.chain.state().round(&run, round).unwrap().taint;
        taint.map(|taint| (taint.by, taint.accused_at))
    };
    assert_eq!(
        [1, 2, 3].map(|n| taint(&world, n)),
        [None, Some((second[1], later)), Some((second[1], later))]
    );

    let dispute = accuse(&mut world, first[0]);
    let events = convict(&mut world, dispute);
    let is = |e: &Event| matches!(e, Event::Tainted { round: 0, rounds, head: INITIAL, .. } if *rounds == [1, 2, 3]);
    assert_eq!(count(&events, is), 1, "{events:?}");
    // Round 3 had no commitment, so it is closed already, and the fourth waits for room.
    assert_eq!(stand(&world, &run), (INITIAL, None, 4, 0));
    let expected = [Some((first[0], earlier)), Some((second[1], earlier)), Some((second[1], earlier))];
    assert_eq!([1, 2, 3].map(|n| taint(&world, n)), expected);
}

/// L-5.19: a merge whose round is dead does not begin, or is verified to its end and changes nothing.
#[test]
fn a_dead_merge_changes_nothing() {
    for has_standing in [false, true] {
        let (mut world, run) = training(optimistic(1, 3));
        let ids = commit_round(&mut world, &run);
        assert_eq!(world.phase(&run), Phase::Merging);
        let signed = world.base(VERIFIERS[0], &run, 40);
        if has_standing {
            world.play(VERIFIERS[0], base(signed));
        }
        let dispute = accuse(&mut world, ids[0]);
        let events = convict(&mut world, dispute);
        let is = |e: &Event| matches!(e, Event::Tainted { rounds, head: INITIAL, .. } if rounds.is_empty());
        assert_eq!(count(&events, is), 1);
        if has_standing {
            let id = base_id(&signed.claim);
            assert_eq!(world.phase(&run), Phase::Merging);
            for name in &VERIFIERS[1..] {
                world.play(*name, verdict(id, Unit::Merge, VerdictResult::Match));
            }
            let events = settle(&mut world, id);
            assert_eq!(count(&events, |e| matches!(e, Event::BaseAccepted { .. })), 0);
            assert_eq!(world.account(VERIFIERS[0]).locked, Amount(0), "its claim was right");
        }
        world.wait(1);
        assert_eq!((stand(&world, &run), world.phase(&run)), ((INITIAL, None, 1, 0), Phase::Training));
    }
}

/// L-5.2, L-5.19: after the last round the run waits for what is not over, and a lie that is proved then still returns its head; escrow goes back to the last unit.
#[test]
fn the_last_round_is_waited_for() {
    let (mut world, run) = training(optimistic(1, 2));
    let first = play_round(&mut world, &run, 40);
    verify(&mut world, first[0]);
    verify(&mut world, first[1]);
    let last = commit_round(&mut world, &run);
    merge(&mut world, &run, 41);
    assert_eq!((world.phase(&run), stand(&world, &run)), (Phase::Closing, (Digest([41; 32]), Some(1), 1, 1)));
    verify(&mut world, last[1]);
    let dispute = accuse(&mut world, last[0]);
    let events = convict(&mut world, dispute);
    let finished = |e: &Event| matches!(e, Event::RunFinished { head, .. } if *head == Digest([40; 32]));
    assert_eq!(count(&events, finished), 1, "{events:?}");
    assert_eq!(world.phase(&run), Phase::Finished);
    assert_eq!(world.chain.state().progress(&run).unwrap().escrow, Amount(0));
    assert_eq!(paid(&events, RewardReason::Segment, 100), 1);
}

/// L-5.19: a delayed run has no merged commitment that could still be convicted.
#[test]
fn a_delayed_run_is_never_tainted() {
    let mut world = World::new();
    let run = world.merging();
    let round = world.chain.state().round(&run, 0).unwrap();
    assert!(round.merged.iter().all(|id| status(&world, id) == ClaimStatus::Verified));
    assert_eq!(round.merged.len(), 2);
    assert_eq!(stand(&world, &run), (INITIAL, None, 0, 0));
    merge(&mut world, &run, 40);
    assert_eq!(stand(&world, &run), (Digest([40; 32]), Some(0), 1, 1));
    assert_eq!(world.phase(&run), Phase::Opening(Height(world.height().0 + 1)));
}
