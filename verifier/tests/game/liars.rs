//! Liars: one word or two, by one unit in the last place or to infinity, in any row of any unit.

use crate::table::{Table, settle};
use crate::world::{Case, Forgery, Lies, Rng, UNITS, World};
use retrace_model::op::Kind;
use retrace_model::program::{Home, Program};
use retrace_verifier::game::ulp_distance;
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Conduct;
use retrace_verifier::{Finding, Side, Unit, evidence, segment::Honest};

#[derive(Debug, Default)]
struct Tally {
    absorbed: usize,
    convicted: usize,
    silent: usize,
    largest_judging_bytes: u64,
}

/// Plays a lie to its end and tells what the referee found; none where it was absorbed or the liar fell silent.
fn convict(world: &World, case: &Case, tally: &mut Tally, what: &str) -> Option<Finding> {
    if case.absorbed {
        tally.absorbed += 1;
        return None;
    }
    let table = settle(world, case);
    let outcome = table.game.outcome().unwrap();
    assert_eq!(outcome.winner, Side::Challenger, "{what}");
    if table.stalled {
        tally.silent += 1;
        return None;
    }
    tally.convicted += 1;
    tally.largest_judging_bytes = tally.largest_judging_bytes.max(table.moves.last().unwrap().bytes());
    let finding = outcome.finding.unwrap();
    let proven = evidence::judge(&table.bundle()).unwrap();
    assert_eq!(proven.finding, finding, "{what}");
    Some(finding)
}

fn programs(world: &World) -> Vec<(Unit, Program)> {
    UNITS.map(|unit| (unit, world.case(unit, &Honest).honest.program)).into()
}

fn random_place(rng: &mut Rng, program: &Program) -> (usize, usize) {
    let row = rng.below(program.rows.len());
    (row, rng.below(program.rows[row].elements() as usize))
}

/// V-4.4, V-4.5, V-4.8, V-6.2: a lie at a random place, of one unit in the last place or of any bit, is absorbed or is
/// convicted where it was told.
#[test]
fn a_random_lie_is_located() {
    let world = World::new();
    let mut tally = Tally::default();
    let mut one_ulp = 0;
    for (unit, program) in programs(&world) {
        for seed in 0..70 {
            let mut rng = Rng(0x11E5 ^ seed << 8);
            let (row, element) = random_place(&mut rng, &program);
            let mask = if seed % 2 == 0 { 1 } else { 1 << rng.below(32) };
            let lie = Lie { unit, row, element, mask };
            let case = world.case(unit, &lie);
            let Some(finding) = convict(&world, &case, &mut tally, &format!("{lie:?}")) else { continue };
            assert_eq!((finding.row as usize, finding.element as usize), (row, element), "{lie:?}");
            let distance = ulp_distance(finding.claimed_bits, finding.right_bits);
            one_ulp += usize::from(distance == Some(1));
        }
    }
    assert!(tally.convicted >= 200 && one_ulp >= 50, "{tally:?}, {one_ulp} by one unit in the last place");
    println!("{tally:?}, {one_ulp} by one unit in the last place");
}

/// V-4.4, V-4.6: lies that are NaN, infinite, a zero of the other sign or subnormal. A NaN that is not canonical can
/// be opened by no legal accumulator, so some of its liars can only fall silent.
#[test]
fn a_special_lie_is_convicted() {
    let world = World::new();
    let (mut tally, mut noisy) = (Tally::default(), Tally::default());
    let specials = [0x7FC0_0000, 0x7F80_0000, 0xFF80_0000, 0, 0x8000_0000, 1, 0x8000_0001, 0x007F_FFFF];
    for (unit, program) in programs(&world) {
        for seed in 0..30 {
            let mut rng = Rng(0x5BEC ^ seed << 8);
            let (row, element) = random_place(&mut rng, &program);
            let is_noisy = seed % 5 == 4;
            let word = if is_noisy {
                rng.pick(&[0x7FC0_0001, 0xFFC0_0000, 0x7F80_0001])
            } else {
                rng.pick(&specials)
            };
            let forgery = Forgery { unit, row, element, word };
            let case = world.case(unit, &forgery);
            let counts = if is_noisy { &mut noisy } else { &mut tally };
            if let Some(finding) = convict(&world, &case, counts, &format!("{forgery:?}")) {
                assert_eq!((finding.row as usize, finding.element as usize), (row, element), "{forgery:?}");
            }
        }
    }
    assert_eq!(tally.silent, 0, "a canonical lie can always be played to its judgment");
    assert!(tally.convicted > 50 && noisy.convicted > 0, "{tally:?} {noisy:?}");
    println!("canonical {tally:?}, other NaN {noisy:?}");
}

/// V-4.3: of two lies in one unit's trace the earlier row is found; two in one row, the earlier element.
#[test]
fn two_lies_are_convicted_at_the_first() {
    let world = World::new();
    let mut tally = Tally::default();
    for (unit, program) in programs(&world) {
        for seed in 0..20 {
            let mut rng = Rng(0x2213 ^ seed << 8);
            let lies: Vec<Lie> = (0..2)
                .map(|_| {
                    let (row, element) = random_place(&mut rng, &program);
                    Lie { unit, row, element, mask: 1 << rng.below(32) }
                })
                .collect();
            let case = world.case(unit, &Lies(lies.clone()));
            let finding = convict(&world, &case, &mut tally, &format!("{lies:?}"));
            let traced = |lie: &&Lie| matches!(program.rows[lie.row].home, Home::Trace(_));
            let batch = lies.iter().any(|lie| program.rows[lie.row].home == Home::Batch);
            if let (Some(finding), Some(first), false) =
                (finding, lies.iter().filter(traced).min_by_key(|lie| (lie.row, lie.element)), batch)
            {
                assert_eq!((finding.row as usize, finding.element as usize), (first.row, first.element));
            }
        }
    }
    assert!(tally.convicted > 60, "{tally:?}");
    println!("{tally:?}");
}

