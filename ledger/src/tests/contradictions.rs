//! Two answers to one question: in two disputes, in one, in blocks or beside them.

use super::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, count, key, secret};
use crate::{
    Amount, Answer, Body, ClaimStatus, Contradiction, ContradictionInvalid, DisputeStatus, Ending, Event,
    Play, PlayInvalid, RewardReason, SlashReason, Timeout, TransactionInvalid, VerdictResult,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::game::Question;
use retrace_verifier::signature::SignatureError;
use retrace_verifier::{Move, Side, SignedMove, Unit};

/// Who answers for a claim.
fn accused(world: &World, claim: &Digest) -> u8 {
    let signer = world.chain.state().claim(claim).unwrap().signer();
    TRAINERS.into_iter().find(|name| key(*name) == signer).unwrap()
}

fn dispute(world: &mut World, name: u8, claim: Digest) -> Digest {
    world.challenge(name, claim, Unit::Loss, Opening::Nothing)
}

fn trace(name: u8, dispute: Digest, root: u8) -> SignedMove {
    SignedMove::new(&secret(name), dispute, 0, Side::Accused, Move::Trace(Digest([root; 32])))
}

fn play(signed: SignedMove) -> Body {
    Body::Play(Box::new(Play { signed }))
}

fn show(first: &SignedMove, second: &SignedMove) -> Body {
    Body::Contradiction(Box::new(Contradiction { first: first.clone(), second: second.clone() }))
}

/// L-5.14, L-5.9, L-5.11, L-2.4: two traces for one unit convict, in whatever disputes they are and whoever carries them; no
/// verifier pays for it, and the first accusation gets the bounty.
#[test]
fn two_traces_for_one_unit_convict() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    world.judge(&ids[0], VerdictResult::Match);
    let liar = accused(&world, &ids[0]);
    let first = dispute(&mut world, AUDITOR, ids[0]);
    let second = dispute(&mut world, VERIFIERS[0], ids[0]);
    let third = dispute(&mut world, VERIFIERS[1], ids[0]);
    let stakes = VERIFIERS.map(|name| world.account(name).bonded);
    world.play(SPONSOR, play(trace(liar, first, 5)));
    // The same root is what an honest accused gives.
    world.play(SPONSOR, play(trace(liar, third, 5)));
    let state = world.chain.state();
    assert_eq!(state.trace(&ids[0], Unit::Loss), Some(Digest([5; 32])));
    let remembered = Answer { dispute: first, number: 0, digest: Digest([5; 32]) };
    assert_eq!(state.answer(&ids[0], Unit::Loss, Question::Trace), Some(&remembered));
    assert_eq!(state.claim(&ids[0]).unwrap().status, ClaimStatus::Open);

    let events = world.play(SPONSOR, play(trace(liar, second, 6)));
    let state = world.chain.state();
    assert_eq!(state.claim(&ids[0]).unwrap().status, ClaimStatus::Convicted { dispute: second });
    assert_eq!(state.dispute(&second).unwrap().status, DisputeStatus::Contradicted);
    for other in [first, third] {
        assert_eq!(state.dispute(&other).unwrap().status, DisputeStatus::Overtaken { by: second });
    }
    assert_eq!(state.answer(&ids[0], Unit::Loss, Question::Trace), Some(&remembered), "the first one stays");
    let said = |e: &Event| {
        let disputes =
            matches!(e, Event::Contradicted { first: a, second: b, .. } if (*a, *b) == (first, second));
        disputes || matches!(e, Event::DisputeEnded { ending: Ending::Contradicted, .. })
    };
    assert_eq!(count(&events, said), 2);
    let slashed =
        |e: &Event| matches!(e, Event::Slashed { reason, .. } if *reason == SlashReason::Contradiction);
    assert_eq!(count(&events, slashed), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::Slashed { .. })), 1, "no verdict is disproved");
    assert_eq!(VERIFIERS.map(|name| world.account(name).bonded), stakes);
    assert_eq!(world.account(liar).bonded, Amount(40_000));
    assert_eq!(world.account(AUDITOR).balance, Amount(5_700));
    for name in [AUDITOR, VERIFIERS[0], VERIFIERS[1]] {
        assert_eq!(world.account(name).locked, Amount(0));
    }
    let over = Some(TransactionInvalid::Play(PlayInvalid::Over));
    assert_eq!(world.refusal(SPONSOR, play(trace(liar, third, 6))), over);
}

