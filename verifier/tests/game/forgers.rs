//! A forger that holds both keys signs whatever it likes: its judge may be misled by nothing, and never panics.

use crate::table::settle;
use crate::world::{Rng, World, key};
use retrace_model::op::Kind;
use retrace_verifier::docket::Facts;
use retrace_verifier::evidence::{Bundle, judge};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Honest;
use retrace_verifier::{Move, SignedMove, Unit, unit_pin};

fn bundles(world: &World) -> Vec<Bundle> {
    let step = world.case(Unit::Step(0), &Honest).honest.program;
    let row = |kind: Kind| step.rows.iter().position(|row| row.kind == kind).unwrap();
    let lie = |unit, row| Lie { unit, row, element: 0, mask: 1 << 22 };
    [
        lie(Unit::Step(0), 0),
        lie(Unit::Step(0), row(Kind::MatMul)),
        lie(Unit::Step(0), row(Kind::RowMax)),
        lie(Unit::Step(0), row(Kind::Embedding)),
        lie(Unit::Step(0), row(Kind::AdamFirst)),
        lie(Unit::Merge, 3),
    ]
    .map(|lie| settle(world, &world.case(lie.unit, &lie)).bundle())
    .into()
}

/// Flips a bit, or writes an extreme number, in the bytes from `first` on.
fn damage(rng: &mut Rng, bytes: &mut [u8], first: usize) {
    let at = first + rng.below(bytes.len().saturating_sub(first));
    match rng.below(3) {
        0 => bytes[at] ^= 1 << rng.below(8),
        1 => bytes[at] = rng.pick(&[0, 1, 0x7F, 0x80, 0xFF]),
        _ => {
            let end = bytes.len().min(at + rng.pick(&[2, 4, 8]));
            bytes[at..end].fill(rng.pick(&[0, 0xFF]));
        }
    }
}

fn sign_again(bundle: &mut Bundle) {
    let id = bundle.docket.id();
    for signed in &mut bundle.moves {
        *signed = SignedMove::new(&key(signed.side), id, signed.number, signed.side, signed.body.clone());
    }
}

/// V-4.2, V-6.2: one move damaged and signed again.
#[test]
fn a_forged_move_never_panics() {
    let world = World::new();
    let (mut judged, mut proven) = (0, 0);
    for (at, bundle) in bundles(&world).into_iter().enumerate() {
        assert!(judge(&bundle).is_ok(), "bundle {at}");
        let mut rng = Rng(0xF046 + at as u64);
        for _ in 0..400 {
            let number = rng.below(bundle.moves.len());
            let mut bytes = borsh::to_vec(&bundle.moves[number].body).unwrap();
            damage(&mut rng, &mut bytes, 0);
            let Ok(body) = borsh::from_slice::<Move>(&bytes) else { continue };
            let mut forged = bundle.clone();
            let signed = &forged.moves[number];
            if signed.body == body {
                continue;
            }
            // What the accused signed beside the way down may be anything, and be as wrong as its claim.
            let beside = matches!(body, Move::Partials(_) | Move::Totals(_) | Move::Trace(_));
            forged.moves[number] =
                SignedMove::new(&key(signed.side), signed.dispute, signed.number, signed.side, body);
            judged += 1;
            let is_proven = judge(&forged).is_ok();
            assert!(beside || !is_proven, "move {number} of bundle {at}");
            proven += usize::from(is_proven);
        }
    }
    assert!(judged > 1000, "{judged} judged, {proven} proven");
    println!("{judged} forged moves judged, {proven} still prove the lie");
}

/// V-3.5, V-6.2: facts damaged, the program derived from them anew, and all signed again.
#[test]
fn forged_facts_never_panic() {
    let world = World::new();
    let (mut judged, mut proven) = (0, 0);
    for (at, bundle) in bundles(&world).into_iter().enumerate() {
        let mut rng = Rng(0xFAC7 + at as u64);
        for _ in 0..120 {
            let mut bytes = borsh::to_vec(&bundle.docket.facts).unwrap();
            // Behind network and run: specification, manifest, program, round, beacon, base, deltas.
            damage(&mut rng, &mut bytes, 64);
            let Ok(facts) = borsh::from_slice::<Facts>(&bytes) else { continue };
            let mut forged = bundle.clone();
            forged.docket.facts = facts;
            let facts = &mut forged.docket.facts;
            if facts.spec.check().is_ok()
                && let Some(pin) = unit_pin(&facts.spec, forged.docket.unit, facts.deltas.len())
            {
                facts.program = pin;
            }
            sign_again(&mut forged);
            judged += 1;
            proven += usize::from(judge(&forged).is_ok());
        }
    }
    assert!(judged > 300, "{judged}");
    println!(
        "{judged} forged frames judged, {proven} still prove the lie under facts that do not matter to it"
    );
}
