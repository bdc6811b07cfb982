//! A row whose output takes the place of one of its operands, a piece at a time (M-8.4).

use crate::execute::Words;
use crate::kernel::{Engine, Sources, compute, share};
use crate::observer::Sight;
use crate::op::OPERANDS_MAX;
use crate::program::Row;
use std::sync::Mutex;

/// Elements of a piece, which is computed beside its place and then copied there: it stays in a core's own cache.
const PIECE: usize = 1 << 13;
/// Elements below which a second thread does not pay.
const SHARED_MIN: usize = 1 << 14;
/// Shares a thread, so that the fastest one takes more of them.
const SHARES: usize = 4;

/// Writes the row's output over its operand `own`, whose elements `words` are; the plan says that it may. The
/// operands' leaves are those of `sources`, but for `own`, which is not looked at there. The output is shown.
pub(crate) fn update(
    engine: &Engine,
    row: &Row,
    sources: &Sources,
    own: usize,
    words: &mut Words,
    sight: Sight,
) {
    let parts = sight.by_parts(words.len());
    let columns = row.shape[3] as usize;
    let rows = words.len() / columns;
    let threads = if words.len() < SHARED_MIN { 1 } else { engine.threads.max(1) };
    let share_rows = rows.div_ceil(if threads == 1 { 1 } else { threads * SHARES }).max(1);
    let share_rows = parts.piece(share_rows, columns);
    let shares: Vec<_> = words.chunks_mut(share_rows * columns).map(Mutex::new).collect();
    share(threads, shares.len(), &|part| {
        // Each share is taken once; the lock only hands it over.
        if let Ok(mut share) = shares[part].lock() {
            let engine = Engine { threads: 1, ..*engine };
            let first = part * share_rows * columns;
            update_share(&engine, row, sources, own, first, &mut share);
            parts.part(first, bytemuck::cast_slice(&share));
        }
    });
    if !parts.is_open() {
        sight.whole(engine.threads, bytemuck::cast_slice(words));
    }
}

/// Updates the elements from `first` on that are in `share`, whole rows of them.
fn update_share(engine: &Engine, row: &Row, sources: &Sources, own: usize, first: usize, share: &mut [u32]) {
    let columns = row.shape[3] as usize;
    let piece = (PIECE / columns).max(1) * columns;
    let mut beside = vec![0; piece.min(share.len())];
    let mut part = row.clone();
    for (at, place) in share.chunks_mut(piece).enumerate() {
        let (begin, out) = (first + at * piece, &mut beside[..place.len()]);
        part.shape = [1, 1, (place.len() / columns) as u32, columns as u32];
        let mut operands: [&[f32]; OPERANDS_MAX] = [&[]; OPERANDS_MAX];
        for (which, view) in part.operands.iter_mut().enumerate() {
            operands[which] = match view.strides {
                _ if which == own => bytemuck::cast_slice(place),
                // One element for all.
                [0, 0, 0, 0] => sources.operands[which],
                _ => &sources.operands[which][begin..begin + place.len()],
            };
            view.length = operands[which].len() as u64;
        }
        compute(engine, &part, &Sources { operands, ..*sources }, bytemuck::cast_slice_mut(out), Sight::NONE);
        place.copy_from_slice(out);
    }
}