/// L-5.14: each reason, in the order of the checks; a move that is in no block convicts as well.
#[test]
fn each_reason_has_a_row() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let liar = accused(&world, &ids[0]);
    let open = [AUDITOR, VERIFIERS[0]].map(|name| dispute(&mut world, name, ids[0]));
    let delta = dispute(&mut world, AUDITOR, ids[1]);
    let good = trace(liar, open[0], 5);
    let sign = |name: u8, side, number, body| SignedMove::new(&secret(name), open[1], number, side, body);
    let totals = |number, lane| sign(liar, Side::Accused, number, Move::Totals([lane; 16]));
    let key = super::fixture::key(liar);
    let forged = ContradictionInvalid::Signature(SignatureError::Signature { key });
    let rows = [
        (trace(liar, Digest([9; 32]), 6), ContradictionInvalid::UnknownDispute),
        (trace(liar, delta, 6), ContradictionInvalid::Elsewhere),
        (sign(AUDITOR, Side::Challenger, 0, Move::Trace(Digest([6; 32]))), ContradictionInvalid::Challenger),
        // Nobody asked for totals, neither now nor later.
        (totals(0, 1), ContradictionInvalid::NoQuestion),
        (totals(7, 1), ContradictionInvalid::NoQuestion),
        (sign(liar, Side::Accused, 0, Move::Reveal(Digest([6; 32]))), ContradictionInvalid::NoQuestion),
        (trace(liar, open[1], 5), ContradictionInvalid::SameAnswer),
        (trace(AUDITOR, open[1], 6), forged),
    ];
    for (second, expected) in rows {
        for body in [show(&good, &second), show(&second, &good)] {
            let found = world.refusal(SPONSOR, body);
            assert_eq!(found, Some(TransactionInvalid::Contradiction(expected)));
        }
    }
    // Neither of the two was ever carried to the ledger.
    let second = trace(liar, open[1], 6);
    let events = world.play(SPONSOR, show(&good, &second));
    let ended = |e: &Event| matches!(e, Event::DisputeEnded { ending: Ending::Contradicted, .. });
    assert_eq!(count(&events, ended), 1);
    let status = ClaimStatus::Convicted { dispute: open[1] };
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().status, status);
    let found = world.refusal(SPONSOR, show(&good, &second));
    assert_eq!(found, Some(TransactionInvalid::Contradiction(ContradictionInvalid::NotOpen)));
}

/// L-5.14: two answers in one dispute contradict each other too; where no accusation is pending all of the lock is burned.
#[test]
fn a_lost_dispute_is_remembered() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let liar = accused(&world, &ids[0]);
    let open = dispute(&mut world, AUDITOR, ids[0]);
    let first = trace(liar, open, 5);
    world.play(SPONSOR, play(first.clone()));
    // Its challenger falls silent.
    world.wait(5);
    world.play(SPONSOR, Body::Timeout(Timeout { dispute: open }));
    let ended = world.chain.state().dispute(&open).unwrap().status.clone();
    let burned = world.chain.state().now().unwrap().burned;
    let events = world.play(SPONSOR, show(&first, &trace(liar, open, 6)));
    let status = ClaimStatus::Convicted { dispute: open };
    assert_eq!(world.chain.state().claim(&ids[0]).unwrap().status, status);
    assert_eq!(world.chain.state().dispute(&open).unwrap().status, ended, "how it ended stays");
    let bounty = |e: &Event| matches!(e, Event::Rewarded { reason: RewardReason::Bounty, .. });
    assert_eq!(count(&events, bounty), 0);
    assert_eq!(world.chain.state().now().unwrap().burned, Amount(burned.0 + 10_000));
}
