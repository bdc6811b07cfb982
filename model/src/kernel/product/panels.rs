//! Operand b of several products at once, packed as a whole.

use super::super::micro::{Ahead, LINE, Micro};
use super::strip::{Chains, Next, Strip};
use super::{Bound, Left, Matrix, Right, pack};

/// A packed operand b: blocks of LINE terms, each of all panels.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Panels<'a> {
    micro: &'a Micro,
    at: *const f32,
    terms: usize,
    columns: usize,
}

impl<'a> Panels<'a> {
    /// Elements that `terms` x `columns` take when packed.
    pub fn length(micro: &Micro, terms: usize, columns: usize) -> usize {
        terms * columns.next_multiple_of(micro.columns)
    }

    /// Packs `terms` x `columns` of `b` into `to`.
    ///
    /// # Safety
    /// `b` can be read, and [`Panels::length`] elements of `to` written.
    pub unsafe fn pack(
        micro: &'a Micro,
        b: Matrix,
        terms: usize,
        columns: usize,
        to: *mut f32,
    ) -> Panels<'a> {
        let panels = Panels { micro, at: to, terms, columns };
        for from in (0..terms).step_by(LINE) {
            let to = to.wrapping_add(panels.offset(from, 0));
            // SAFETY: the caller vouches for both extents.
            unsafe { (micro.pack)(micro, b.from(from, 0), LINE.min(terms - from), columns, to) };
        }
        panels
    }

    /// Where the panel of a block begins.
    #[inline(always)]
    fn offset(&self, from: usize, column: usize) -> usize {
        from * self.columns.next_multiple_of(self.micro.columns) + column * LINE.min(self.terms - from)
    }

    /// A few rows times the panels: `columns` of them, over the terms in range; operand a is packed into `memory`
    /// where that pays.
    ///
    /// # Safety
    /// `tall` is at most the tile's rows; `a`, the chains and `strip_length` elements of `memory` exist.
    pub unsafe fn times(
        &self,
        a: Matrix,
        tall: usize,
        bound: Bound,
        columns: usize,
        chains: Chains,
        memory: *mut f32,
    ) {
        for from in (0..self.terms).step_by(LINE) {
            let terms = LINE.min(self.terms - from);
            let bound = bound.from(0, from);
            if from > 0 && bound.is_empty(tall, terms) {
                continue;
            }
            // SAFETY: the caller vouches for all of it.
            unsafe {
                let panels = columns.div_ceil(self.micro.columns);
                let left = pack::strip(self.micro, a.from(0, from), tall, terms, panels, memory);
                self.block(
                    left,
                    tall,
                    [from, terms],
                    bound,
                    columns,
                    if from > 0 { chains.resting() } else { chains },
                );
            }
        }
    }

    /// Rows that are neighbors in memory, terms `a_term` elements apart and at most LINE, times the panels.
    ///
    /// # Safety
    /// As for [`Panels::times`].
    pub unsafe fn times_in_place(&self, a: Matrix, tall: usize, bound: Bound, chains: Chains) {
        let left = Left::Terms(a.at, a.column);
        // SAFETY: the caller vouches for all of it.
        unsafe { self.block(left, tall, [0, self.terms], bound, self.columns, chains) }
    }

    #[inline(always)]
    unsafe fn block(
        &self,
        left: Left,
        tall: usize,
        [from, terms]: [usize; 2],
        bound: Bound,
        columns: usize,
        chains: Chains,
    ) {
        let strip = Strip { micro: self.micro, left, tall, terms, bound };
        for column in (0..columns).step_by(self.micro.columns) {
            let live = self.micro.columns.min(self.columns - column);
            let b = Right { at: self.at.wrapping_add(self.offset(from, column)), term: self.micro.columns };
            let (here, next) = (chains.at(0, column), chains.at(0, column + self.micro.columns));
            let next = Next { out: next.out, row: next.out_row, ahead: [Ahead::NOTHING; 2] };
            // SAFETY: the caller vouches for the chains; the panel was packed.
            unsafe { strip.panel(b, here, live, next) };
        }
    }
}
