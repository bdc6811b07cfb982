//! Accumulators of a chain as one party computes them.

use crate::game::{Span, Spot, interval_links};
use crate::replay::Witness;
use retrace_model::arithmetic::{CANONICAL_NAN, Real32, canonical};
use retrace_model::op::{Arguments, OPERANDS_MAX, SCALARS_MAX};
use retrace_model::program::{Link, Operand};
use retrace_model::{empty_accumulator, next_accumulator};

/// Total of one lane.
pub(super) fn total(witness: &Witness, spot: &Spot, lane: usize) -> Option<u32> {
    let links = spot.row.links(spot.row.index(spot.element), lane);
    let mut last = empty_accumulator(spot.row.kind);
    walk(witness, spot, lane, links, |_, word| last = word)?;
    Some(last)
}

/// Accumulators after each sub-interval of the stretch.
pub(super) fn partials(witness: &Witness, span: &Span) -> Option<Vec<u32>> {
    let step = interval_links(span);
    let mut words = Vec::new();
    walk(witness, &span.spot, usize::from(span.lane), span.end, |link, word| {
        let done = link + 1;
        if done > span.first && ((done - span.first).is_multiple_of(step) || done == span.end) {
            words.push(word);
        }
    })?;
    Some(words)
}

/// Walks the chain from its beginning to `end`, telling the accumulator after every link.
fn walk(
    witness: &Witness,
    spot: &Spot,
    lane: usize,
    end: u64,
    mut after: impl FnMut(u64, u32),
) -> Option<()> {
    let row = &spot.row;
    let index = row.index(spot.element);
    let mut s = [0.0; SCALARS_MAX];
    for (slot, scalar) in s.iter_mut().zip(&row.scalars) {
        *slot = f32::from_bits(witness.scalars.resolve(*scalar));
    }
    let mut accumulator = f32::from_bits(empty_accumulator(row.kind));
    for link in 0..end {
        accumulator = match row.link(index, lane, link) {
            Link::Start => {
                let words = words(witness, row.start.as_slice(), index, 0)?;
                f32::from_bits(canonical(<f32 as Real32>::from_bits(words[0])))
            }
            Link::Term(term) => {
                let words = words(witness, &row.operands, index, term)?;
                let x = words.map(<f32 as Real32>::from_bits);
                next_accumulator(row.kind, accumulator, Arguments { x, words, s, index })
            }
        };
        after(link, accumulator.to_bits());
    }
    Some(())
}

/// The operands' words as this party has them.
fn words(witness: &Witness, operands: &[Operand], index: [u64; 4], term: u64) -> Option<[u32; OPERANDS_MAX]> {
    let mut words = [0; OPERANDS_MAX];
    for (at, operand) in operands.iter().enumerate() {
        words[at] = match operand.place(index, term, &words[..at]) {
            Some(place) => *witness.leaf(operand.leaf)?.get(usize::try_from(place).ok()?)?,
            None => CANONICAL_NAN,
        };
    }
    Some(words)
}