/// V-4.6: a liar in a diverged run is convicted as anywhere, unless NaN has swallowed its lie.
#[test]
fn a_lie_in_a_diverged_run_is_convicted() {
    let world = World::diverged();
    let mut tally = Tally::default();
    for (unit, program) in programs(&world) {
        for seed in 0..25 {
            let mut rng = Rng(0xD1F5 ^ seed << 8);
            let (row, element) = random_place(&mut rng, &program);
            let lie = Lie { unit, row, element, mask: 1 << rng.below(23) };
            convict(&world, &world.case(unit, &lie), &mut tally, &format!("{lie:?}"));
        }
    }
    assert!(tally.convicted > 10, "{tally:?}");
    println!("{tally:?}");
}

/// M-4.8, V-4.4, V-4.5: a step with dropout, micro-batches and SGD is disputed like any other, wherever the lie lies.
#[test]
fn a_lie_in_a_varied_step_is_located() {
    let world = World::varied();
    let mut tally = Tally::default();
    for unit in [Unit::Step(0), Unit::Step(1)] {
        let program = world.case(unit, &Honest).honest.program;
        for seed in 0..60 {
            let mut rng = Rng(0xD20F ^ seed << 8);
            let (row, element) = random_place(&mut rng, &program);
            let lie = Lie { unit, row, element, mask: 1 << rng.below(32) };
            let case = world.case(unit, &lie);
            let Some(finding) = convict(&world, &case, &mut tally, &format!("{lie:?}")) else { continue };
            assert_eq!((finding.row as usize, finding.element as usize), (row, element), "{lie:?}");
        }
    }
    assert!(tally.convicted > 60, "{tally:?}");
}

/// M-4.8, V-4.5: in every row of dropout, an element that was dropped and one that was kept.
#[test]
fn a_lie_about_dropout_is_convicted() {
    let world = World::varied();
    let (unit, mut tally) = (Unit::Step(1), Tally::default());
    let honest = world.case(unit, &Honest).honest;
    let rows = honest.program.rows.iter().enumerate().filter(|(_, row)| row.kind == Kind::Dropout);
    for (row, shape) in rows {
        let visible = |at: &usize| !shape.is_masked(shape.index(*at as u64));
        for dropped in [true, false] {
            let words = &honest.outputs[row];
            let element = (0..words.len()).rev().filter(visible).find(|at| (words[*at] == 0) == dropped);
            let element = element.expect("one of either");
            // A dropped element that comes back, and a kept one that vanishes.
            let word = if dropped { 0x3F80_0000 } else { 0 };
            let forgery = Forgery { unit, row, element, word };
            let Some(finding) = convict(&world, &world.case(unit, &forgery), &mut tally, "dropout") else {
                continue;
            };
            assert_eq!((finding.kind, finding.row as usize), (Kind::Dropout, row), "{forgery:?}");
            assert_eq!((finding.claimed_bits, finding.right_bits == 0), (word, dropped), "{forgery:?}");
        }
    }
    assert!(tally.convicted > 20, "{tally:?}");
}

/// A trainer that reads other tokens than the beacon assigns, moves its learning rate, or draws its own dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chooser {
    Tokens,
    Rate,
    Dropout,
}

impl Conduct for Chooser {
    fn tokens(&self, _at: retrace_model::StepId, tokens: &mut retrace_model::Words) {
        if *self == Chooser::Tokens {
            tokens[3] ^= 1;
        }
    }

    fn scalars(&self, _at: retrace_model::StepId, scalars: &mut retrace_model::StepScalars) {
        match self {
            Chooser::Tokens => {}
            Chooser::Rate => scalars.learning_rate ^= 1,
            Chooser::Dropout => scalars.dropout_keys[1] ^= 1,
        }
    }
}

/// V-4.5, M-5.2: chosen data is found at the row that reads the shard, a chosen learning rate and a chosen key of
/// dropout at the row that uses it.
#[test]
fn chosen_data_and_rates_are_convicted() {
    for (chooser, kind, world) in [
        (Chooser::Tokens, Kind::Tokens, World::new()),
        (Chooser::Rate, Kind::AdamParameter, World::new()),
        (Chooser::Rate, Kind::SgdParameter, World::varied()),
        (Chooser::Dropout, Kind::Dropout, World::varied()),
    ] {
        let case = world.case(Unit::Step(0), &chooser);
        let finding = convict(&world, &case, &mut Tally::default(), "chooser").unwrap();
        assert_eq!(finding.kind, kind);
    }
}

/// V-4.1: a side that falls silent loses, whichever it is, and nothing counts after the end.
#[test]
fn silence_loses() {
    let world = World::new();
    let lie = Lie { unit: Unit::Step(1), row: 3, element: 0, mask: 1 };
    let case = world.case(lie.unit, &lie);
    let mut table = Table::new(&case);
    assert_eq!(table.game.turn(), Side::Accused);
    table.game.expire();
    table.game.expire();
    assert_eq!(table.game.outcome().unwrap().winner, Side::Challenger);
    assert_eq!(table.game.outcome().unwrap().finding, None);
}
