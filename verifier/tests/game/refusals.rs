//! One row for each way to refuse a move, in the order of the checks; a reason without a row fails.

use crate::table::{Table, settle};
use crate::world::{Case, World, key};
use retrace_model::op::Kind;
use retrace_model::{StepId, Words};
use retrace_verifier::commitment::word_bytes;
use retrace_verifier::digest::{Digest, ListPath, TensorTree};
use retrace_verifier::game::{MoveKind, OperandProof, Phase, Target};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Conduct;
use retrace_verifier::{Move, Refusal, Side, SignedMove, Unit};
use std::collections::BTreeSet;

/// Every reason by name. A new variant does not compile until it is named here, and fails until it has a row.
fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Over => "Over",
        Refusal::Elsewhere => "Elsewhere",
        Refusal::Number { .. } => "Number",
        Refusal::NotDue { .. } => "NotDue",
        Refusal::Signature(_) => "Signature",
        Refusal::Opening(_) => "Opening",
        Refusal::Leaf(_) => "Leaf",
        Refusal::Path(_) => "Path",
        Refusal::Row(_) => "Row",
        Refusal::Target => "Target",
        Refusal::Home => "Home",
        Refusal::Choice { .. } => "Choice",
        Refusal::Count { .. } => "Count",
        Refusal::NotCanonical => "NotCanonical",
        Refusal::Ends => "Ends",
        Refusal::Operands { .. } => "Operands",
        Refusal::Place { .. } => "Place",
    }
}

const NAMES: [&str; 17] = [
    "Over",
    "Elsewhere",
    "Number",
    "NotDue",
    "Signature",
    "Opening",
    "Leaf",
    "Path",
    "Row",
    "Target",
    "Home",
    "Choice",
    "Count",
    "NotCanonical",
    "Ends",
    "Operands",
    "Place",
];

type Reached = BTreeSet<&'static str>;

fn refuse(table: &mut Table, body: Move, expected: &'static str, reached: &mut Reached) {
    let signed = table.sign(table.game.turn(), body);
    refuse_signed(table, signed, expected, reached);
}

fn refuse_signed(table: &mut Table, signed: SignedMove, expected: &'static str, reached: &mut Reached) {
    let refusal = table.post_signed(signed).unwrap_err();
    assert_eq!(name(&refusal), expected, "{refusal}");
    assert!(!refusal.to_string().is_empty());
    reached.insert(name(&refusal));
}

fn lie_in(world: &World, kind: Kind, pick: impl Fn(&retrace_model::program::Row) -> bool) -> Case {
    let unit = Unit::Step(1);
    let program = world.case(unit, &retrace_verifier::segment::Honest).honest.program;
    let row = program.rows.iter().position(|row| row.kind == kind && pick(row)).unwrap();
    world.case(unit, &Lie { unit, row, element: 0, mask: 1 << 22 })
}

/// V-4.2: who signs what, and when, is checked before what it says.
fn frame_of_a_move(world: &World, case: &Case, reached: &mut Reached) {
    let mut table = Table::new(case);
    let body = Move::Trace(Digest([0; 32]));
    let (id, accused) = (table.game.id(), key(Side::Accused));
    let other = SignedMove::new(&accused, Digest([9; 32]), 0, Side::Accused, body.clone());
    refuse_signed(&mut table, other, "Elsewhere", reached);
    let late = SignedMove::new(&accused, id, 1, Side::Accused, body.clone());
    refuse_signed(&mut table, late, "Number", reached);
    let turn = SignedMove::new(&key(Side::Challenger), id, 0, Side::Challenger, body.clone());
    refuse_signed(&mut table, turn, "NotDue", reached);
    let forged = SignedMove::new(&key(Side::Challenger), id, 0, Side::Accused, body.clone());
    refuse_signed(&mut table, forged, "Signature", reached);
    let good = SignedMove::new(&accused, id, 0, Side::Accused, body);
    for change in 0..4 {
        let mut bad = good.clone();
        match change {
            0 => bad.dispute = Digest([9; 32]),
            1 => bad.number = 1,
            2 => bad.side = Side::Challenger,
            _ => bad.body = Move::Trace(Digest([1; 32])),
        }
        let refusal = table.post_signed(bad).unwrap_err();
        assert_eq!(name(&refusal), ["Elsewhere", "Number", "NotDue", "Signature"][change]);
    }
    refuse(&mut table, Move::Tile(vec![]), "NotDue", reached);
    let mut over = settle(world, case);
    let body = Move::Target(Target::Ops);
    let after = over.sign(Side::Challenger, body);
    refuse_signed(&mut over, after, "Over", reached);
}

