//! What is not attested in time is void: when, at what cost, and what open disputes over it change.

use super::fixture::{
    AUDITOR, SPONSOR, TRAINERS, VALIDATOR, VERIFIERS, World, attest, commit, count, genesis, genesis_of, key,
    terms, verdict,
};
use crate::AttestedPart::{Drawn, Segment};
use crate::{
    Amount, AttestInvalid, Body, ClaimStatus, Dispute, DisputeInvalid, Event, Phase, Register, Role, Settle,
    SettleInvalid, Stake, Timeout, TransactionInvalid, Transfer, Unbond, VerdictResult, drawn_verifiers,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::{Side, SignedMove, Unit};

fn dispute(claim: Digest) -> Body {
    Body::Dispute(Box::new(Dispute { claim, unit: Unit::Loss, opening: Opening::Nothing, salt: None }))
}

/// The auditor opens what it has sealed.
fn open_seal(world: &mut World, claim: Digest, salt: Digest) -> Digest {
    world.open_seal(AUDITOR, claim, Unit::Loss, Opening::Nothing, salt)
}

fn status(world: &World, claim: &Digest) -> ClaimStatus {
    world.chain.state().claim(claim).unwrap().status
}

fn name_of(world: &World, claim: &Digest) -> u8 {
    let signer = world.chain.state().claim(claim).unwrap().signer();
    TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap()
}

/// Both slots commit; nothing is attested.
fn committed(world: &mut World) -> (Digest, [Digest; 2]) {
    let run = world.training();
    let ids = [0, 1].map(|slot| {
        let (name, signed) = world.commitment(&run, slot, 7 + slot as u8);
        world.play(name, commit(signed));
        signed.commitment.id()
    });
    (run, ids)
}

/// A run of which both commitments are drawn, and only the second one's drawn states are attested in time.
fn withheld(world: &mut World) -> (Digest, [Digest; 2]) {
    let (run, ids) = committed(world);
    world.attest_all(&ids, Segment);
    world.wait(2);
    assert_eq!(world.phase(&run), Phase::Auditing);
    world.attest_all(&ids[1..], Drawn);
    (run, ids)
}

/// Waits for this many heights after the opening of the run's round.
fn wait_to(world: &mut World, run: &Digest, heights: u64) -> Vec<Event> {
    let opened = world.chain.state().round(run, 0).unwrap().opened.height;
    world.wait(opened.0 + heights - world.height().0)
}

fn waits_until_published_by(world: &mut World, claim: &Digest) -> Vec<Event> {
    let audit = world.chain.state().claim(claim).unwrap().audit.clone().unwrap();
    // Ten heights and ten seconds from the draw.
    world.wait(audit.published_by.height.0 - world.height().0)
}

/// L-5.2, L-5.12, L-5.13: a round waits for attestations a while longer than for commitments; what has none then is void, loses a
/// fixed part of its lock, is neither drawn nor merged, and is never called fraud.
#[test]
fn a_segment_that_nobody_holds_is_void() {
    let mut world = World::new();
    let (run, ids) = committed(&mut world);
    world.attest_all(&ids[..1], Segment);
    assert_eq!(world.phase(&run), Phase::Training);
    // Five heights to commit, ten more to attest.
    wait_to(&mut world, &run, 15);
    assert_eq!((status(&world, &ids[1]), world.phase(&run)), (ClaimStatus::Open, Phase::Training));
    assert_eq!(world.refusal(VALIDATOR, attest(ids[1], Segment)), None);
    let events = world.wait(1);
    let (claim, trainer) = (ids[1], key(name_of(&world, &ids[1])));
    let voided = Event::Voided { run, claim, trainer, part: Segment, burned: Amount(100) };
    assert_eq!(count(&events, |e| *e == voided), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::Slashed { .. } | Event::SlotMissed { .. })), 0);
    assert_eq!(status(&world, &claim), ClaimStatus::Void);
    let account = world.account(name_of(&world, &claim));
    assert_eq!((account.bonded, account.locked), (Amount(49_900), Amount(0)));
    assert_eq!(world.chain.state().now().unwrap().burned, Amount(100));
    let found = world.refusal(VALIDATOR, attest(claim, Segment));
    assert_eq!(found, Some(TransactionInvalid::Attest(AttestInvalid::NotOpen)));

    let events = world.wait(2);
    assert_eq!(count(&events, |e| matches!(e, Event::Drawn { claim, .. } if *claim == ids[0])), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::Drawn { .. })), 1);
    world.attest_all(&ids[..1], Drawn);
    world.judge(&ids[0], VerdictResult::Match);
    world.play(AUDITOR, Body::Settle(Settle { claim: ids[0] }));
    assert_eq!(world.phase(&run), Phase::Merging);
    assert_eq!(world.chain.state().accepted_deltas(&run, 0).len(), 1);
}

