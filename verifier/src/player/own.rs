//! What one player has at hand of its own run: digests always, and of outputs only what the next moves need (V-4.7).

use crate::digest::{Digest, ListTree, TensorTree};
use crate::replay::Task;
use crate::trace::{Outline, Trace};
use crate::{commitment::word_bytes, game::List};
use retrace_model::Words;
use retrace_model::arithmetic::CANONICAL_NAN;
use retrace_model::op::OPERANDS_MAX;
use retrace_model::program::{Home, Leaf, Operand, Row};
use std::collections::{BTreeMap, BTreeSet};

/// A player's own run, and the outputs of it that the dispute has come to.
#[derive(Debug)]
pub(super) struct Own {
    trace: Box<dyn Trace>,
    outline: Outline,
    ops: ListTree,
    /// The output in dispute, until an element of it is chosen.
    disputed: Option<(usize, TensorTree)>,
    /// From then on: what the row in dispute reads of the run.
    operands: BTreeMap<usize, Words>,
}

impl Own {
    pub(super) fn new(trace: Box<dyn Trace>) -> Own {
        let outline = trace.outline();
        let ops = outline.ops_tree();
        Own { trace, outline, ops, disputed: None, operands: BTreeMap::new() }
    }

    pub(super) fn trace(&self) -> &dyn Trace {
        self.trace.as_ref()
    }

    pub(super) fn task(&self) -> &Task {
        self.trace.task()
    }

    pub(super) fn ops(&self) -> &ListTree {
        &self.ops
    }

    pub(super) fn post(&self) -> Option<&ListTree> {
        self.outline.post_tree()
    }

    pub(super) fn list(&self, list: List) -> Option<&ListTree> {
        match list {
            List::Ops => Some(&self.ops),
            List::Post => self.post(),
        }
    }

    pub(super) fn batch(&self) -> Option<Digest> {
        self.outline.batch()
    }

    pub(super) fn loss(&self) -> Option<u32> {
        self.outline.loss()
    }

    pub(super) fn row_at(&self, home: Home) -> Option<usize> {
        self.outline.row_at(home)
    }

    /// Digest of the output at `home`.
    pub(super) fn digest(&self, home: Home) -> Option<Digest> {
        self.outline.digest(self.row_at(home)?)
    }

    /// The tree of a row's output; the run is asked for it once.
    pub(super) fn output(&mut self, row: usize) -> Option<&TensorTree> {
        if self.disputed.as_ref().is_none_or(|(at, _)| *at != row) {
            self.disputed = None;
            self.operands.clear();
            let mut tree = None;
            self.trace.show(&BTreeSet::from([row]), &mut |_, words| {
                tree = Some(TensorTree::new(word_bytes(words)));
            });
            self.disputed = Some((row, tree?));
        }
        self.disputed.as_ref().map(|(_, tree)| tree)
    }

    /// Has what `row` reads of the run at hand; the run is asked for it once.
    pub(super) fn fetch(&mut self, row: &Row) {
        let reads = row.operands.iter().chain(&row.start);
        let rows: BTreeSet<usize> = reads.filter_map(|operand| self.outline.writer(operand.leaf)).collect();
        if rows.iter().eq(self.operands.keys()) {
            return;
        }
        (self.disputed, self.operands) = (None, BTreeMap::new());
        let operands = &mut self.operands;
        self.trace.show(&rows, &mut |at, words| {
            operands.insert(at, words.to_vec());
        });
    }

    /// The words of a leaf that comes from outside, or that the fetched row reads.
    pub(super) fn leaf(&self, leaf: Leaf) -> Option<&[u32]> {
        let task = self.task();
        let words = match leaf {
            Leaf::Trace(_) | Leaf::Post(_) | Leaf::Batch => self.operands.get(&self.outline.writer(leaf)?)?,
            Leaf::Pre(at) => task.pre.get(at as usize)?,
            Leaf::Base(at) => task.base.get(at as usize)?,
            Leaf::Delta(which, at) => task.deltas.get(usize::from(which))?.get(at as usize)?,
            Leaf::Tokens => &task.tokens,
            Leaf::Losses => &task.losses,
        };
        Some(words)
    }

    /// The words of operands of the fetched row; an operand whose id names nothing is NaN.
    pub(super) fn words(
        &self,
        operands: &[Operand],
        index: [u64; 4],
        term: u64,
    ) -> Option<[u32; OPERANDS_MAX]> {
        let mut words = [0; OPERANDS_MAX];
        for (at, operand) in operands.iter().enumerate() {
            words[at] = match operand.place(index, term, &words[..at]) {
                Some(place) => *self.leaf(operand.leaf)?.get(usize::try_from(place).ok()?)?,
                None => CANONICAL_NAN,
            };
        }
        Some(words)
    }
}
