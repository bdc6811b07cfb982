//! The accused opens what it claimed, from its own run, true or not.

use super::chain;
use super::own::Own;
use crate::digest::{Digest, Node};
use crate::game::{List, Move, Phase, Spot};
use retrace_model::arithmetic::Real32;
use retrace_model::op::{Kind, LANES};
use retrace_model::program::Home;
use retrace_model::{empty_accumulator, lane_total};

pub(super) fn reply(own: &mut Own, phase: &Phase) -> Option<Move> {
    Some(match phase {
        Phase::Trace => Move::Trace(own.ops().root()),
        Phase::OpenList { node, list } => Move::Open(own.list(*list)?.open(node)?),
        Phase::Reveal { node, list } => Move::Reveal(leaf(own, node, *list)?),
        Phase::OpenTensor { index, node, .. } => Move::Open(own.output(*index as usize)?.open(node)?),
        Phase::Tile { index, node, .. } => {
            Move::Tile(own.output(*index as usize)?.chunk(node.start())?.to_vec())
        }
        Phase::Totals(spot) => {
            own.fetch(&spot.row);
            Move::Totals(lane_totals(own, spot)?)
        }
        Phase::Partials(span) => {
            own.fetch(&span.spot.row);
            let mut words = chain::partials(own, span)?;
            // A liar's chain has to arrive at its lie; an honest one does anyway.
            *words.last_mut()? = span.after;
            Move::Partials(words)
        }
        _ => return None,
    })
}

fn leaf(own: &Own, node: &Node, list: List) -> Option<Digest> {
    let at = u32::try_from(node.start()).ok()?;
    own.digest(match list {
        List::Ops => Home::Trace(at),
        List::Post => Home::Post(at),
    })
}

/// The true totals where they combine to the claim; else all of the claim in lane 0, which at least combines.
fn lane_totals(own: &Own, spot: &Spot) -> Option<[u32; LANES]> {
    let mut totals = [0; LANES];
    for (lane, total) in totals.iter_mut().enumerate() {
        *total = chain::total(own, spot, lane)?;
    }
    if lane_total(spot.row.kind, totals.map(<f32 as Real32>::from_bits)) == spot.claimed {
        return Some(totals);
    }
    let neutral = if spot.row.kind == Kind::RowMax { empty_accumulator(spot.row.kind) } else { 0x8000_0000 };
    totals = [neutral; LANES];
    totals[0] = spot.claimed;
    Some(totals)
}