/// V-4.3: from the target to the tile.
fn narrowing(world: &World, case: &Case, reached: &mut Reached) {
    let mut table = Table::new(case);
    table.play_until(world, case, |phase| matches!(phase, Phase::OpenList { .. }));
    refuse(&mut table, Move::Open(vec![[0; 32]; 300]), "Opening", reached);
    refuse(&mut table, Move::Open(vec![]), "Opening", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::ChooseList { .. }));
    refuse(&mut table, Move::Choose(u32::MAX), "Opening", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Reveal { .. }));
    refuse(&mut table, Move::Reveal(Digest([0; 32])), "Leaf", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Name(_)));
    let mut challenger = case.player(world, Side::Challenger);
    let Some(Move::Name { index, row, path }) = challenger.reply(&table.game) else { panic!("no name") };
    let other = Move::Name { index: index + 1, row: row.clone(), path: path.clone() };
    refuse(&mut table, other, "Path", reached);
    let past = Move::Name { index: u32::MAX, row: row.clone(), path: path.clone() };
    refuse(&mut table, past, "Path", reached);
    let mut flat = row.clone();
    flat.shape[0] = 0;
    refuse(&mut table, Move::Name { index, row: flat, path }, "Row", reached);
    let tree = retrace_verifier::program_tree(&case.honest.program);
    let (wrong, path) = (case.honest.program.rows[0].clone(), tree.path(0).unwrap());
    refuse(&mut table, Move::Name { index: 0, row: wrong, path }, "Home", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Tile { .. }));
    refuse(&mut table, Move::Tile(vec![]), "Leaf", reached);
    refuse(&mut table, Move::Tile(vec![0; 1024]), "Leaf", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Element { .. }));
    refuse(&mut table, Move::Element(u32::MAX), "Choice", reached);
}

/// V-4.4: from lane totals to one link, then V-4.5: its operands.
fn chains(world: &World, case: &Case, reached: &mut Reached) {
    let mut table = Table::new(case);
    table.play_until(world, case, |phase| matches!(phase, Phase::Totals(_)));
    refuse(&mut table, Move::Totals([0; 16]), "Ends", reached);
    refuse(&mut table, Move::Totals([0x7FC0_0001; 16]), "NotCanonical", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Lane { .. }));
    refuse(&mut table, Move::Lane(16), "Choice", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Partials(_)));
    let Phase::Partials(span) = table.game.phase().clone() else { panic!("no span") };
    let links = (span.end - span.first) as usize;
    refuse(&mut table, Move::Partials(vec![0; links + 1]), "Count", reached);
    refuse(&mut table, Move::Partials(vec![]), "Count", reached);
    refuse(&mut table, Move::Partials(vec![span.after ^ 1; links]), "Ends", reached);
    refuse(&mut table, Move::Partials(vec![0xFFC0_0000; links]), "NotCanonical", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Interval { .. }));
    refuse(&mut table, Move::Choose(links as u32), "Choice", reached);
    table.play_until(world, case, |phase| matches!(phase, Phase::Judge(_)));
    refuse(&mut table, Move::Judge(vec![]), "Operands", reached);
    let mut challenger = case.player(world, Side::Challenger);
    let Some(Move::Judge(proofs)) = challenger.reply(&table.game) else { panic!("no operands") };
    let mut wrong = proofs.clone();
    wrong[0].chunk[0] ^= 1;
    refuse(&mut table, Move::Judge(wrong), "Path", reached);
    refuse(&mut table, Move::Judge([proofs.clone(), proofs.clone()].concat()), "Operands", reached);
    let mut wrong = proofs;
    wrong[0].digest.0[0] ^= 1;
    refuse(&mut table, Move::Judge(wrong), "Path", reached);
}

