//! A row of a program as matrix products: one for each index along which operand b moves (M-4.2).

use super::super::micro::Micro;
use super::super::{Engine, Sources, pool};
use super::{Bound, Chains, Matrix, Product, Shared};
use crate::op::Kind;
use crate::program::{Operand, Range, Row};

/// Dimension that counts the rows of one product: operand b stands still along it. `None` when no tile fits.
fn row_dimension(row: &Row) -> Option<usize> {
    let [a, b] = row.operands.as_slice() else { return None };
    if row.kind != Kind::MatMul || a.strides[3] != 0 || matches!(row.range, Range::UpTo(3) | Range::From(3)) {
        return None;
    }
    [2, 1].into_iter().find(|d| b.strides[*d] == 0)
}

/// True for a row that [`batch`] computes.
pub(in crate::kernel) fn is_product(row: &Row) -> bool {
    let plain = row.operands.iter().chain(&row.start).all(|o| o.lookup.is_none());
    plain && row_dimension(row).is_some() && row.start.as_ref().is_none_or(|start| start.strides[3] == 1)
}

/// Multiply-adds below which a second thread has nothing to win.
const SHARED_MIN: usize = 1 << 20;

/// Computes a row that [`is_product`].
pub(in crate::kernel) fn batch(engine: &Engine, row: &Row, sources: &Sources, out: &mut [f32]) {
    let Some(dimension) = row_dimension(row) else { return };
    let micro = Micro::of(engine.backend);
    let [d0, d1, d2, width] = row.shape.map(|d| d as usize);
    // The other of dimensions 1 and 2 counts products, like dimension 0.
    let (rows, inner) = if dimension == 2 { (d2, d1) } else { (d1, d2) };
    let work = rows * width * row.terms as usize;
    let count = d0 * inner;
    let to = Shared(out.as_mut_ptr());
    let product = |at: usize| {
        let mut index = [(at / inner) as u64, 0, 0, 0];
        index[3 - dimension] = (at % inner) as u64;
        of(row, sources, dimension, index, to.get())
    };
    let threads = if work * count < SHARED_MIN { 1 } else { engine.threads };
    // SAFETY: the row's check proved all views, `out` has all its elements, products write disjoint rows of it,
    // and `Backend::available` offers only what this machine can run.
    unsafe {
        if count < 2 * threads && threads > 1 {
            (0..count).for_each(|at| product(at).run_shared(micro, threads));
        } else {
            pool::run(threads, count, &|at| product(at).run(micro));
        }
    }
}

/// The product whose row 0 has this index.
fn of(row: &Row, sources: &Sources, dimension: usize, index: [u64; 4], out: *mut f32) -> Product {
    let [_, d1, d2, width] = row.shape.map(|d| d as usize);
    let place = |operand: &Operand| operand.place(index, 0, &[]).unwrap_or(0) as usize;
    let (a, b) = (&row.operands[0], &row.operands[1]);
    let rows = if dimension == 2 { d2 } else { d1 };
    let out_row = if dimension == 2 { width } else { d2 * width };
    let first = ((index[0] as usize * d1 + index[1] as usize) * d2 + index[2] as usize) * width;
    let (start, start_row) = match &row.start {
        Some(start) => (sources.start[place(start)..].as_ptr(), start.strides[dimension] as usize),
        None => (std::ptr::null(), 0),
    };
    let along = |d: usize| (index[d] as usize, usize::from(d == dimension));
    let bound = |d: u8| {
        let (first, step) = along(usize::from(d));
        (first as isize, step)
    };
    Product {
        size: [rows, width, row.terms as usize],
        a: Matrix {
            at: sources.operands[0][place(a)..].as_ptr(),
            row: a.strides[dimension] as usize,
            column: a.term_stride as usize,
        },
        b: Matrix {
            at: sources.operands[1][place(b)..].as_ptr(),
            row: b.term_stride as usize,
            column: b.strides[3] as usize,
        },
        chains: Chains { start, start_row, out: out.wrapping_add(first), out_row },
        bound: match row.range {
            Range::Full => Bound::Full,
            Range::UpTo(d) => {
                let (first, step) = bound(d);
                Bound::UpTo { first, step }
            }
            Range::From(d) => {
                let (first, step) = bound(d);
                Bound::From { first, step }
            }
        },
        mask: row.masked.then(|| {
            let (first, step) = along(2);
            [first, step]
        }),
    }
}
