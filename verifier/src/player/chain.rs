//! Accumulators of a chain as one party computes them.

use super::own::Own;
use crate::game::{Span, Spot, interval_links};
use retrace_model::arithmetic::{Real32, canonical};
use retrace_model::op::{Arguments, SCALARS_MAX};
use retrace_model::program::Link;
use retrace_model::{empty_accumulator, next_accumulator};

/// Total of one lane.
pub(super) fn total(own: &Own, spot: &Spot, lane: usize) -> Option<u32> {
    let links = spot.row.links(spot.row.index(spot.element), lane);
    let mut last = empty_accumulator(spot.row.kind);
    walk(own, spot, lane, links, |_, word| last = word)?;
    Some(last)
}

/// Accumulators after each sub-interval of the stretch.
pub(super) fn partials(own: &Own, span: &Span) -> Option<Vec<u32>> {
    let step = interval_links(span);
    let mut words = Vec::new();
    walk(own, &span.spot, usize::from(span.lane), span.end, |link, word| {
        let done = link + 1;
        if done > span.first && ((done - span.first).is_multiple_of(step) || done == span.end) {
            words.push(word);
        }
    })?;
    Some(words)
}

/// Walks the chain from its beginning to `end`, telling the accumulator after every link.
fn walk(own: &Own, spot: &Spot, lane: usize, end: u64, mut after: impl FnMut(u64, u32)) -> Option<()> {
    let row = &spot.row;
    let index = row.index(spot.element);
    let mut s = [0.0; SCALARS_MAX];
    for (slot, scalar) in s.iter_mut().zip(&row.scalars) {
        *slot = f32::from_bits(own.trace().scalars().resolve(*scalar));
    }
    let mut accumulator = f32::from_bits(empty_accumulator(row.kind));
    for link in 0..end {
        accumulator = match row.link(index, lane, link) {
            Link::Start => {
                let words = own.words(row.start.as_slice(), index, 0)?;
                f32::from_bits(canonical(<f32 as Real32>::from_bits(words[0])))
            }
            Link::Term(term) => {
                let words = own.words(&row.operands, index, term)?;
                let x = words.map(<f32 as Real32>::from_bits);
                next_accumulator(row.kind, accumulator, Arguments { x, words, s, index })
            }
        };
        after(link, accumulator.to_bits());
    }
    Some(())
}
