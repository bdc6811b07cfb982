//! Which rows may write an entry of the post-state in place of the pre-state's, and which of them together (M-8.4).

use super::leaves::outputs;
use super::{Stage, Work};
use crate::op::Kind;
use crate::program::{Home, Leaf, Operand, Program, Row};

/// Updates of the optimizers: an element of theirs reads the same element of its operands, and no position.
fn is_update(kind: Kind) -> bool {
    use Kind::{AdamFirst, AdamParameter, AdamSecond, SgdMomentum, SgdParameter};
    matches!(kind, AdamFirst | AdamSecond | AdamParameter | SgdMomentum | SgdParameter)
}

/// True for a view that reads, for each element of the row's output, the element at the same place.
fn is_dense(row: &Row, operand: &Operand) -> bool {
    let [_, _, rows, columns] = row.shape.map(u64::from);
    let by_row = operand.strides[2] == columns || rows == 1;
    let by_column = operand.strides[3] == 1 || columns == 1;
    operand.offset == 0
        && operand.lookup.is_none()
        && operand.length == row.elements()
        && row.shape[..2] == [1, 1]
        && by_row
        && by_column
}

/// True for a view of one element.
fn is_scalar(operand: &Operand) -> bool {
    operand.strides == [0; 4] && operand.lookup.is_none()
}

/// The operand that the row may overwrite, as far as the row itself says: the pre-state's entry of the same number.
fn target(row: &Row) -> Option<usize> {
    let Home::Post(entry) = row.home else { return None };
    let is_own = |operand: &Operand| operand.leaf == Leaf::Pre(entry);
    let at = row.operands.iter().position(is_own)?;
    let alone = row.operands.iter().filter(|operand| is_own(operand)).count() == 1;
    let views = row.operands.iter().all(|operand| is_dense(row, operand) || is_scalar(operand));
    (is_update(row.kind) && !row.masked && alone && views && is_dense(row, &row.operands[at])).then_some(at)
}

/// Marks the stages whose output may take the place of an operand that nobody reads later.
pub(super) fn mark(program: &Program, stages: &mut [Stage]) {
    let mut is_read = vec![false; program.post_entries as usize];
    for stage in stages.iter_mut().rev() {
        if let Work::Row(at) = stage.work {
            let row = &program.rows[at];
            stage.in_place = target(row).filter(|_| match row.home {
                Home::Post(entry) => is_read.get(entry as usize) == Some(&false),
                _ => false,
            });
        }
        // Every row of a stage, those too whose values are not written: who counts more readers is only more careful.
        for row in rows_of(stage.work).map(|at| &program.rows[at]) {
            for operand in row.operands.iter().chain(&row.start) {
                if let Leaf::Pre(entry) = operand.leaf
                    && let Some(read) = is_read.get_mut(entry as usize)
                {
                    *read = true;
                }
            }
        }
    }
}

/// Marks the updates that go through their pieces together.
pub(super) fn join(program: &Program, stages: &mut [Stage]) {
    let mut first = 0;
    while first < stages.len() {
        let mut end = first + 1;
        while end < stages.len() && joins(program, &stages[first..end], &stages[end]) {
            end += 1;
        }
        stages[first].together = end - first;
        first = end;
    }
}

/// True for an update of the group's shape that reads a tensor which the group reads or writes, each element at its
/// place: what another one overwrites is read by none.
fn joins(program: &Program, group: &[Stage], next: &Stage) -> bool {
    let updated = |stage: &Stage| stage.updated().map(|(at, _)| &program.rows[at]);
    let Some(row) = updated(next) else { return false };
    let mut shares = false;
    let fits = group.iter().all(|stage| {
        let Some(before) = updated(stage) else { return false };
        let overwrites = |writer: &Row, reader: &Row| {
            let Home::Post(entry) = writer.home else { return true };
            reader.operands.iter().any(|operand| operand.leaf == Leaf::Pre(entry))
        };
        shares |= row.operands.iter().filter(|operand| !is_scalar(operand)).any(|operand| {
            before.writes(operand.leaf) || before.operands.iter().any(|own| own.leaf == operand.leaf)
        });
        let dense = |operand: &Operand| !before.writes(operand.leaf) || is_dense(row, operand);
        let apart = !overwrites(row, before) && !overwrites(before, row);
        before.shape == row.shape && apart && row.operands.iter().all(dense)
    });
    fits && shares
}

/// All rows of a stage, from its first to its last.
fn rows_of(work: Work) -> std::ops::RangeInclusive<usize> {
    let outputs = outputs(work);
    let last = outputs.iter().copied().max().unwrap_or(0);
    let first = match work {
        Work::Row(at) => at,
        Work::AttentionForward(f) => f.scores,
        Work::AttentionBackward(b) => b.first,
    };
    first..=last
}
