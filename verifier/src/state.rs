//! Named entries of states, deltas and bases, and their roots (V-1.3).

use crate::commitment::word_bytes;
use crate::digest::{Digest, Dtype, Entry, ListKind, ListTree, tensor_digest};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::RunSpec;
use retrace_model::{
    Words,
    program::{ParameterShape, parameter_table},
};

/// Which tensors a root covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum StateKind {
    /// Parameters, first moments, second moments: the state between steps.
    Inner,
    /// Parameters, outer momenta: the state between rounds.
    Outer,
    /// Differences of parameters.
    Delta,
}

impl StateKind {
    /// Prefixes of the entry names, one a group of parameters, in order.
    fn prefixes(self) -> &'static [&'static str] {
        match self {
            StateKind::Inner => &["", "adamw.first/", "adamw.second/"],
            StateKind::Outer => &["", "outer.momentum/"],
            StateKind::Delta => &["delta/"],
        }
    }

    /// How the list is hashed.
    pub fn list_kind(self) -> ListKind {
        match self {
            StateKind::Inner | StateKind::Outer => ListKind::State,
            StateKind::Delta => ListKind::Delta,
        }
    }

    /// Number of entries for a model of `parameters` tensors.
    pub fn entries(self, parameters: usize) -> usize {
        self.prefixes().len() * parameters
    }

    /// The entry at `index` with this digest; none past the end.
    pub fn entry(self, table: &[ParameterShape], index: usize, digest: Digest) -> Option<Entry> {
        let prefix = self.prefixes().get(index / table.len().max(1))?;
        let shape = &table[index % table.len()];
        let name = format!("{prefix}{}", shape.name);
        Some(Entry { name, dtype: Dtype::F32, shape: shape.shape(), digest })
    }

    /// Canonical bytes of the entry at `index`.
    pub fn leaf(self, table: &[ParameterShape], index: usize, digest: Digest) -> Option<Vec<u8>> {
        borsh::to_vec(&self.entry(table, index, digest)?).ok()
    }
}

/// Digest of a tensor's words.
pub fn words_digest(words: &[u32]) -> Digest {
    tensor_digest(&word_bytes(words))
}

/// The tree of a state from its entries' digests, in state order.
pub fn state_tree(kind: StateKind, spec: &RunSpec, digests: &[Digest]) -> ListTree {
    let table = parameter_table(&spec.model);
    let leaves = digests.iter().enumerate().filter_map(|(i, d)| kind.leaf(&table, i, *d));
    ListTree::new(kind.list_kind(), leaves)
}

/// The root of a state from its tensors, in state order.
pub fn root_of(kind: StateKind, spec: &RunSpec, tensors: &[Words]) -> Digest {
    let digests: Vec<Digest> = tensors.iter().map(|t| words_digest(t)).collect();
    state_tree(kind, spec, &digests).root()
}
