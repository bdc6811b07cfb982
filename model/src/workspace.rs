//! Buffers that outlive a run: fresh pages cost more than most rows (M-8.1). They never change a bit.

use crate::execute::Words;
use crate::observer::View;
use crate::plan::{Plan, Recompute};
use crate::program::{Home, Program};
use std::collections::BTreeMap;

/// Buffers kept from one run to the next, and the plan of the last one.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// For what leaves a run: the state after, the batch.
    spare: Vec<Words>,
    /// For values of the op list, by the plan's number; empty while lent, or never used yet.
    slots: Vec<Words>,
    recompute: Recompute,
    /// The last program, what it showed, and its plan.
    planned: Option<Planned>,
}

/// A program, what it shows, and its plan.
pub(crate) type Planned = (Program, View, Plan);

impl Workspace {
    /// A workspace whose runs compute again what `recompute` says, where nobody watches them.
    pub fn new(recompute: Recompute) -> Workspace {
        Workspace { recompute, ..Workspace::default() }
    }

    /// Takes tensors that the caller needs no more, such as the state before the last step.
    pub fn recycle(&mut self, tensors: impl IntoIterator<Item = Words>) {
        self.spare.extend(tensors.into_iter().filter(|words| !words.is_empty()));
    }

    /// The plan for `program`, to be given back by [`Workspace::keep`]; for a new program, buffers that it cannot use
    /// are forgotten.
    pub(crate) fn plan(&mut self, program: &Program, view: View) -> Planned {
        let before = self.planned.take();
        let known = before.as_ref().is_some_and(|planned| planned.0 == *program);
        match before {
            Some(planned) if known && planned.1 == view => planned,
            _ => {
                let plan = match view {
                    View::Nothing => Plan::new(program, self.recompute),
                    View::Parts => Plan::in_parts(program),
                    View::Whole => Plan::traced(program),
                };
                self.arrange(&plan.slots);
                if !known {
                    self.keep_spare_for(program);
                }
                (program.clone(), view, plan)
            }
        }
    }

    /// Forgets spare buffers beyond what leaves one run of a program.
    fn keep_spare_for(&mut self, program: &Program) {
        let mut room: BTreeMap<u64, usize> = BTreeMap::new();
        for row in program.rows.iter().filter(|row| !matches!(row.home, Home::Trace(_))) {
            *room.entry(row.elements()).or_default() += 1;
        }
        self.spare.retain(|words| match room.get_mut(&(words.len() as u64)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        });
    }

    /// Keeps a plan for the next run.
    pub(crate) fn keep(&mut self, planned: Planned) {
        self.planned = Some(planned);
    }

    /// Makes the buffers those of another plan, as far as their lengths agree.
    fn arrange(&mut self, lengths: &[u64]) {
        // What it cannot use goes: a workspace is forecast to hold one plan's buffers at a time (M-8.1).
        let mut before = std::mem::take(&mut self.slots);
        before.retain(|words| !words.is_empty());
        self.slots = lengths
            .iter()
            .map(|length| {
                let at = before.iter().position(|words| words.len() as u64 == *length);
                at.map(|at| before.swap_remove(at)).unwrap_or_default()
            })
            .collect();
    }

    /// A buffer of this length; a row writes every element, so what it holds does not matter.
    pub(crate) fn take(&mut self, length: usize) -> Words {
        match self.spare.iter().rposition(|words| words.len() == length) {
            Some(at) => self.spare.swap_remove(at),
            None => vec![0; length],
        }
    }

    /// The buffer of this number, as long as its plan says: at least as long as the value that it will hold.
    pub(crate) fn lend(&mut self, slot: usize, length: u64) -> Words {
        match std::mem::take(&mut self.slots[slot]) {
            words if words.len() as u64 == length => words,
            _ => vec![0; length as usize],
        }
    }

    /// Takes back what was lent.
    pub(crate) fn give_back(&mut self, slot: usize, words: Words) {
        self.slots[slot] = words;
    }

    /// Elements of all buffers that are kept.
    #[cfg(test)]
    pub(crate) fn elements(&self) -> usize {
        self.spare.iter().chain(&self.slots).map(Vec::len).sum()
    }
}
