//! Named entries of states, deltas and bases, and their roots (V-1.3).

pub use crate::hashing::words_digest;

use crate::digest::{Digest, Dtype, Entry, ListKind, ListTree};
use crate::hashing::words_digests;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::RunSpec;
use retrace_model::{
    Words,
    program::{ParameterShape, parameter_count, parameter_table},
};

/// Which tensors a root covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum StateKind {
    /// Parameters, then what the optimizer keeps: the state between steps.
    Inner,
    /// Parameters, outer momenta: the state between rounds.
    Outer,
    /// Differences of parameters.
    Delta,
}

impl StateKind {
    /// Prefixes of the entry names, one a group of parameters, in order: what stands before the groups of the run's
    /// optimizer, and those.
    fn prefixes(self, spec: &RunSpec) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            StateKind::Inner => (&[""], spec.optimizer.moments()),
            StateKind::Outer => (&["", "outer.momentum/"], &[]),
            StateKind::Delta => (&["delta/"], &[]),
        }
    }

    /// How the list is hashed.
    pub fn list_kind(self) -> ListKind {
        match self {
            StateKind::Inner | StateKind::Outer => ListKind::State,
            StateKind::Delta => ListKind::Delta,
        }
    }

    /// Number of entries for a run.
    pub fn entries(self, spec: &RunSpec) -> usize {
        let (first, then) = self.prefixes(spec);
        (first.len() + then.len()) * parameter_count(&spec.model) as usize
    }

    /// The entry at `index` with this digest, `table` being the model's parameters; none past the end.
    pub fn entry(
        self,
        spec: &RunSpec,
        table: &[ParameterShape],
        index: usize,
        digest: Digest,
    ) -> Option<Entry> {
        let (first, then) = self.prefixes(spec);
        let prefix = first.iter().chain(then).nth(index / table.len().max(1))?;
        let shape = &table[index % table.len()];
        let name = format!("{prefix}{}", shape.name);
        Some(Entry { name, dtype: Dtype::F32, shape: shape.shape(), digest })
    }

    /// Canonical bytes of the entry at `index`.
    pub fn leaf(
        self,
        spec: &RunSpec,
        table: &[ParameterShape],
        index: usize,
        digest: Digest,
    ) -> Option<Vec<u8>> {
        borsh::to_vec(&self.entry(spec, table, index, digest)?).ok()
    }
}

/// The tree of a state from its entries' digests, in state order.
pub fn state_tree(kind: StateKind, spec: &RunSpec, digests: &[Digest]) -> ListTree {
    let table = parameter_table(&spec.model);
    let leaves = digests.iter().enumerate().filter_map(|(i, d)| kind.leaf(spec, &table, i, *d));
    ListTree::new(kind.list_kind(), leaves)
}

/// The root of a state from its tensors, in state order.
pub fn root_of(kind: StateKind, spec: &RunSpec, tensors: &[Words]) -> Digest {
    root_of_on(kind, spec, tensors, 1)
}

/// [`root_of`], hashed on up to `threads` threads.
pub fn root_of_on(kind: StateKind, spec: &RunSpec, tensors: &[Words], threads: usize) -> Digest {
    state_tree(kind, spec, &words_digests(tensors, threads)).root()
}
