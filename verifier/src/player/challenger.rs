//! The challenger looks for the leftmost difference from its own run, so that it owns every operand of it.

use super::own::Own;
use super::{Player, chain, operands};
use crate::digest::CHUNK_BYTES;
use crate::game::{Claimed, Game, List, Move, Phase, Span, Spot, Target};
use retrace_model::op::LANES;
use retrace_model::program::Home;

pub(super) fn reply(player: &mut Player, game: &Game) -> Option<Move> {
    let own = &mut player.own;
    Some(match game.phase() {
        Phase::Target => Move::Target(target(own, game)),
        Phase::ChooseList { node, list, children } => {
            Move::Choose(choose(*list, &own.list(*list)?.open(node)?, children))
        }
        Phase::Name(claimed) => name(own, *claimed)?,
        Phase::ChooseTensor { index, node, children, .. } => {
            Move::Choose(choose(List::Ops, &own.output(*index as usize)?.open(node)?, children))
        }
        Phase::Element { index, first, words, .. } => {
            let bytes = own.output(*index as usize)?.chunk(first / ELEMENTS)?;
            let tile: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
            Move::Element(choose(List::Ops, &tile, words))
        }
        Phase::Lane { spot, totals } => {
            own.fetch(&spot.row);
            Move::Lane(lane(own, spot, totals)? as u8)
        }
        Phase::Interval { span, words } => {
            own.fetch(&span.spot.row);
            Move::Choose(interval(own, span, words)?)
        }
        Phase::Judge(span) => {
            own.fetch(&span.spot.row);
            Move::Judge(operands::prove(player, game, span)?)
        }
        _ => return None,
    })
}

/// Elements of a tile.
const ELEMENTS: u64 = CHUNK_BYTES / 4;

/// The first claim that differs in the order in which rows read each other: batch, ops, loss, post-state.
fn target(own: &Own, game: &Game) -> Target {
    let frame = game.frame();
    if frame.batch != own.batch() {
        Target::Batch
    } else if game.ops().is_some_and(|ops| ops != own.ops().root()) {
        Target::Ops
    } else if frame.loss.is_some() && frame.loss != own.loss() {
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

fn name(own: &Own, claimed: Claimed) -> Option<Move> {
    let home = match claimed {
        Claimed::Tensor(home, _) => home,
        Claimed::Loss(_) => Home::Loss,
    };
    let at = own.row_at(home)?;
    let path = crate::pins::program_tree(own.trace().program()).path(at as u64)?;
    Some(Move::Name { index: at as u32, row: own.trace().program().rows[at].clone(), path })
}

fn lane(own: &Own, spot: &Spot, totals: &[u32; LANES]) -> Option<usize> {
    for (lane, total) in totals.iter().enumerate() {
        if chain::total(own, spot, lane)? != *total {
            return Some(lane);
        }
    }
    Some(0)
}

fn interval(own: &Own, span: &Span, words: &[u32]) -> Option<u32> {
    Some(choose(List::Ops, &chain::partials(own, span)?, words))
}