/// L-5.12, L-5.13, L-5.6: drawn states that are not attested in time make a commitment void, whatever its verdicts say; nobody is paid for it.
#[test]
fn drawn_states_that_nobody_holds_make_it_void() {
    let mut world = World::new();
    let (run, ids) = withheld(&mut world);
    let units = world.chain.state().drawn_states(&ids[0]);
    assert!(units.contains(&Unit::Delta) && !units.contains(&Unit::Loss) && !units.contains(&Unit::Step(0)));
    assert!(world.chain.state().is_published(&ids[1]) && !world.chain.state().is_published(&ids[0]));
    // All verdicts in one block, so that it is in time.
    let mut pending = Vec::new();
    for (at, unit) in world.units(&ids[0]).into_iter().enumerate() {
        for name in VERIFIERS {
            pending.push(world.sign_with(name, verdict(ids[0], unit, VerdictResult::Match), at as u64 + 1));
        }
    }
    world.step(pending);
    let found = world.refusal(AUDITOR, Body::Settle(Settle { claim: ids[0] }));
    assert_eq!(found, Some(TransactionInvalid::Settle(SettleInvalid::Unpublished)));
    waits_until_published_by(&mut world, &ids[0]);
    assert_eq!(status(&world, &ids[0]), ClaimStatus::Open);
    let events = world.wait(1);
    let voided = |e: &Event| matches!(e, Event::Voided { part: Drawn, burned: Amount(100), .. });
    assert_eq!((count(&events, voided), events.len()), (1, 1));
    assert_eq!(status(&world, &ids[0]), ClaimStatus::Void);
    assert_eq!((status(&world, &ids[1]), world.phase(&run)), (ClaimStatus::Open, Phase::Auditing));
    assert!(VERIFIERS.iter().all(|name| world.account(*name).balance == Amount(1_000)));
}

/// L-5.13: a disputed commitment is not voided before its disputes have ended, no other dispute and no attestation comes in
/// the meantime, and when the challenger loses it is void after all.
#[test]
fn a_dispute_puts_the_void_off() {
    let mut world = World::new();
    let (_, ids) = withheld(&mut world);
    let accused = name_of(&world, &ids[0]);
    world.wait(5);
    let open = world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
    waits_until_published_by(&mut world, &ids[0]);
    assert_eq!(count(&world.wait(1), |e| matches!(e, Event::Voided { .. })), 0);
    assert_eq!(status(&world, &ids[0]), ClaimStatus::Open);
    let found = world.refusal(VERIFIERS[0], dispute(ids[0]));
    assert_eq!(found, Some(TransactionInvalid::Dispute(DisputeInvalid::Withheld)));
    let found = world.refusal(VALIDATOR, attest(ids[0], Drawn));
    assert_eq!(found, Some(TransactionInvalid::Attest(AttestInvalid::TooLate)));
    let trace = retrace_verifier::Move::Trace(Digest([5; 32]));
    let signed = SignedMove::new(&super::fixture::secret(accused), open, 0, Side::Accused, trace);
    world.play(accused, Body::Play(Box::new(crate::Play { signed })));
    world.wait(4);
    let events = world.play(SPONSOR, Body::Timeout(Timeout { dispute: open }));
    assert_eq!(count(&events, |e| matches!(e, Event::Voided { part: Drawn, .. })), 1);
    assert_eq!(status(&world, &ids[0]), ClaimStatus::Void);
    // The challenger's bond is gone by its own loss, half of it to the accused.
    assert_eq!(world.account(AUDITOR).bonded, Amount(19_000));
    let account = world.account(accused);
    assert_eq!((account.bonded, account.balance, account.locked), (Amount(49_900), Amount(1_500), Amount(0)));
}

