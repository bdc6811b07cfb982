//! False accusers: whatever they post, an accused that did its work loses no game.

use crate::table::Table;
use crate::world::{Case, Rng, UNITS, World};
use retrace_model::op::LANES;
use retrace_model::program::{Home, Row};
use retrace_verifier::game::{Claimed, OperandProof, Phase, Target};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Honest;
use retrace_verifier::{Game, Move, Player, Side, Unit, Witness, program_tree};
use std::sync::Arc;

/// A challenger that plays any move of the kind that is due, and sometimes none.
struct Chaos<'a> {
    rng: Rng,
    honest: &'a Witness,
    helper: Player,
    stalls: bool,
}

impl Chaos<'_> {
    fn reply(&mut self, game: &Game) -> Option<Move> {
        if self.stalls && self.rng.below(60) == 0 {
            return None;
        }
        let rng = &mut self.rng;
        let mut among = |count: usize| rng.below(count + 1 + count / 16) as u32;
        Some(match game.phase() {
            Phase::Target => {
                Move::Target(rng.pick(&[Target::Ops, Target::Ops, Target::Post, Target::Batch, Target::Loss]))
            }
            Phase::ChooseList { children, .. } | Phase::ChooseTensor { children, .. } => {
                Move::Choose(among(children.len()))
            }
            Phase::Element { words, .. } => Move::Element(among(words.len())),
            Phase::Lane { .. } => Move::Lane(among(LANES) as u8),
            Phase::Interval { words, .. } => Move::Choose(among(words.len())),
            Phase::Name(claimed) => self.name(*claimed)?,
            Phase::Judge(_) => self.judge(game)?,
            _ => return None,
        })
    }

    fn name(&mut self, claimed: Claimed) -> Option<Move> {
        let home = match claimed {
            Claimed::Tensor(home, _) => home,
            Claimed::Loss(_) => Home::Loss,
        };
        let program = &self.honest.program;
        let right = self.honest.row_at(home)?;
        let at = if self.rng.below(4) == 0 { self.rng.below(program.rows.len()) } else { right };
        let mut row = program.rows[at].clone();
        if self.rng.below(8) == 0 {
            mangle(&mut self.rng, &mut row);
        }
        let path = program_tree(program).path(at as u64)?;
        Some(Move::Name { index: at as u32, row, path })
    }

    /// The right operands, or ones with something moved, dropped or flipped.
    fn judge(&mut self, game: &Game) -> Option<Move> {
        let Move::Judge(mut proofs) = self.helper.reply(game)? else { return None };
        if self.rng.below(2) == 0 {
            match self.rng.below(5) {
                0 => proofs.truncate(proofs.len() - 1),
                1 => proofs.push(proofs[0].clone()),
                2 => proofs.reverse(),
                _ => {
                    let at = self.rng.below(proofs.len());
                    spoil(&mut self.rng, &mut proofs[at]);
                }
            }
        }
        Some(Move::Judge(proofs))
    }
}

fn mangle(rng: &mut Rng, row: &mut Row) {
    let extreme = rng.pick(&[0, 1, u32::MAX, 1 << 24]);
    match rng.below(6) {
        0 => row.shape[rng.below(4)] = extreme,
        1 => row.terms = extreme,
        2 => row.operands[0].length = u64::from(extreme) << 32,
        3 => row.operands[0].strides[rng.below(4)] = u64::MAX,
        4 => row.operands[0].offset = u64::MAX,
        _ => row.masked = !row.masked,
    }
}

fn spoil(rng: &mut Rng, proof: &mut OperandProof) {
    match rng.below(4) {
        0 => proof.digest.0[rng.below(32)] ^= 1 << rng.below(8),
        1 if !proof.chunk.is_empty() => {
            let at = rng.below(proof.chunk.len());
            proof.chunk[at] ^= 1 << rng.below(8);
        }
        2 => proof.list.siblings.push([7; 32]),
        _ => proof.path.siblings.push([7; 32]),
    }
}

fn games(world: &World, each: usize, seed: u64) -> (usize, usize, usize) {
    let (mut played, mut clocks, mut refused) = (0, 0, 0);
    for unit in UNITS {
        let case = world.case(unit, &Honest);
        assert!(case.absorbed, "{unit}: an honest party's claims are the true ones");
        for game in 0..each {
            let rng = Rng(seed ^ (played as u64) << 16);
            let helper = case.player(world, Side::Challenger);
            let mut chaos = Chaos { rng, honest: &case.honest, helper, stalls: game % 4 == 0 };
            let mut table = Table::new(&case);
            table.play(&mut case.player(world, Side::Accused), &mut |game| chaos.reply(game));
            let outcome = table.game.outcome().unwrap();
            assert_eq!(outcome.winner, Side::Accused, "{unit}, game {game} of seed {seed}: {outcome:?}");
            played += 1;
            clocks += usize::from(table.stalled);
            refused += table.refused;
        }
    }
    (played, clocks, refused)
}

/// V-4.1, V-4.2: challengers that post anything at all against an honest accused: none wins.
#[test]
fn no_random_challenger_wins() {
    let (played, clocks, refused) = games(&World::new(), 100, 0xACC0);
    assert!(clocks > 0 && refused > 0 && clocks < played, "{played} {clocks} {refused}");
    println!("{played} games, 0 lost, {clocks} ended by the challenger's clock, {refused} moves refused");
}

/// V-4.6: a run that has diverged is a claim like any other: infinite weights and NaN convict nobody honest.
#[test]
fn no_random_challenger_wins_against_a_diverged_run() {
    let world = World::diverged();
    let step = world.case(Unit::Step(0), &Honest);
    let not_finite =
        step.accused.outputs.iter().flatten().filter(|w| **w & 0x7F80_0000 == 0x7F80_0000).count();
    assert!(not_finite > 1000, "{not_finite} words are infinite or NaN");
    let (played, clocks, refused) = games(&world, 40, 0xD1FF);
    println!("{played} games, {not_finite} words not finite, 0 lost, {clocks} clocks, {refused} refused");
}

/// V-4.7: a challenger that is wrong itself, by one word anywhere, loses what it plays from its own run.
#[test]
fn no_mistaken_challenger_wins() {
    let world = World::new();
    let (mut played, mut clocks, mut judged) = (0, 0, 0);
    for unit in UNITS {
        let case = world.case(unit, &Honest);
        for seed in 0..40 {
            let mut rng = Rng(0xBAD0 + seed);
            let lie = random_lie(&mut rng, unit, &case);
            let wrong = world.case(unit, &lie);
            let mut challenger =
                Player::new(Side::Challenger, wrong.accused.clone(), Arc::clone(&world.shards));
            let mut table = Table::new(&case);
            table.play(&mut case.player(&world, Side::Accused), &mut |game| challenger.reply(game));
            let outcome = table.game.outcome().unwrap();
            assert_eq!(outcome.winner, Side::Accused, "{lie:?}");
            played += 1;
            clocks += usize::from(table.stalled);
            judged += usize::from(!table.stalled);
        }
    }
    assert!(judged > 0, "no mistaken challenger was judged");
    println!("{played} games, 0 lost: {judged} judged, {clocks} ended by the challenger's clock");
}

fn random_lie(rng: &mut Rng, unit: Unit, case: &Case) -> Lie {
    let row = rng.below(case.honest.program.rows.len());
    let element = rng.below(case.honest.outputs[row].len());
    Lie { unit, row, element, mask: 1 << rng.below(32) }
}
