//! Liars that scheme: another trace than the one they ran, lane totals and accumulators made up to fit the lie.

use crate::table::Table;
use crate::world::{Case, Rng, World};
use retrace_model::op::Kind;
use retrace_model::program::Home;
use retrace_verifier::lab::{Lie, Schemer};
use retrace_verifier::segment::Honest;
use retrace_verifier::{Finding, Game, Move, Player, Side, Unit};
use std::sync::Arc;

const UNIT: Unit = Unit::Step(1);

fn convict(world: &World, case: &Case, mut accused: impl FnMut(&Game) -> Option<Move>) -> Finding {
    let mut table = Table::new(case);
    let mut challenger = case.player(world, Side::Challenger);
    while table.game.outcome().is_none() {
        let body = match table.game.turn() {
            Side::Accused => accused(&table.game),
            Side::Challenger => challenger.reply(&table.game),
        };
        table.post(body.expect("both sides have an answer")).unwrap();
        // The ledger keeps games between blocks: each state comes back from its bytes.
        let bytes = borsh::to_vec(&table.game).unwrap();
        assert_eq!(borsh::from_slice::<Game>(&bytes).unwrap(), table.game);
    }
    let outcome = table.game.outcome().unwrap();
    assert_eq!(outcome.winner, Side::Challenger);
    outcome.finding.unwrap()
}

/// V-4.4: totals and accumulators that were made up to end at the lie are convicted at the lied element.
#[test]
fn made_up_chains_are_convicted() {
    let world = World::new();
    let program = world.case(UNIT, &Honest).honest.program;
    let mut played = 0;
    for kind in
        [Kind::MatMul, Kind::RowMax, Kind::RowSum, Kind::RowDot, Kind::ColumnSum, Kind::EmbeddingBackward]
    {
        let rows: Vec<usize> = (0..program.rows.len()).filter(|at| program.rows[*at].kind == kind).collect();
        for seed in 0..8 {
            let mut rng = Rng(0x5C4E ^ seed << 8 ^ kind as u64);
            let row = rng.pick(&rows);
            let element = rng.below(program.rows[row].elements() as usize);
            let case = world.case(UNIT, &Lie { unit: UNIT, row, element, mask: 1 << 21 });
            if case.absorbed {
                continue;
            }
            let mut schemer = Schemer::new(case.player(&world, Side::Accused), rng.next());
            let finding = convict(&world, &case, |game| schemer.reply(game));
            assert_eq!((finding.row as usize, finding.element as usize), (row, element), "{kind:?}");
            played += 1;
        }
    }
    assert!(played >= 30, "{played}");
    println!("{played} made-up chains, all convicted");
}

/// V-4.3: a liar that posts the true trace, hoping that nothing is left to point at, is convicted where its claimed
/// post-state or loss parts from that trace.
#[test]
fn a_true_trace_does_not_hide_a_false_claim() {
    let world = World::new();
    let program = world.case(UNIT, &Honest).honest.program;
    let mut played = 0;
    for seed in 0..40 {
        let mut rng = Rng(0x7AC3 ^ seed << 8);
        let row = 1 + rng.below(program.rows.len() - 1);
        let element = rng.below(program.rows[row].elements() as usize);
        let case = world.case(UNIT, &Lie { unit: UNIT, row, element, mask: 1 << 22 });
        if case.absorbed {
            continue;
        }
        let mut witness = case.accused.clone();
        for (at, row) in program.rows.iter().enumerate() {
            if matches!(row.home, Home::Trace(_)) {
                witness.outputs[at] = case.honest.outputs[at].clone();
            }
        }
        let mut player = Player::new(Side::Accused, witness, Arc::clone(&world.shards));
        let finding = convict(&world, &case, |game| player.reply(game));
        assert!(matches!(finding.home, Home::Post(_) | Home::Loss), "{finding:?}");
        played += 1;
    }
    assert!(played >= 25, "{played}");
    println!("{played} true traces with false claims, all convicted");
}

/// V-4.3: an accused whose claims are true but whose posted trace is not has posted a lie, and loses by it.
#[test]
fn a_false_trace_of_a_true_claim_is_a_lie() {
    let world = World::new();
    let case = world.case(UNIT, &Honest);
    for row in [3, 40, 90] {
        let mut witness = case.accused.clone();
        witness.outputs[row][0] ^= 1 << 20;
        let mut player = Player::new(Side::Accused, witness, Arc::clone(&world.shards));
        let finding = convict(&world, &case, |game| player.reply(game));
        assert_eq!((finding.row, finding.element), (row as u32, 0));
    }
}