/// L-5.13, L-5.11: who withholds does not escape a conviction, be it for its segment or for its drawn states.
#[test]
fn a_conviction_comes_before_the_void() {
    for part in [Segment, Drawn] {
        let mut world = World::new();
        let (run, ids) = if part == Segment { committed(&mut world) } else { withheld(&mut world) };
        let accused = name_of(&world, &ids[0]);
        let salt = world.seal(AUDITOR, ids[0], Unit::Loss);
        // The time to attest is over three heights later.
        match part {
            Segment => wait_to(&mut world, &run, 12),
            Drawn => world.wait(5),
        };
        let open = open_seal(&mut world, ids[0], salt);
        let events = world.wait(4);
        let of_it = |e: &Event| matches!(e, Event::Voided { claim, .. } if *claim == ids[0]);
        assert_eq!(count(&events, of_it), 0);
        assert_eq!(status(&world, &ids[0]), ClaimStatus::Open);
        world.play(SPONSOR, Body::Timeout(Timeout { dispute: open }));
        assert_eq!(status(&world, &ids[0]), ClaimStatus::Convicted { dispute: open });
        assert_eq!(world.account(accused).bonded, Amount(40_000));
        assert_eq!(world.account(AUDITOR).balance, Amount(5_700));
        assert_eq!(count(&world.wait(12), of_it), 0);
    }
}

/// L-5.2, L-5.13: a commitment that waits for its disputes is passed over by the draw, and holds its round.
#[test]
fn a_draw_passes_over_what_will_be_void() {
    let mut world = World::new();
    let (run, ids) = committed(&mut world);
    world.attest_all(&ids[..1], Segment);
    let accused = name_of(&world, &ids[1]);
    let salt = world.seal(AUDITOR, ids[1], Unit::Loss);
    wait_to(&mut world, &run, 11);
    let open = open_seal(&mut world, ids[1], salt);
    let trace = retrace_verifier::Move::Trace(Digest([5; 32]));
    let signed = SignedMove::new(&super::fixture::secret(accused), open, 0, Side::Accused, trace);
    world.play(accused, Body::Play(Box::new(crate::Play { signed })));
    // Closed at 16 heights, drawn at 18, which is when the challenger's clock has run out.
    let events = wait_to(&mut world, &run, 18);
    assert_eq!(count(&events, |e| matches!(e, Event::Drawn { .. })), 1);
    assert_eq!((world.phase(&run), status(&world, &ids[1])), (Phase::Auditing, ClaimStatus::Open));
    let events = world.play(SPONSOR, Body::Timeout(Timeout { dispute: open }));
    assert_eq!(count(&events, |e| matches!(e, Event::Voided { part: Segment, .. })), 1);
    assert_eq!(status(&world, &ids[1]), ClaimStatus::Void);
}

