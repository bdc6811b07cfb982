//! Element-wise ops a row at a time: operands become contiguous columns, then one loop that vectorizes.

use super::lines::Line;
use super::{Sources, reference};
use crate::arithmetic::{CANONICAL_NAN, Real32, canonical};
use crate::op::{Arguments, Element, ElementVisitor, OPERANDS_MAX, with_element};
use crate::program::{Lookup, Row};
use std::marker::PhantomData;

/// Computes the output rows from `first` on that fit into `out`.
#[inline(always)]
pub(super) fn rows<F: Real32>(row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    let names_row = |l: Lookup| row.operands.get(usize::from(l.operand)).is_some_and(|id| id.strides[3] == 0);
    if !row.operands.iter().filter_map(|o| o.lookup).all(names_row) {
        return reference::rows(row, sources, first, out);
    }
    with_element(row.kind, Rows::<F> { row, sources, first, out, numbers: PhantomData });
}

struct Rows<'a, F> {
    row: &'a Row,
    sources: &'a Sources<'a>,
    first: usize,
    out: &'a mut [f32],
    numbers: PhantomData<F>,
}

impl<F: Real32> ElementVisitor for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn visit<E: Element>(self) {
        let columns = self.row.shape[3] as usize;
        let mut scratch = [vec![0.0; columns], vec![0.0; columns], vec![0.0; columns]];
        let mut line = Line::new(self.row, self.first);
        for out in self.out.chunks_exact_mut(columns) {
            let live = if self.row.masked { columns.min(line.index[2] as usize + 1) } else { columns };
            let [a, b, c] = &mut scratch;
            let places = places(self.row, self.sources, line.index);
            let x = [
                gather(self.row, self.sources, 0, places[0], &mut a[..live]),
                gather(self.row, self.sources, 1, places[1], &mut b[..live]),
                gather(self.row, self.sources, 2, places[2], &mut c[..live]),
            ];
            out[live..].fill(0.0);
            one_row::<E, F>(x, self.sources.scalars, line.index, &mut out[..live]);
            line.advance();
        }
    }
}

#[inline(always)]
fn one_row<E: Element, F: Real32>(x: [&[f32]; OPERANDS_MAX], s: [f32; 5], index: [u64; 4], out: &mut [f32]) {
    let n = out.len();
    let (a, b, c) = (&x[0][..n], &x[1][..n], &x[2][..n]);
    let s = s.map(|s| F::from_bits(s.to_bits()));
    for j in 0..n {
        let x = [a[j], b[j], c[j]];
        let index = [index[0], index[1], index[2], j as u64];
        let words = x.map(f32::to_bits);
        let x = words.map(F::from_bits);
        out[j] = f32::from_bits(canonical(E::value(Arguments { x, words, s, index })));
    }
}

/// Elements that the operands read for column 0. `None` where an id names no row.
#[inline(always)]
fn places(row: &Row, sources: &Sources, index: [u64; 4]) -> [Option<usize>; OPERANDS_MAX] {
    let mut words = [0; OPERANDS_MAX];
    let mut places = [None; OPERANDS_MAX];
    for (at, operand) in row.operands.iter().enumerate() {
        // `rows` sent ids that move along a row to the definition, so one look-up serves the row.
        places[at] = operand.place(index, 0, &words[..at]).map(|place| place as usize);
        words[at] = places[at].map_or(CANONICAL_NAN, |place| sources.operands[at][place].to_bits());
    }
    places
}

/// One contiguous slice: the leaf itself where the operand is dense, else a copy in `scratch`.
#[inline(always)]
fn gather<'a>(
    row: &Row,
    sources: &Sources<'a>,
    at: usize,
    place: Option<usize>,
    scratch: &'a mut [f32],
) -> &'a [f32] {
    let Some(operand) = row.operands.get(at) else { return scratch };
    let Some(place) = place else {
        scratch.fill(f32::from_bits(CANONICAL_NAN));
        return scratch;
    };
    let leaf = &sources.operands[at][place..];
    match operand.strides[3] as usize {
        1 => return &leaf[..scratch.len()],
        0 => scratch.fill(leaf[0]),
        stride => {
            for (j, slot) in scratch.iter_mut().enumerate() {
                *slot = leaf[j * stride];
            }
        }
    }
    scratch
}
