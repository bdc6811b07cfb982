//! Row reductions in sixteen lanes, the lanes side by side in one vector.

use super::lines::Line;
use super::{Sources, reference};
use crate::arithmetic::{Real32, canonical};
use crate::define::join_lanes;
use crate::op::{Arguments, LANES, Term, TermVisitor, with_term};
use crate::program::{Range, Row};
use std::marker::PhantomData;

/// Computes the output rows from `first` on that fit into `out`.
#[inline(always)]
pub(super) fn rows<F: Real32>(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let contiguous = row.operands.iter().all(|o| o.term_stride == 1 && o.lookup.is_none());
    if !contiguous || matches!(row.range, Range::From(_)) || row.masked {
        return reference::rows(row, sources, first, out);
    }
    with_term(row.kind, Rows::<F> { row, sources, first, out, numbers: PhantomData });
}

struct Rows<'a, F> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    first: usize,
    out: &'a mut [f32],
    numbers: PhantomData<F>,
}

impl<F: Real32> TermVisitor for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn visit<T: Term>(self) {
        let columns = self.row.shape[3] as usize;
        let mut line = Line::new(self.row, self.first);
        for out in self.out.chunks_exact_mut(columns) {
            let mut index = line.index;
            for slot in out {
                *slot = element::<T, F>(self.row, self.sources, index);
                index[3] += 1;
            }
            line.advance();
        }
    }
}

#[inline(always)]
fn element<T: Term, F: Real32>(row: &Row, sources: &Sources, index: [u64; 4]) -> f32 {
    let count = row.span(index).1 as usize;
    let a = terms(row, sources, 0, index, count);
    let b = if row.operands.len() > 1 { terms(row, sources, 1, index, count) } else { a };
    f32::from_bits(canonical(reduce::<T, F>(a, b)))
}

/// The first `count` terms of an operand.
#[inline(always)]
fn terms<'a>(row: &Row, sources: &Sources<'a>, operand: usize, index: [u64; 4], count: usize) -> &'a [f32] {
    let place = row.operands[operand].place(index, 0, &[]).unwrap_or(0) as usize;
    &sources.operands[operand][place..place + count]
}

/// One row's reduction of as many elements of `a` and `b`.
#[inline(always)]
pub(super) fn reduce<T: Term, F: Real32>(a: &[f32], b: &[f32]) -> F {
    let mut totals = [F::from_bits(T::EMPTY); LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        // Written so that maxima become vectors, too: of a loop over lanes the compiler makes sixteen scalars.
        totals = std::array::from_fn(|lane| step::<T, F>(totals[lane], x[lane], y[lane]));
    }
    for (lane, (x, y)) in rest_a.iter().zip(rest_b).enumerate() {
        totals[lane] = step::<T, F>(totals[lane], *x, *y);
    }
    join_lanes::<T, F>(totals)
}

#[inline(always)]
fn step<T: Term, F: Real32>(accumulator: F, x: f32, y: f32) -> F {
    let [x, y, zero] = [x, y, 0.0].map(|x| F::from_bits(x.to_bits()));
    T::next(accumulator, Arguments { x: [x, y, zero], words: [0; 3], s: [zero; 5], index: [0; 4] })
}
