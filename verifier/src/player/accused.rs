//! The accused opens what it claimed, from its own run, true or not.

use super::chain;
use crate::digest::TensorTree;
use crate::digest::{Node, Tree};
use crate::game::{List, Move, Phase, Spot};
use crate::replay::Witness;
use crate::state::words_digest;
use retrace_model::arithmetic::Real32;
use retrace_model::op::{Kind, LANES};
use retrace_model::{empty_accumulator, lane_total};

pub(super) fn reply(witness: &Witness, phase: &Phase) -> Option<Move> {
    Some(match phase {
        Phase::Trace => Move::Trace(witness.ops_tree().root()),
        Phase::OpenList { node, list: List::Ops } => Move::Open(witness.ops_tree().open(node)?),
        Phase::OpenList { node, list: List::Post } => Move::Open(witness.post_tree()?.open(node)?),
        Phase::Reveal { node, list } => Move::Reveal(words_digest(leaf_words(witness, node, *list)?)),
        Phase::OpenTensor { index, node, .. } => Move::Open(tensor(witness, *index).open(node)?),
        Phase::Tile { index, node, .. } => Move::Tile(tensor(witness, *index).chunk(node.start())?.to_vec()),
        Phase::Totals(spot) => Move::Totals(lane_totals(witness, spot)?),
        Phase::Partials(span) => {
            let mut words = chain::partials(witness, span)?;
            // A liar's chain has to arrive at its lie; an honest one does anyway.
            *words.last_mut()? = span.after;
            Move::Partials(words)
        }
        _ => return None,
    })
}

fn leaf_words<'a>(witness: &'a Witness, node: &Node, list: List) -> Option<&'a Vec<u32>> {
    debug_assert!(matches!(node.tree(), Tree::List { .. }));
    let at = u32::try_from(node.start()).ok()?;
    let home = match list {
        List::Ops => retrace_model::program::Home::Trace(at),
        List::Post => retrace_model::program::Home::Post(at),
    };
    witness.outputs.get(witness.row_at(home)?)
}

fn tensor(witness: &Witness, row: u32) -> TensorTree {
    TensorTree::new(witness.output_bytes(row as usize))
}

/// The true totals where they combine to the claim; else all of the claim in lane 0, which at least combines.
fn lane_totals(witness: &Witness, spot: &Spot) -> Option<[u32; LANES]> {
    let mut totals = [0; LANES];
    for (lane, total) in totals.iter_mut().enumerate() {
        *total = chain::total(witness, spot, lane)?;
    }
    if lane_total(spot.row.kind, totals.map(<f32 as Real32>::from_bits)) == spot.claimed {
        return Some(totals);
    }
    let neutral = if spot.row.kind == Kind::RowMax { empty_accumulator(spot.row.kind) } else { 0x8000_0000 };
    totals = [neutral; LANES];
    totals[0] = spot.claimed;
    Some(totals)
}
