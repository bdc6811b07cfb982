//! Element-wise ops a row at a time: operands become contiguous columns, then one loop that vectorizes.

use super::Sources;
use crate::arithmetic::canonical;
use crate::op::{Arguments, Element, ElementVisitor, OPERANDS_MAX, with_element};
use crate::program::Row;

/// Computes the output rows from `first` on that fit into `out`.
#[inline(always)]
pub(super) fn rows(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    with_element(row.kind, Rows { row, sources, first, out });
}

struct Rows<'a> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    first: usize,
    out: &'a mut [f32],
}

impl ElementVisitor for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn visit<E: Element>(self) {
        let columns = self.row.shape[3] as usize;
        let mut scratch: [Vec<f32>; OPERANDS_MAX] = std::array::from_fn(|_| vec![0.0; columns]);
        for (at, out) in self.out.chunks_mut(columns).enumerate() {
            let index = self.row.index((self.first + at) as u64 * columns as u64);
            let live = if self.row.masked { columns.min(index[2] as usize + 1) } else { columns };
            let x = gather(self.row, self.sources, index, live, &mut scratch);
            out[live..].fill(0.0);
            one_row::<E>(x, self.sources.scalars, index, &mut out[..live]);
        }
    }
}

#[inline(always)]
fn one_row<E: Element>(x: [&[f32]; OPERANDS_MAX], s: [f32; 5], index: [u64; 4], out: &mut [f32]) {
    let n = out.len();
    let (a, b, c) = (&x[0][..n], &x[1][..n], &x[2][..n]);
    for j in 0..n {
        let x = [a[j], b[j], c[j]];
        let index = [index[0], index[1], index[2], j as u64];
        let words = x.map(f32::to_bits);
        out[j] = f32::from_bits(canonical(E::value(Arguments { x, words, s, index })));
    }
}

/// One contiguous slice an operand: the leaf itself where it is dense, else a copy.
#[inline(always)]
fn gather<'a>(
    row: &Row,
    sources: &Sources<'a>,
    index: [u64; 4],
    live: usize,
    scratch: &'a mut [Vec<f32>; OPERANDS_MAX],
) -> [&'a [f32]; OPERANDS_MAX] {
    let mut earlier = [0; OPERANDS_MAX];
    let mut places = [0; OPERANDS_MAX];
    for (at, operand) in row.operands.iter().enumerate() {
        // Ids are the same along a row in every program of ours, so one look-up serves the row.
        let place = operand.place(index, 0, &earlier[..at]).unwrap_or(u64::MAX) as usize;
        places[at] = place;
        earlier[at] = sources.operands[at].get(place).map_or(0, |w| w.to_bits());
    }
    let mut at = 0;
    scratch.each_mut().map(|scratch| {
        let (operand, leaf, place) = (row.operands.get(at), sources.operands[at], places[at]);
        at += 1;
        match operand.map(|o| o.strides[3] as usize) {
            Some(1) => &leaf[place..place + live],
            Some(0) => {
                scratch[..live].fill(leaf[place]);
                &scratch[..live]
            }
            Some(stride) => {
                for (j, slot) in scratch[..live].iter_mut().enumerate() {
                    *slot = leaf[place + j * stride];
                }
                &scratch[..live]
            }
            None => &scratch[..live],
        }
    })
}
