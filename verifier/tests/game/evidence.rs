//! Evidence that was damaged, cut, forged or reordered proves nothing, and never brings its judge down.

use crate::table::{Table, settle};
use crate::world::{Case, Rng, World, key};
use retrace_model::op::Kind;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::DocketError;
use retrace_verifier::evidence::{
    BUNDLE_BYTES_MAX, Bundle, Disproven, MAGIC, MOVES_MAX, Unreadable, judge, read,
};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Honest;
use retrace_verifier::{Refusal, Side, SignedMove, Unit};

/// A lie in the loss: the shortest game that there is.
fn small(world: &World) -> (Case, Bundle) {
    let lie = Lie { unit: Unit::Loss, row: 1, element: 0, mask: 1 };
    let case = world.case(lie.unit, &lie);
    let bundle = settle(world, &case).bundle();
    (case, bundle)
}

/// A lie in a lane of a step: the longest kind of game.
fn large(world: &World) -> Bundle {
    let unit = Unit::Step(0);
    let program = world.case(unit, &Honest).honest.program;
    let row = program.rows.iter().position(|row| row.kind == Kind::RowMax && row.terms > 64).unwrap();
    settle(world, &world.case(unit, &Lie { unit, row, element: 5, mask: 1 << 20 })).bundle()
}

fn is_proven(bytes: &[u8]) -> bool {
    read(bytes).is_ok_and(|bundle| judge(&bundle).is_ok())
}

/// Both halves of a range at once.
fn in_two(range: std::ops::Range<usize>, check: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (range, check) = (range.clone(), &check);
            scope.spawn(move || range.skip(half).step_by(2).for_each(check));
        }
    });
}

