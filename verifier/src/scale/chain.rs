//! The disputed element as each side has it, in integers: the accused's chain has one wrong accumulator.

use super::scene::Scene;
use crate::game::{Span, interval_links};
use crate::lab::Draws;
use retrace_model::arithmetic::{Real32, canonical};
use retrace_model::op::{Arguments, Form, LANES, OPERANDS_MAX, SCALARS_MAX};
use retrace_model::program::{Link, Operand};
use retrace_model::soft::Soft32;
use retrace_model::{element_value, empty_accumulator, lane_total, next_accumulator};

/// What a lie adds to the bits: four to the exponent. Sixteen times the value neither rounds away nor is passed by a
/// larger term.
const SIXTEENFOLD: u32 = 4 << 23;

/// Where the accused's accumulator is wrong: after this link of this lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lie {
    pub lane: usize,
    pub link: u64,
}

impl Scene {
    /// The operands' words at the disputed element and `term`.
    fn operand_words(&self, operands: &[Operand], term: u64) -> Option<[u32; OPERANDS_MAX]> {
        let index = self.row.index(self.element);
        let mut words = [0; OPERANDS_MAX];
        for (at, operand) in operands.iter().enumerate() {
            let place = operand.place(index, term, &words[..at])?;
            words[at] = self.source(operand)?.word(place);
        }
        Some(words)
    }

    fn arguments(&self, term: u64) -> Option<Arguments<Soft32>> {
        let words = self.operand_words(&self.row.operands, term)?;
        let mut s = [Soft32::from_bits(0); SCALARS_MAX];
        for (slot, scalar) in s.iter_mut().zip(&self.row.scalars) {
            *slot = Soft32::from_bits(self.scalars.resolve(*scalar));
        }
        let index = self.row.index(self.element);
        Some(Arguments { x: words.map(Soft32::from_bits), words, s, index })
    }

    /// Walks a lane to `end`, telling the accumulator after every link; with the lie where there is one.
    fn walk(&self, lie: Option<Lie>, lane: usize, end: u64, mut after: impl FnMut(u64, u32)) -> Option<()> {
        let index = self.row.index(self.element);
        let mut accumulator = Soft32::from_bits(empty_accumulator(self.row.kind));
        for link in 0..end {
            accumulator = match self.row.link(index, lane, link) {
                Link::Start => {
                    let words = self.operand_words(self.row.start.as_slice(), 0)?;
                    Soft32::from_bits(canonical(Soft32::from_bits(words[0])))
                }
                Link::Term(term) => next_accumulator(self.row.kind, accumulator, self.arguments(term)?),
            };
            if lie == Some(Lie { lane, link }) {
                accumulator = Soft32::from_bits(accumulator.to_bits().wrapping_add(SIXTEENFOLD));
            }
            after(link, accumulator.to_bits());
        }
        Some(())
    }

    fn links(&self, lane: usize) -> u64 {
        self.row.links(self.row.index(self.element), lane)
    }

    /// A lie about this element: after any link of any lane that has one.
    pub(super) fn drawn_lie(&self, draws: &mut Draws) -> Lie {
        let lanes = if self.row.kind.form() == Form::Lanes { LANES } else { 1 };
        let linked: Vec<usize> = (0..lanes).filter(|lane| self.links(*lane) > 0).collect();
        let lane = draws.pick(&linked).copied().unwrap_or(0);
        Lie { lane, link: draws.below(self.links(lane)) }
    }

    /// Totals of all lanes.
    pub(super) fn totals(&self, lie: Option<Lie>) -> Option<[u32; LANES]> {
        let mut totals = [0; LANES];
        for (lane, total) in totals.iter_mut().enumerate() {
            self.walk(lie, lane, self.links(lane), |_, word| *total = word)?;
        }
        Some(totals)
    }

    /// The element's bits.
    pub(super) fn value(&self, lie: Option<Lie>) -> Option<u32> {
        Some(match self.row.kind.form() {
            Form::Element => {
                let right = element_value(self.row.kind, self.arguments(0)?);
                if lie.is_some() { right.wrapping_add(SIXTEENFOLD) } else { right }
            }
            Form::Chain => {
                let mut last = empty_accumulator(self.row.kind);
                self.walk(lie, 0, self.links(0), |_, word| last = word)?;
                last
            }
            Form::Lanes => lane_total(self.row.kind, self.totals(lie)?.map(Soft32::from_bits)),
        })
    }

    /// Accumulators after each sub-interval of a stretch.
    pub(super) fn partials(&self, lie: Option<Lie>, span: &Span) -> Option<Vec<u32>> {
        let step = interval_links(span);
        let mut words = Vec::new();
        self.walk(lie, usize::from(span.lane), span.end, |link, word| {
            let done = link + 1;
            if done > span.first && ((done - span.first).is_multiple_of(step) || done == span.end) {
                words.push(word);
            }
        })?;
        Some(words)
    }
}
