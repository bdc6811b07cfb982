//! The challenger looks for the leftmost difference from its own run, so that it owns every operand of it.

use super::{Player, chain, operands};
use crate::digest::TensorTree;
use crate::game::{Claimed, Game, List, Move, Phase, Span, Spot, Target};
use crate::replay::Witness;
use retrace_model::op::LANES;
use retrace_model::program::Home;

pub(super) fn reply(player: &Player, game: &Game) -> Option<Move> {
    let witness = &player.witness;
    Some(match game.phase() {
        Phase::Target => Move::Target(target(witness, game)),
        Phase::ChooseList { node, list, children } => {
            let own = match list {
                List::Ops => witness.ops_tree().open(node)?,
                List::Post => witness.post_tree()?.open(node)?,
            };
            Move::Choose(choose(*list, &own, children))
        }
        Phase::Name(claimed) => name(witness, *claimed)?,
        Phase::ChooseTensor { index, node, children, .. } => {
            let own = TensorTree::new(witness.output_bytes(*index as usize)).open(node)?;
            Move::Choose(choose(List::Ops, &own, children))
        }
        Phase::Element { index, first, words, .. } => {
            let from = usize::try_from(*first).ok()?;
            let own = witness.outputs[*index as usize].get(from..from + words.len())?;
            Move::Element(choose(List::Ops, own, words))
        }
        Phase::Lane { spot, totals } => Move::Lane(lane(witness, spot, totals)? as u8),
        Phase::Interval { span, words } => Move::Choose(interval(witness, span, words)?),
        Phase::Judge(span) => Move::Judge(operands::prove(player, game, span)?),
        _ => return None,
    })
}

/// The first claim that differs in the order in which rows read each other: batch, ops, loss, post-state.
fn target(witness: &Witness, game: &Game) -> Target {
    let frame = game.frame();
    if frame.batch != witness.batch() {
        Target::Batch
    } else if game.ops().is_some_and(|ops| ops != witness.ops_tree().root()) {
        Target::Ops
    } else if frame.loss.is_some() && frame.loss != witness.loss() {
        Target::Loss
    } else if frame.post.is_some() {
        Target::Post
    } else {
        Target::Loss
    }
}

/// The leftmost difference; in a post-state the rightmost, since parameters read the moments to their right.
fn choose<T: PartialEq>(list: List, own: &[T], theirs: &[T]) -> u32 {
    let mut pairs = own.iter().zip(theirs);
    let found = match list {
        List::Ops => pairs.position(|(a, b)| a != b),
        List::Post => pairs.rposition(|(a, b)| a != b),
    };
    found.unwrap_or(0) as u32
}

fn name(witness: &Witness, claimed: Claimed) -> Option<Move> {
    let home = match claimed {
        Claimed::Tensor(home, _) => home,
        Claimed::Loss(_) => Home::Loss,
    };
    let at = witness.row_at(home)?;
    let path = crate::pins::program_tree(&witness.program).path(at as u64)?;
    Some(Move::Name { index: at as u32, row: witness.program.rows[at].clone(), path })
}

fn lane(witness: &Witness, spot: &Spot, totals: &[u32; LANES]) -> Option<usize> {
    for (lane, total) in totals.iter().enumerate() {
        if chain::total(witness, spot, lane)? != *total {
            return Some(lane);
        }
    }
    Some(0)
}

fn interval(witness: &Witness, span: &Span, words: &[u32]) -> Option<u32> {
    Some(choose(List::Ops, &chain::partials(witness, span)?, words))
}
