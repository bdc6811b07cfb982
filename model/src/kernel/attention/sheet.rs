//! Scores, probabilities and their gradients for one who takes parts (M-8.5): shown some rows at a time while they are
//! in the cache, and never written out.

use super::Extent;
use crate::observer::{PART_UNIT, Sight};

/// Elements of a sheet, about: three of them stay in a core's own cache.
const SHEET: usize = 1 << 14;

/// Rows of a sheet: whole parts (M-8.5).
fn height(e: Extent) -> usize {
    (SHEET / e.context).next_power_of_two().max(PART_UNIT / 16)
}

/// Elements of a sheet's memory; none where nobody sees it.
pub(super) fn length(sight: Sight, e: Extent) -> usize {
    if sight.is_open() { height(e) * e.context } else { 0 }
}

/// Some rows of a head's positions x positions, shown when they are all there.
pub(super) struct Sheet<'a> {
    sight: Sight<'a>,
    /// Element of the output where the head begins.
    head: usize,
    context: usize,
    height: usize,
    memory: *mut f32,
}

impl<'a> Sheet<'a> {
    /// For head `head` of the output that `sight` sees.
    ///
    /// # Safety
    /// The memory has [`length`] elements, and nobody else uses it as long as this exists.
    pub unsafe fn new(sight: Sight<'a>, head: usize, e: Extent, memory: *mut f32) -> Sheet<'a> {
        let (context, height) = (e.context, height(e).min(e.context));
        Sheet { sight, head: head * context * context, context, height, memory }
    }

    /// Takes row `row.len() - 1`, with +0 beyond its range; rows come in order.
    #[inline]
    pub fn put(&self, row: &[f32]) {
        if !self.sight.is_open() {
            return;
        }
        let (live, wide) = (row.len(), self.context);
        let at = (live - 1) % self.height;
        // SAFETY: whoever made it vouched for the memory.
        let sheet = unsafe { std::slice::from_raw_parts_mut(self.memory, (at + 1) * wide) };
        let line = &mut sheet[at * wide..];
        line[..live].copy_from_slice(row);
        line[live..].fill(0.0);
        if at + 1 == self.height || live == wide {
            self.sight.part(self.head + (live - 1 - at) * wide, sheet);
        }
    }
}
