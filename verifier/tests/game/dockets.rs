//! Frames that do not hold together: forged claims, wrong lists, facts of another run; each reason by name.

use crate::world::{NETWORK, World, key};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{
    Claim, DELTAS_MAX, Docket, DocketError, Opening, SHARD_BYTES_MAX, SHARDS_MAX,
};
use retrace_verifier::segment::Honest;
use retrace_verifier::signature::peer_key;
use retrace_verifier::{Game, Side, Unit};
use std::collections::BTreeSet;

fn name(error: &DocketError) -> &'static str {
    match error {
        DocketError::Signature(_) => "Signature",
        DocketError::Elsewhere => "Elsewhere",
        DocketError::Unit => "Unit",
        DocketError::Path(_) => "Path",
        DocketError::Facts => "Facts",
    }
}

type Change = fn(&mut Docket);

fn opening(docket: &mut Docket, change: impl Fn(&mut Digest, &mut Vec<u8>)) {
    if let Opening::Step { after, loss, .. } = &mut docket.opening {
        change(&mut after.digest, &mut loss.chunk);
    }
}

/// Changes to a docket about step 1 of a segment.
const STEP: [(&str, Change); 21] = [
    ("Signature", |d| claim(d, |c| c.mean_loss ^= 1)),
    ("Signature", |d| claim(d, |c| c.trainer = peer_key(&key(Side::Challenger)))),
    ("Signature", |d| claim(d, |c| c.network = Digest([7; 32]))),
    ("Facts", |d| d.facts.spec.steps = 0),
    ("Facts", |d| d.facts.manifest = vec![d.facts.manifest[0]; SHARDS_MAX + 1]),
    ("Facts", |d| d.facts.manifest[0].bytes = SHARD_BYTES_MAX + 1),
    ("Facts", |d| d.facts.manifest[0].bytes = u64::MAX),
    ("Facts", |d| d.facts.deltas = vec![NETWORK; DELTAS_MAX + 1]),
    ("Elsewhere", |d| d.facts.network = Digest([7; 32])),
    ("Elsewhere", |d| d.facts.run = Digest([7; 32])),
    ("Elsewhere", |d| d.facts.round += 1),
    ("Unit", |d| d.unit = Unit::Merge),
    ("Unit", |d| d.unit = Unit::Delta),
    ("Unit", |d| d.unit = Unit::Step(d.facts.spec.steps)),
    ("Unit", |d| d.unit = Unit::Step(u32::MAX)),
    ("Unit", |d| d.unit = Unit::Step(0)),
    ("Unit", |d| d.opening = Opening::Nothing),
    ("Path", |d| d.unit = Unit::Step(2)),
    ("Path", |d| opening(d, |after, _| after.0[0] ^= 1)),
    ("Path", |d| opening(d, |_, chunk| chunk[0] ^= 1)),
    ("Path", |d| opening(d, |_, chunk| chunk.truncate(3))),
];

/// Changes to a docket about a base.
const MERGE: [(&str, Change); 5] = [
    ("Signature", |d| base(d, Digest([8; 32]))),
    ("Elsewhere", |d| d.facts.round += 1),
    ("Elsewhere", |d| d.facts.network = Digest([7; 32])),
    ("Unit", |d| d.unit = Unit::Step(1)),
    ("Unit", |d| d.unit = Unit::Loss),
];

fn claim(docket: &mut Docket, change: impl Fn(&mut retrace_verifier::commitment::Commitment)) {
    if let Claim::Segment(signed) = &mut docket.claim {
        change(&mut signed.commitment);
    }
}

fn base(docket: &mut Docket, root: Digest) {
    if let Claim::Base(signed) = &mut docket.claim {
        signed.claim.root = root;
    }
}

/// V-3.5: no frame that does not hold together opens a dispute; every reason is reached.
#[test]
fn every_docket_error_is_reached() {
    let world = World::new();
    let mut reached = BTreeSet::new();
    for (unit, rows) in [(Unit::Step(1), &STEP[..]), (Unit::Merge, &MERGE[..])] {
        let good = world.case(unit, &Honest).docket;
        assert!(Game::open(good.clone()).is_ok());
        for (at, (expected, change)) in rows.iter().enumerate() {
            let mut docket = good.clone();
            change(&mut docket);
            assert_ne!(docket.id(), good.id(), "row {at} changes the id");
            let error = Game::open(docket).unwrap_err();
            assert_eq!(name(&error), *expected, "row {at} of {unit}: {error}");
            reached.insert(name(&error));
        }
    }
    assert_eq!(reached, BTreeSet::from(["Signature", "Elsewhere", "Unit", "Path", "Facts"]));
}

/// V-3.5: a merge has nothing to open, so that one dispute has one frame.
#[test]
fn a_merge_opens_nothing() {
    let world = World::new();
    let mut docket = world.case(Unit::Merge, &Honest).docket;
    docket.opening = world.case(Unit::Delta, &Honest).docket.opening;
    assert_eq!(docket.frame().unwrap_err(), DocketError::Unit);
}

/// V-3.5: step 0 starts from the base, every later step from the root before it; the last step is a step.
#[test]
fn the_first_step_starts_from_the_base() {
    let world = World::new();
    let last = world.spec.steps - 1;
    assert_eq!(world.case(Unit::Step(0), &Honest).docket.frame().unwrap().pre, None);
    for step in 1..=last {
        let docket = world.case(Unit::Step(step), &Honest).docket;
        let frame = docket.frame().unwrap();
        assert!(frame.pre.is_some() && frame.loss.is_some() && frame.batch.is_some());
        let mut without = docket.clone();
        if let Opening::Step { before, .. } = &mut without.opening {
            *before = None;
        }
        assert_eq!(without.frame().unwrap_err(), DocketError::Unit);
    }
    let delta = world.case(Unit::Delta, &Honest).docket.frame().unwrap();
    assert_eq!(delta.pre, world.case(Unit::Step(last), &Honest).docket.frame().unwrap().post.map(|p| p.1));
}

/// V-3.5: with shards of the greatest length that a manifest may name, places are still counted without overflow.
#[test]
fn the_longest_shards_are_counted() {
    let world = World::new();
    let lie = retrace_verifier::lab::Lie { unit: Unit::Step(1), row: 0, element: 0, mask: 1 };
    let mut case = world.case(lie.unit, &lie);
    case.docket.facts.manifest = vec![case.docket.facts.manifest[0]; SHARDS_MAX];
    for shard in &mut case.docket.facts.manifest {
        shard.bytes = SHARD_BYTES_MAX;
    }
    let mut table = crate::table::Table::new(&case);
    table.play_until(&world, &case, |phase| matches!(phase, retrace_verifier::game::Phase::Judge(_)));
    let proof = retrace_verifier::game::OperandProof {
        digest: Digest([0; 32]),
        list: retrace_verifier::digest::ListPath { siblings: vec![] },
        chunk: vec![],
        path: retrace_verifier::digest::TensorPath { siblings: vec![] },
    };
    assert!(table.post(retrace_verifier::Move::Judge(vec![proof])).is_err());
}
