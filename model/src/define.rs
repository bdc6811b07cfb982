//! The definitions by kind, over any arithmetic: what kernels are tested against and what the referee recomputes.

use crate::arithmetic::{Real32, canonical};
use crate::op::{
    Arguments, Element, ElementVisitor, Kind, LANES, Term, TermVisitor, with_element, with_term,
};

struct Value<F>(Arguments<F>);
impl<F: Real32> ElementVisitor for Value<F> {
    type Output = F;
    #[inline(always)]
    fn visit<E: Element>(self) -> F {
        E::value(self.0)
    }
}

/// Canonical bits of an element-wise op's output element; +0 for a kind that is a chain.
pub fn element_value<F: Real32>(kind: Kind, arguments: Arguments<F>) -> u32 {
    with_element(kind, Value(arguments)).map_or(0, canonical)
}

struct Next<F>(F, Arguments<F>);
impl<F: Real32> TermVisitor for Next<F> {
    type Output = F;
    #[inline(always)]
    fn visit<T: Term>(self) -> F {
        T::next(self.0, self.1)
    }
}

/// The accumulator after one more term, canonical (M-1.3); unchanged for a kind that is element-wise.
pub fn next_accumulator<F: Real32>(kind: Kind, accumulator: F, arguments: Arguments<F>) -> F {
    let next = with_term(kind, Next(accumulator, arguments)).unwrap_or(accumulator);
    F::from_bits(canonical(next))
}

struct Empty;
impl TermVisitor for Empty {
    type Output = u32;
    fn visit<T: Term>(self) -> u32 {
        T::EMPTY
    }
}

/// Bits of the accumulator before the first link.
pub fn empty_accumulator(kind: Kind) -> u32 {
    with_term(kind, Empty).unwrap_or(0)
}

struct Total<F>([F; LANES]);
impl<F: Real32> TermVisitor for Total<F> {
    type Output = F;
    #[inline(always)]
    fn visit<T: Term>(self) -> F {
        join_lanes::<T, F>(self.0)
    }
}

/// Lane i joins lane i + 8, then i + 4, i + 2, i + 1 (M-3.4).
#[inline(always)]
pub(crate) fn join_lanes<T: Term, F: Real32>(mut totals: [F; LANES]) -> F {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            totals[lane] = T::join(totals[lane], totals[lane + half]);
        }
    }
    totals[0]
}

/// Canonical bits of a row reduction from its 16 lane totals.
pub fn lane_total<F: Real32>(kind: Kind, totals: [F; LANES]) -> u32 {
    with_term(kind, Total(totals)).map_or(0, canonical)
}
