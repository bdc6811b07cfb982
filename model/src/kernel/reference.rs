//! The definition itself: every element by its own expression, every chain term by term (M-3.1).

use super::Sources;
use crate::arithmetic::{CANONICAL_NAN, Real32, canonical};
use crate::define::{element_value, lane_total, next_accumulator};
use crate::op::{Arguments, Form, LANES, OPERANDS_MAX};
use crate::program::{Link, Row};

/// Computes the output rows from `first` on that fit into `out`.
pub(super) fn rows(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let base = first as u64 * u64::from(row.shape[3]);
    for (flat, slot) in (base..).zip(out.iter_mut()) {
        *slot = f32::from_bits(element(row, sources, row.index(flat)));
    }
}

/// The bits of one output element.
fn element(row: &Row, sources: &Sources, index: [u64; 4]) -> u32 {
    if row.is_masked(index) {
        return 0;
    }
    match row.kind.form() {
        Form::Element => element_value(row.kind, arguments(row, sources, index, 0)),
        Form::Chain => chain(row, sources, index, 0).to_bits(),
        Form::Lanes => {
            let totals: [f32; LANES] = std::array::from_fn(|lane| chain(row, sources, index, lane));
            lane_total(row.kind, totals)
        }
    }
}

fn chain(row: &Row, sources: &Sources, index: [u64; 4], lane: usize) -> f32 {
    let mut accumulator = f32::from_bits(crate::define::empty_accumulator(row.kind));
    for link in 0..row.links(index, lane) {
        accumulator = match row.link(index, lane, link) {
            Link::Start => start(row, sources, index),
            Link::Term(term) => next_accumulator(row.kind, accumulator, arguments(row, sources, index, term)),
        };
    }
    f32::from_bits(canonical(accumulator))
}

fn start(row: &Row, sources: &Sources, index: [u64; 4]) -> f32 {
    let place = row.start.as_ref().and_then(|s| s.place(index, 0, &[]));
    place.map_or(0.0, |p| sources.start[p as usize])
}

fn arguments(row: &Row, sources: &Sources, index: [u64; 4], term: u64) -> Arguments<f32> {
    let mut words = [0; OPERANDS_MAX];
    for (at, operand) in row.operands.iter().enumerate() {
        let place = operand.place(index, term, &words[..at]);
        words[at] = place.map_or(CANONICAL_NAN, |p| sources.operands[at][p as usize].to_bits());
    }
    Arguments { x: words.map(<f32 as Real32>::from_bits), words, s: sources.scalars, index }
}