fn flipped(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// V-6.1, V-6.2: one wrong bit anywhere, and any wrong byte at a sample of places, proves nothing.
#[test]
fn no_flipped_byte_is_proof() {
    let world = World::new();
    let (_, bundle) = small(&world);
    let bytes = borsh::to_vec(&bundle).unwrap();
    assert!(is_proven(&bytes));
    in_two(0..bytes.len(), |at| {
        assert!(!is_proven(&flipped(&bytes, at, 1 << (at % 8))), "byte {at} of {}", bytes.len());
    });
    in_two(0..bytes.len().div_ceil(61), |at| {
        for mask in 1..=255 {
            assert!(!is_proven(&flipped(&bytes, at * 61, mask)), "byte {} with {mask}", at * 61);
        }
    });
    let long = borsh::to_vec(&large(&world)).unwrap();
    assert!(is_proven(&long));
    in_two(0..long.len().div_ceil(23), |at| {
        assert!(!is_proven(&flipped(&long, at * 23, 1 << (at % 8))), "byte {} of {}", at * 23, long.len());
    });
    println!(
        "{} bytes each flipped, {} x 255 values, {} of {}",
        bytes.len(),
        bytes.len() / 61,
        long.len() / 23,
        long.len()
    );
}

/// V-6.1: cut at every length, with bytes left over, of another kind, too long, or noise: unreadable, by name.
#[test]
fn only_whole_bundles_are_read() {
    let world = World::new();
    let bytes = borsh::to_vec(&large(&world)).unwrap();
    assert_eq!(read(&[]).unwrap_err(), Unreadable::Empty);
    for length in 1..bytes.len() {
        let expected = if length < MAGIC.len() { Unreadable::Magic } else { Unreadable::Malformed };
        assert_eq!(read(&bytes[..length]).unwrap_err(), expected, "cut at {length}");
    }
    assert_eq!(read(&[&bytes[..], &[0]].concat()).unwrap_err(), Unreadable::Malformed);
    assert_eq!(read(&[0; 64]).unwrap_err(), Unreadable::Magic);
    let long = vec![0; BUNDLE_BYTES_MAX + 1];
    assert_eq!(read(&long).unwrap_err(), Unreadable::TooLong { bytes: long.len() });
    let mut padded = bytes.clone();
    padded.resize(BUNDLE_BYTES_MAX, 0);
    assert_eq!(read(&padded).unwrap_err(), Unreadable::Malformed);
    let mut rng = Rng(0x401E);
    for _ in 0..20_000 {
        let noise: Vec<u8> = (0..rng.below(400)).map(|_| rng.next() as u8).collect();
        assert!(read(&[&MAGIC[..], &noise].concat()).is_err());
    }
    // Counts of 2^32 - 1 wherever they may be read: refused, and nothing is allocated for them.
    for at in MAGIC.len()..bytes.len() - 4 {
        let mut counts = bytes.clone();
        counts[at..at + 4].fill(0xFF);
        assert!(!read(&counts).is_ok_and(|bundle| judge(&bundle).is_ok()), "count at {at}");
    }
}

/// V-6.1: a bundle of more moves than any dispute has is no bundle.
#[test]
fn moves_are_counted() {
    let (_, mut bundle) = small(&World::new());
    bundle.moves = vec![bundle.moves[0].clone(); MOVES_MAX + 1];
    assert_eq!(read(&borsh::to_vec(&bundle).unwrap()).unwrap_err(), Unreadable::Malformed);
    bundle.moves.pop();
    assert!(read(&borsh::to_vec(&bundle).unwrap()).is_ok());
}

/// V-6.2: a move left out, posted twice or out of order breaks the numbers that its side signed.
#[test]
fn moves_removed_doubled_or_swapped_prove_nothing() {
    let bundle = large(&World::new());
    let refused =
        |bundle: &Bundle| matches!(judge(bundle), Err(Disproven::Move { .. } | Disproven::Unfinished));
    for at in 0..bundle.moves.len() {
        let mut removed = bundle.clone();
        removed.moves.remove(at);
        let mut doubled = bundle.clone();
        doubled.moves.insert(at, bundle.moves[at].clone());
        assert!(refused(&removed) && refused(&doubled), "move {at}");
        for other in 0..at {
            let mut swapped = bundle.clone();
            swapped.moves.swap(at, other);
            assert!(refused(&swapped), "moves {at} and {other}");
        }
        let mut renumbered = removed;
        for (number, signed) in (0..).zip(&mut renumbered.moves) {
            signed.number = number;
        }
        assert!(refused(&renumbered), "renumbered without move {at}");
    }
}

/// V-6.2, V-3.5: facts changed afterwards, with the dispute's id worked out again: nobody signed that.
#[test]
fn changed_facts_prove_nothing() {
    let bundle = large(&World::new());
    let changes: [fn(&mut Bundle); 9] = [
        |b| b.docket.facts.beacon[0] ^= 1,
        |b| b.docket.facts.base.0[0] ^= 1,
        |b| b.docket.facts.manifest[0].digest.0[0] ^= 1,
        |b| b.docket.facts.manifest[0].bytes += 1,
        |b| b.docket.facts.spec.seed[0] ^= 1,
        |b| b.docket.facts.deltas.push(Digest([0; 32])),
        |b| b.docket.challenger.0[0] ^= 1,
        |b| b.docket.nonce.0[0] ^= 1,
        |b| b.docket.facts.spec.slots += 1,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut forged = bundle.clone();
        change(&mut forged);
        let id = forged.docket.id();
        forged.moves.iter_mut().for_each(|signed| signed.dispute = id);
        let found = judge(&forged).unwrap_err();
        assert!(
            matches!(found, Disproven::Move { number: 0, refusal: Refusal::Signature(_) }),
            "{at}: {found}"
        );
    }
}

/// V-6.2: every reason why a readable bundle proves nothing, by name.
#[test]
fn every_reason_against_a_bundle_is_reached() {
    let world = World::new();
    let (case, bundle) = small(&world);
    let mut docket = bundle.clone();
    docket.docket.facts.round += 1;
    assert_eq!(judge(&docket).unwrap_err(), Disproven::Docket(DocketError::Elsewhere));
    let mut program = bundle.clone();
    program.docket.facts.program.rows += 1;
    assert_eq!(judge(&program).unwrap_err(), Disproven::Program);
    let mut moves = bundle.clone();
    moves.moves[1].number = 7;
    let refusal = Refusal::Number { expected: 1, found: 7 };
    assert_eq!(judge(&moves).unwrap_err(), Disproven::Move { number: 1, refusal });
    let mut unfinished = bundle.clone();
    unfinished.moves.pop();
    assert_eq!(judge(&unfinished).unwrap_err(), Disproven::Unfinished);
    assert_eq!(judge(&Bundle { moves: vec![], ..bundle.clone() }).unwrap_err(), Disproven::Unfinished);
    let honest = world.case(Unit::Loss, &Honest);
    assert_eq!(judge(&settle(&world, &honest).bundle()).unwrap_err(), Disproven::ClaimStood);
    let proven = judge(&bundle).unwrap();
    assert_eq!((proven.accused, proven.moves), (case.docket.claim.signer(), bundle.moves.len()));
    assert_eq!((proven.unit, proven.dispute), (Unit::Loss, bundle.docket.id()));
}

/// V-6.2: a dispute that the clock ended has no proof by arithmetic.
#[test]
fn a_clock_is_no_proof() {
    let world = World::new();
    let (case, _) = small(&world);
    let mut table = Table::new(&case);
    table.game.expire();
    assert_eq!(table.game.outcome().unwrap().winner, Side::Challenger);
    assert_eq!(judge(&table.bundle()).unwrap_err(), Disproven::Unfinished);
}

/// V-6.2: without a move that the accused signed there is no proof, whatever facts an accuser makes up.
#[test]
fn nobody_is_convicted_without_a_move_of_its_own() {
    let world = World::new();
    for bundle in [small(&world).1, large(&world)] {
        let mut forged = bundle.clone();
        forged.docket.facts.beacon[5] ^= 1;
        let id = forged.docket.id();
        for signed in &mut forged.moves {
            // The accuser signs everything anew with the only key that it has.
            *signed =
                SignedMove::new(&key(Side::Challenger), id, signed.number, signed.side, signed.body.clone());
        }
        let found = judge(&forged).unwrap_err();
        assert!(matches!(found, Disproven::Move { refusal: Refusal::Signature(_), .. }), "{found}");
    }
}

/// V-6.2, V-3.7: a judge derives the disputed program only, so a bundle with the largest run costs it little.
#[test]
fn a_run_at_its_limits_is_judged_quickly() {
    let (_, mut bundle) = small(&World::new());
    let spec = &mut bundle.docket.facts.spec;
    (spec.slots, spec.model.layers) = (15, 256);
    assert_eq!(spec.check(), Ok(()));
    let found = judge(&bundle).unwrap_err();
    assert!(matches!(found, Disproven::Move { number: 0, refusal: Refusal::Elsewhere }), "{found}");
}
