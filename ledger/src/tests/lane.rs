//! The dispute lane's share of a block, and what a block leaves out of it.

use super::fixture::{AUDITOR, SPONSOR, VERIFIERS, World};
use crate::lane::Room;
use crate::limits::{DISPUTE_BYTES_MIN, DISPUTE_LANE_BYTES, DISPUTE_LANE_TRANSACTIONS, TRANSACTIONS_MAX};
use crate::{Amount, Body, Dispute, Settle, Signed, Stake, Timeout, Transaction};
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;

/// Opens the auditor's seal of a claim.
fn dispute(claim: Digest, salt: Digest) -> Body {
    let salt = Some(salt);
    Body::Dispute(Box::new(Dispute { claim, unit: Unit::Loss, opening: Opening::Nothing, salt }))
}

fn stake() -> Body {
    Body::Stake(Stake { amount: Amount(1) })
}

fn timeout(world: &World, nonce: u64) -> Signed<Transaction> {
    world.sign_with(AUDITOR, Body::Timeout(Timeout { dispute: Digest([nonce as u8; 32]) }), nonce)
}

/// L-8.3: four thousand others that come first leave a dispute its place.
#[test]
fn others_leave_room_for_disputes() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let salt = world.seal(AUDITOR, ids[0], Unit::Loss);
    let mut pending: Vec<_> = (1..=5_000).map(|n| world.sign_with(SPONSOR, stake(), n)).collect();
    let used = world.chain.next_nonce(&super::fixture::key(SPONSOR)) - 1;
    pending.drain(..used as usize);
    let late = world.sign(AUDITOR, dispute(ids[0], salt));
    pending.push(late.clone());
    let proposal = world.propose(pending.clone());
    let taken = proposal.block.transactions();
    assert_eq!(taken.len(), TRANSACTIONS_MAX);
    assert_eq!(taken.last(), Some(&late), "the last one is the dispute");
    assert_eq!(proposal.left, pending[TRANSACTIONS_MAX - 1..pending.len() - 1]);
    world.apply(&proposal.block);
}

/// L-8.3, L-1.2: what is kept is what disputes want, at most a full lane; a full lane takes no more before the others.
#[test]
fn room_is_kept_while_it_is_wanted() {
    let world = World::new();
    let (one, other) = (timeout(&world, 1), world.sign(SPONSOR, stake()));
    assert_eq!(one.bytes(), DISPUTE_BYTES_MIN);
    let both = one.bytes() + other.bytes();
    let pending = [other.clone(), one.clone()];
    let room = |bytes| Room::new(bytes, &pending);
    assert!(room(both).holds(&other) && !room(both - 1).holds(&other) && room(both - 1).holds(&one));
    let mut taken = room(both);
    taken.take(&one);
    assert!(taken.holds(&other) && !taken.holds(&one), "nobody wants the room any more");
    taken.take(&other);
    assert!(!taken.holds(&other));

    // More of them than a lane holds: others have what is beyond the lane.
    let many: Vec<_> = (1..=4_000).map(|nonce| timeout(&world, nonce)).collect();
    let mut room = Room::new(DISPUTE_LANE_BYTES * 2, &many);
    let (mut others, mut taken) = (room, 0);
    while others.holds(&other) {
        others.take(&other);
        taken += 1;
    }
    assert_eq!(taken, TRANSACTIONS_MAX - DISPUTE_LANE_TRANSACTIONS);
    let lane = many.iter().take_while(|one| {
        let is_open = !room.lane_is_full() && others.holds(one);
        room.take(one);
        others.take(one);
        is_open
    });
    assert_eq!(lane.count(), DISPUTE_LANE_TRANSACTIONS, "all that fill a lane found room");
}

/// L-8.3: a dispute that could stand in the block and does not is left out, whatever else is in it; nothing is kept.
#[test]
fn omissions_are_found() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let salts = ids.map(|claim| world.seal(AUDITOR, claim, Unit::Loss));
    let held = world.sign(AUDITOR, dispute(ids[0], salts[0]));
    let rival = world.sign(AUDITOR, dispute(ids[1], salts[1]));
    let other = world.sign(VERIFIERS[0], stake());
    let before = world.chain.head();
    let mut omitted = |carried: &[&Signed<Transaction>], held: &[&Signed<Transaction>]| {
        let block = world.propose(carried.iter().copied().cloned().collect()).block;
        assert_eq!(block.transactions().len(), carried.len());
        let held: Vec<_> = held.iter().copied().cloned().collect();
        let found = world.chain.omission(&block, &held).unwrap();
        world.chain.check(&block).unwrap();
        found
    };
    assert_eq!(omitted(&[], &[&held]), Some(held.id()));
    assert_eq!(omitted(&[&other], &[&held]), Some(held.id()));
    assert_eq!(omitted(&[&other, &held], &[&held]), None);
    assert_eq!(omitted(&[&rival], &[&held]), None, "its nonce is used");
    assert_eq!(omitted(&[], &[&other]), None, "it is no dispute");
    assert_eq!(omitted(&[], &[]), None);
    assert_eq!(world.chain.head(), before);

    // One that waits for a nonce, and one whose claim is decided in the block, could not stand in it.
    let ahead = world.sign_with(AUDITOR, dispute(ids[0], salts[0]), 9);
    world.judge(&ids[0], crate::VerdictResult::Match);
    let settle = world.sign(SPONSOR, Body::Settle(Settle { claim: ids[0] }));
    let block = world.propose(vec![settle]).block;
    assert_eq!(world.chain.omission(&block, &[ahead, held]).unwrap(), None);
}

/// L-8.3: a dispute that is valid only after another pending one is tried again, as whoever judges the block does.
#[test]
fn disputes_are_tried_again() {
    let mut world = World::new();
    let (_, ids) = world.audited();
    let salts = [0, 1].map(|_| world.seal(AUDITOR, ids[0], Unit::Loss));
    let next = world.chain.next_nonce(&super::fixture::key(AUDITOR));
    let first = world.sign_with(AUDITOR, dispute(ids[0], salts[0]), next);
    let second = world.sign_with(AUDITOR, dispute(ids[0], salts[1]), next + 1);
    let proposal = world.propose(vec![second.clone(), first.clone()]);
    assert_eq!(proposal.block.transactions(), [first, second]);
    assert!(proposal.dropped.is_empty() && proposal.left.is_empty());
}
