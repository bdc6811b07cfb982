//! What a party knows of its own run of a unit: the digest of every output, and the outputs that it asks for (V-4.7).

use crate::digest::{Digest, ListKind, ListTree};
use crate::replay::Task;
use crate::signature::message;
use crate::state::state_tree;
use retrace_model::StepScalars;
use retrace_model::program::{Home, Leaf, Program};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// One party's own run of a unit. However much of it is in memory, the answers are the same.
pub trait Trace: Debug + Send + Sync {
    /// What was run.
    fn task(&self) -> &Task;

    /// The unit's program.
    fn program(&self) -> &Program;

    /// The scalars that were used.
    fn scalars(&self) -> &StepScalars;

    /// Digests of all outputs and what they add up to.
    fn outline(&self) -> Outline;

    /// Shows the outputs of these rows, each once and in order; positions that no row has are left out.
    fn show(&self, rows: &BTreeSet<usize>, see: &mut dyn FnMut(usize, &[u32]));

    /// How often the unit, or a part of it, was run for this trace so far.
    fn runs(&self) -> u32 {
        1
    }
}

/// Where the program's rows put their outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Homes {
    trace: Vec<usize>,
    post: Vec<usize>,
    batch: Option<usize>,
    loss: Option<usize>,
}

impl Homes {
    pub(crate) fn of(program: &Program) -> Homes {
        let trace = vec![0; program.trace_leaves as usize];
        let post = vec![0; program.post_entries as usize];
        let mut homes = Homes { trace, post, ..Homes::default() };
        for (at, row) in program.rows.iter().enumerate() {
            match row.home {
                Home::Trace(leaf) => homes.trace[leaf as usize] = at,
                Home::Post(entry) => homes.post[entry as usize] = at,
                Home::Batch => homes.batch = Some(at),
                Home::Loss => homes.loss = Some(at),
            }
        }
        homes
    }

    /// Position of the row whose output is claimed at `home`.
    pub(crate) fn row_at(&self, home: Home) -> Option<usize> {
        match home {
            Home::Trace(leaf) => self.trace.get(leaf as usize).copied(),
            Home::Post(entry) => self.post.get(entry as usize).copied(),
            Home::Batch => self.batch,
            Home::Loss => self.loss,
        }
    }

    /// Position of the row that writes a leaf; none for a leaf that comes from outside.
    pub(crate) fn writer(&self, leaf: Leaf) -> Option<usize> {
        match leaf {
            Leaf::Trace(at) => self.row_at(Home::Trace(at)),
            Leaf::Post(at) => self.row_at(Home::Post(at)),
            Leaf::Batch => self.batch,
            Leaf::Pre(_) | Leaf::Base(_) | Leaf::Delta(..) | Leaf::Tokens | Leaf::Losses => None,
        }
    }

    /// Positions of the rows that write the post-state, in its order.
    pub(crate) fn post(&self) -> &[usize] {
        &self.post
    }
}

/// A run in digests, 32 bytes an output.
#[derive(Clone, Debug)]
pub struct Outline {
    digests: Vec<Digest>,
    loss: Option<u32>,
    homes: Homes,
    post: Option<ListTree>,
}

impl Outline {
    /// The outline of a run of `task` from the digests of all outputs, by row, and the bits of its loss.
    pub(crate) fn new(task: &Task, homes: Homes, digests: Vec<Digest>, loss: Option<u32>) -> Outline {
        let entries: Vec<Digest> = homes.post().iter().filter_map(|at| digests.get(*at).copied()).collect();
        let post = task.post_kind().map(|kind| state_tree(kind, &task.spec, &entries));
        Outline { digests, loss, homes, post }
    }

    /// Digest of a row's output.
    pub fn digest(&self, row: usize) -> Option<Digest> {
        self.digests.get(row).copied()
    }

    /// Position of the row whose output is claimed at `home`.
    pub fn row_at(&self, home: Home) -> Option<usize> {
        self.homes.row_at(home)
    }

    /// Position of the row that writes a leaf; none for a leaf that comes from outside.
    pub fn writer(&self, leaf: Leaf) -> Option<usize> {
        self.homes.writer(leaf)
    }

    /// Tree over the op list.
    pub fn ops_tree(&self) -> ListTree {
        let leaves = self.homes.trace.iter().filter_map(|at| self.digest(*at));
        ListTree::new(ListKind::Ops, leaves.map(|digest| digest.0))
    }

    /// Tree over the post-state's entries; none for a loss.
    pub fn post_tree(&self) -> Option<&ListTree> {
        self.post.as_ref()
    }

    /// Digest of the gathered batch, for steps.
    pub fn batch(&self) -> Option<Digest> {
        self.digest(self.homes.batch?)
    }

    /// Bits of the loss, for steps and losses.
    pub fn loss(&self) -> Option<u32> {
        self.loss
    }

    /// The plain trace root: H(ops root, claimed post-state, batch, loss), so that a verdict covers all (V-5.3).
    pub fn trace_root(&self) -> Digest {
        let post = self.post_tree().map(ListTree::root);
        let parts = (self.ops_tree().root(), post, self.batch(), self.loss());
        Digest(message("retrace v1 trace root", &parts))
    }
}