/// L-5.12, L-5.4: the window runs anew from when the drawn states are attested: they cannot be kept back until it is over.
#[test]
fn the_window_waits_for_the_bytes() {
    let mut world = World::new();
    let (_, ids) = withheld(&mut world);
    world.wait(4);
    let deadline =
        |world: &World| world.chain.state().claim(&ids[0]).unwrap().audit.as_ref().unwrap().deadline;
    let before = deadline(&world);
    world.attest_all(&ids[..1], Drawn);
    let now = world.chain.state().now().unwrap().moment();
    assert_eq!(deadline(&world), now.after(terms().verdict_span));
    assert!(before.height < deadline(&world).height);
    assert_eq!(world.chain.state().settlement(&ids[0], now), Err(SettleInvalid::TooFewVerdicts));
}

/// L-5.12: two thirds of the power are not more than two thirds; what was enough stays enough when validators leave, and a
/// validator that leaves does not make the word of those who stay enough by itself.
#[test]
fn power_is_counted_when_it_attests() {
    let mut world = World::of(genesis_of(&[(VALIDATOR, 10_000), (101, 20_000), (102, 30_000)]));
    let (run, ids) = committed(&mut world);
    world
        .step(vec![world.sign(VALIDATOR, attest(ids[0], Segment)), world.sign(102, attest(ids[0], Segment))]);
    assert!(!world.chain.state().is_attested(&ids[0], Segment), "40,000 of 60,000");
    world.play(101, attest(ids[0], Segment));
    assert!(world.chain.state().is_attested(&ids[0], Segment));
    world.step(vec![world.sign(102, attest(ids[1], Segment)), world.sign(101, attest(ids[1], Segment))]);
    assert!(world.chain.state().is_attested(&ids[1], Segment), "50,000 of 60,000");
    world.play(102, Body::Unbond(Unbond { amount: Amount(30_000) }));
    assert!(ids.iter().all(|id| world.chain.state().is_attested(id, Segment)));
    assert!(matches!(world.phase(&run), Phase::Drawing(_)));
}

/// L-2.7, L-5.2, L-5.4, L-5.5: a trainer and a verifier that register are assigned and drawn when their role is in force, not before.
#[test]
fn a_role_counts_when_it_is_in_force() {
    let mut genesis = genesis();
    genesis.params.key_delay = 30;
    let mut world = World::of(genesis);
    let newcomers = [(60, Role::Trainer), (61, Role::Verifier)];
    for (name, role) in newcomers {
        world.play(SPONSOR, Body::Transfer(Transfer { to: key(name), amount: Amount(20_000) }));
        world.play(name, Body::Stake(Stake { amount: Amount(20_000) }));
        let body = Register { role, keys: None, possession: None };
        world.play(name, Body::Register(Box::new(body)));
    }
    let mut wide = terms();
    wide.spec.slots = 3;
    wide.verdicts_min = 4;
    let run = world.open(wide.clone());
    let opened = world.wait(1);
    let Event::RoundOpened { assignments, .. } = &opened[0] else { panic!("{opened:?}") };
    assert_eq!(assignments.iter().flatten().count(), 2);
    let ids = world.commit_all(&run);
    world.wait(2);
    let drawn = |world: &World, claim: &Digest| {
        let audit = world.chain.state().claim(claim).unwrap().audit.clone().unwrap();
        drawn_verifiers(&audit, claim, Unit::Delta, 4).len()
    };
    assert_eq!(drawn(&world, &ids[0]), 3);
    // The claim stays open: what was drawn is held, and nobody judges.
    world.attest_all(&ids, Drawn);
    let late = || verdict(ids[0], Unit::Loss, VerdictResult::Match);
    let early = world.refusal(61, late());
    assert_eq!(early, Some(TransactionInvalid::Verdict(crate::VerdictInvalid::NotVerifier)));
    world.wait(36 - world.height().0);
    assert_eq!(world.refusal(61, late()), None);
    let other = world.open(wide);
    let opened = world.wait(1);
    let is_full = |e: &Event| match e {
        Event::RoundOpened { run, assignments, .. } => {
            *run == other && assignments.iter().all(Option::is_some)
        }
        _ => false,
    };
    assert_eq!(count(&opened, is_full), 1);
}
