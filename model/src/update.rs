//! Rows whose outputs take the place of one of their operands, a piece at a time (M-8.4).

use crate::execute::Words;
use crate::kernel::{Engine, Sources, compute, share};
use crate::observer::Sight;
use crate::op::OPERANDS_MAX;
use crate::program::Row;
use std::sync::Mutex;

/// Elements of a piece, which is computed beside its place and then copied there: with the pieces of what goes
/// together it stays in a core's own cache.
const PIECE: usize = 1 << 12;
/// Elements below which a second thread does not pay.
const SHARED_MIN: usize = 1 << 14;
/// Shares a thread, so that the fastest one takes more of them.
const SHARES: usize = 4;

/// A row that writes over one of its operands; the plan says that it may.
pub(crate) struct Update<'a> {
    pub row: &'a Row,
    /// The operands' leaves, but for its own and for what rows before it in the same group write: nobody looks there.
    pub sources: Sources<'a>,
    /// The operand that is written over.
    pub own: usize,
    /// Who sees the output.
    pub sight: Sight<'a>,
}

/// Writes the outputs of rows of one shape over their own operands, whose elements are in `words`, one entry a row.
/// Each piece goes through all rows before the next one, so that what one row writes the next ones find in the cache.
pub(crate) fn update(engine: &Engine, updates: &[Update], words: &mut [Words]) {
    let Some(Update { row, sight, .. }) = updates.first() else { return };
    let (rows, columns) = (row.shape[2] as usize, row.shape[3] as usize);
    let threads = if rows * columns < SHARED_MIN { 1 } else { engine.threads.max(1) };
    let share_rows = rows.div_ceil(if threads == 1 { 1 } else { threads * SHARES }).max(1);
    let (parts, share_rows) = sight.by_parts(rows * columns).cut(rows, share_rows, columns, threads);
    let mut chunks: Vec<_> = words.iter_mut().map(|words| words.chunks_mut(share_rows * columns)).collect();
    let shares: Vec<Mutex<Vec<&mut [u32]>>> = (0..rows.div_ceil(share_rows))
        .map(|_| Mutex::new(chunks.iter_mut().filter_map(Iterator::next).collect()))
        .collect();
    share(threads, shares.len(), &|part| {
        // Each share is taken once; the lock only hands it over.
        if let Ok(mut share) = shares[part].lock() {
            let engine = Engine { threads: 1, ..*engine };
            let first = part * share_rows * columns;
            update_share(&engine, updates, first, &mut share);
            if parts.is_open() {
                for (update, words) in updates.iter().zip(share.iter()) {
                    update.sight.part(first, bytemuck::cast_slice(words));
                }
            }
        }
    });
    if !parts.is_open() {
        for (update, words) in updates.iter().zip(words.iter()) {
            update.sight.whole(engine.threads, bytemuck::cast_slice(words));
        }
    }
}

/// Updates the elements from `first` on that are in `share`, whole rows of them.
fn update_share(engine: &Engine, updates: &[Update], first: usize, share: &mut [&mut [u32]]) {
    let Some(elements) = share.first().map(|words| words.len()) else { return };
    let columns = updates[0].row.shape[3] as usize;
    let piece = (PIECE / columns).max(1) * columns;
    let mut beside = vec![0; piece.min(elements)];
    let mut parts: Vec<Row> = updates.iter().map(|update| update.row.clone()).collect();
    for begin in (0..elements).step_by(piece) {
        let end = elements.min(begin + piece);
        let out = &mut beside[..end - begin];
        for (at, (update, part)) in updates.iter().zip(&mut parts).enumerate() {
            part.shape = [1, 1, (out.len() / columns) as u32, columns as u32];
            let mut operands: [&[f32]; OPERANDS_MAX] = [&[]; OPERANDS_MAX];
            for (which, view) in part.operands.iter_mut().enumerate() {
                let earlier = updates[..at].iter().position(|before| before.row.writes(view.leaf));
                operands[which] = match (view.strides, earlier) {
                    _ if which == update.own => bytemuck::cast_slice(&share[at][begin..end]),
                    (_, Some(earlier)) => bytemuck::cast_slice(&share[earlier][begin..end]),
                    // One element for all.
                    ([0, 0, 0, 0], None) => update.sources.operands[which],
                    _ => &update.sources.operands[which][first + begin..first + end],
                };
                view.length = operands[which].len() as u64;
            }
            let sources = Sources { operands, ..update.sources };
            compute(engine, part, &sources, bytemuck::cast_slice_mut(out), Sight::NONE);
            share[at][begin..end].copy_from_slice(out);
        }
    }
}
