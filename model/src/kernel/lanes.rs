//! Row reductions in sixteen lanes, the lanes side by side in one vector.

use super::{Sources, reference};
use crate::arithmetic::{Real32, canonical};
use crate::define::join_lanes;
use crate::op::{Arguments, LANES, Term, TermVisitor, with_term};
use crate::program::{Range, Row};

/// Computes the output rows from `first` on that fit into `out`.
#[inline(always)]
pub(super) fn rows(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let contiguous = row.operands.iter().all(|o| o.term_stride == 1 && o.lookup.is_none());
    if !contiguous || matches!(row.range, Range::From(_)) || row.masked {
        return reference::rows(row, sources, first, out);
    }
    with_term(row.kind, Rows { row, sources, first, out });
}

struct Rows<'a> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    first: usize,
    out: &'a mut [f32],
}

impl TermVisitor for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn visit<T: Term>(self) {
        let base = (self.first * self.row.shape[3] as usize) as u64;
        for (flat, slot) in (base..).zip(self.out.iter_mut()) {
            let index = self.row.index(flat);
            let count = self.row.span(index).1 as usize;
            let slice = |at: usize| match self.row.operands.get(at).and_then(|o| o.place(index, 0, &[])) {
                Some(place) => &self.sources.operands[at][place as usize..place as usize + count],
                None => &self.sources.operands[0][..0],
            };
            let a = slice(0);
            let b = if self.row.operands.len() > 1 { slice(1) } else { a };
            *slot = f32::from_bits(canonical(reduce::<T>(a, b)));
        }
    }
}

#[inline(always)]
fn reduce<T: Term>(a: &[f32], b: &[f32]) -> f32 {
    let step = |accumulator: f32, x: f32, y: f32| {
        let arguments = Arguments { x: [x, y, 0.0], words: [0; 3], s: [0.0; 5], index: [0; 4] };
        T::next(accumulator, arguments)
    };
    let mut totals = [<f32 as Real32>::from_bits(T::EMPTY); LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            totals[lane] = step(totals[lane], x[lane], y[lane]);
        }
    }
    for (lane, (x, y)) in rest_a.iter().zip(rest_b).enumerate() {
        totals[lane] = step(totals[lane], *x, *y);
    }
    join_lanes::<T, f32>(totals)
}