/// Reads an id that names no row of the table.
struct NoRow;
impl Conduct for NoRow {
    fn tokens(&self, _at: StepId, tokens: &mut Words) {
        tokens[0] = 0x1000;
    }
}

/// V-4.5: an id past the end of its table names no place; an honest challenger goes for the batch instead.
fn ids(world: &World, reached: &mut Reached) {
    let case = world.case(Unit::Step(1), &NoRow);
    let outcome = settle(world, &case);
    assert_eq!(outcome.game.outcome().unwrap().finding.unwrap().kind, Kind::Tokens);
    let mut table = Table::new(&case);
    let mut accused = case.player(world, Side::Accused);
    while !matches!(table.game.phase(), Phase::Judge(_)) {
        let body = match table.game.phase() {
            Phase::Target => Move::Target(Target::Ops),
            Phase::ChooseList { .. } | Phase::ChooseTensor { .. } => Move::Choose(0),
            Phase::Element { .. } => Move::Element(0),
            Phase::Name(_) => {
                case.player(world, Side::Challenger).reply(&table.game).expect("the row is known")
            }
            _ => accused.reply(&table.game).unwrap(),
        };
        table.post(body).unwrap();
    }
    let batch = TensorTree::new(word_bytes(&case.accused.outputs[0]));
    let proof = OperandProof {
        digest: batch.digest(),
        list: ListPath { siblings: vec![] },
        chunk: batch.chunk(0).unwrap().to_vec(),
        path: batch.path(0).unwrap(),
    };
    refuse(&mut table, Move::Judge(vec![proof.clone(), proof]), "Place", reached);
}

/// V-4.1: targets that a unit does not claim.
fn targets(world: &World, reached: &mut Reached) {
    let cases = [
        (Unit::Delta, vec![Target::Ops, Target::Batch, Target::Loss]),
        (Unit::Loss, vec![Target::Post, Target::Batch]),
        (Unit::Merge, vec![Target::Batch, Target::Loss]),
    ];
    for (unit, missing) in cases {
        let case = world.case(unit, &Lie { unit, row: 0, element: 0, mask: 1 });
        let mut table = Table::new(&case);
        table.play_until(world, &case, |phase| *phase == Phase::Target);
        for target in missing {
            refuse(&mut table, Move::Target(target), "Target", reached);
        }
    }
}

/// V-4.2: every refusal is reached, leaves the game as it was, and says why.
#[test]
fn every_refusal_is_reached() {
    let world = World::new();
    let mut reached = Reached::new();
    let lane = lie_in(&world, Kind::RowMax, |row| row.terms >= 64);
    frame_of_a_move(&world, &lane, &mut reached);
    narrowing(&world, &lane, &mut reached);
    chains(&world, &lane, &mut reached);
    let product = lie_in(&world, Kind::MatMul, |row| row.start.is_some());
    narrowing(&world, &product, &mut reached);
    ids(&world, &mut reached);
    targets(&world, &mut reached);
    assert_eq!(reached, Reached::from(NAMES));
}

/// V-4.2: a kind of move is due in exactly the phases of its own; every other phase refuses it.
#[test]
fn a_move_out_of_turn_is_not_due() {
    let world = World::new();
    let case = lie_in(&world, Kind::RowMax, |row| row.terms >= 64);
    let table = settle(&world, &case);
    let kinds: BTreeSet<MoveKind> = table.moves.iter().map(|signed| signed.body.kind()).collect();
    assert_eq!(kinds.len(), 12, "the game shows every kind of move: {kinds:?}");
    let mut again = Table::new(&case);
    for due in &table.moves {
        for other in table.moves.iter().filter(|other| other.body.kind() != due.body.kind()) {
            let refusal = again.post(other.body.clone()).unwrap_err();
            assert_eq!(refusal, Refusal::NotDue { found: other.body.kind() });
        }
        again.post_signed(due.clone()).unwrap();
    }
}
