//! What a dishonest side may post at each turn: what it has, what it would like to have, and what nobody has.

use crate::arena::answer;
use crate::bench::ops_root;
use crate::rules::change;
use retrace_model::op::LANES;
use retrace_model::program::Home;
use retrace_verifier::digest::Digest;
use retrace_verifier::game::{Claimed, Phase, Target};
use retrace_verifier::{Game, Move, Side, Witness, program_tree};
use std::sync::Arc;

/// Of more elements or intervals than twice this, so many from each end are tried, and the one in the middle.
pub const ENDS: usize = 8;

/// Positions among `count` that are tried, and the first one that does not exist.
fn positions(count: usize) -> Vec<u32> {
    if count <= 2 * ENDS {
        return (0..=count as u32).collect();
    }
    let ends = (0..ENDS).chain([count / 2]).chain(count - ENDS..=count);
    ends.map(|at| at as u32).collect()
}

/// Candidates of the side whose turn it is, from runs that it may pretend to have made.
pub fn candidates(game: &Game, seen: &[Game], runs: &[Witness], shards: &Arc<Vec<Vec<u8>>>) -> Vec<Move> {
    let side = game.turn();
    let answers = runs.iter().filter_map(|run| answer(side, run, shards, game, seen));
    let mut moves: Vec<Move> = answers.collect();
    let own = moves.first().cloned();
    moves.extend(runs.iter().filter_map(|run| true_totals(game, run, shards)));
    moves.extend(match side {
        Side::Challenger => challenger(game.phase(), &runs[0]),
        Side::Accused => Vec::new(),
    });
    // A trace whenever somebody is due: it is out of turn but for once.
    let roots = runs.iter().map(|run| ops_root(run));
    moves.extend(roots.chain([Digest([9; 32])]).map(Move::Trace));
    moves.extend(own.into_iter().flat_map(|own| spoiled(game.phase(), &own)));
    let mut distinct: Vec<Move> = Vec::new();
    for body in moves {
        if !distinct.contains(&body) {
            distinct.push(body);
        }
    }
    distinct
}

/// The totals of an element's lanes as this run's operands give them, whatever is claimed of the element.
fn true_totals(game: &Game, run: &Witness, shards: &Arc<Vec<Vec<u8>>>) -> Option<Move> {
    let Phase::Totals(spot) = game.phase() else { return None };
    let mut spot = spot.clone();
    spot.claimed = *run.outputs[spot.index as usize].get(spot.element as usize)?;
    let mut other = game.clone();
    change(&mut other, |parts| parts.phase = Phase::Totals(spot));
    answer(Side::Accused, run, shards, &other, &[])
}

fn challenger(phase: &Phase, run: &Witness) -> Vec<Move> {
    let choices = |count: usize| positions(count).into_iter();
    match phase {
        Phase::Target => [Target::Ops, Target::Post, Target::Batch, Target::Loss].map(Move::Target).into(),
        Phase::ChooseList { children, .. } | Phase::ChooseTensor { children, .. } => {
            (0..=children.len() as u32).map(Move::Choose).collect()
        }
        Phase::Name(claimed) => names(*claimed, run),
        Phase::Element { words, .. } => choices(words.len()).map(Move::Element).collect(),
        Phase::Lane { .. } => (0..=LANES as u8).map(Move::Lane).collect(),
        Phase::Interval { words, .. } => choices(words.len()).map(Move::Choose).collect(),
        _ => Vec::new(),
    }
}

/// The right row, its neighbors, and the right one with another shape.
fn names(claimed: Claimed, run: &Witness) -> Vec<Move> {
    let home = match claimed {
        Claimed::Tensor(home, _) => home,
        Claimed::Loss(_) => Home::Loss,
    };
    let (program, right) = (&run.program, run.row_at(home).unwrap());
    let tree = program_tree(program);
    let name = |at: usize| {
        let path = tree.path(at as u64)?;
        Some(Move::Name { index: at as u32, row: program.rows[at].clone(), path })
    };
    let near = [right.checked_sub(1), Some(right), Some(right + 1)];
    let mut moves: Vec<Move> = near.into_iter().flatten().filter_map(name).collect();
    if let Some(Move::Name { index, mut row, path }) = name(right) {
        row.shape[3] += 1;
        moves.push(Move::Name { index, row, path });
    }
    moves
}

/// The move with something wrong in it.
fn spoiled(phase: &Phase, own: &Move) -> Vec<Move> {
    let nan = 0xFFC0_0001;
    match (own, phase) {
        (Move::Open(children), _) => {
            let mut fewer = children.clone();
            fewer.pop();
            let mut turned = children.clone();
            turned.reverse();
            vec![Move::Open(fewer), Move::Open(turned)]
        }
        (Move::Reveal(digest), _) => vec![Move::Reveal(Digest(digest.0.map(|b| b ^ 1)))],
        (Move::Tile(bytes), _) => {
            let mut other = bytes.clone();
            other[0] ^= 1;
            vec![Move::Tile(other), Move::Tile(bytes[4..].to_vec())]
        }
        (Move::Totals(totals), Phase::Totals(spot)) => {
            let put = |lane: usize, word: u32| {
                let mut made_up = [0x8000_0000; LANES];
                made_up[lane] = word;
                Move::Totals(made_up)
            };
            let mut other = *totals;
            other[LANES - 1] ^= 1 << 22;
            vec![put(0, spot.claimed), put(LANES - 1, spot.claimed), put(0, nan), Move::Totals(other)]
        }
        (Move::Partials(words), Phase::Partials(span)) => {
            let with = |change: &dyn Fn(&mut Vec<u32>)| {
                let mut made_up = words.clone();
                change(&mut made_up);
                Move::Partials(made_up)
            };
            let middle = words.len() / 2;
            vec![
                with(&|w| w.fill(span.after)),
                with(&|w| w[..middle].fill(span.before)),
                with(&|w| w[0] ^= 1 << 22),
                with(&|w| w[middle] = nan),
                with(&|w| *w.last_mut().unwrap() ^= 1 << 22),
                with(&|w| w.truncate(w.len() - 1)),
            ]
        }
        (Move::Judge(proofs), _) if !proofs.is_empty() => {
            let mut spoiled = vec![proofs[1..].to_vec(), proofs.iter().rev().cloned().collect()];
            let mut flipped = proofs.clone();
            let last = flipped.last_mut().unwrap();
            if let Some(byte) = last.chunk.first_mut() {
                *byte ^= 1;
                spoiled.push(flipped);
            }
            spoiled.into_iter().map(Move::Judge).collect()
        }
        _ => Vec::new(),
    }
}
