//! Tokens from a shard, their embedding rows, and the ordered scatter-add that is its gradient (M-3.10).

use super::{Arguments, Element, Term};
use crate::arithmetic::Real32;

/// The byte of the shard at the assigned place, as an id.
pub struct Tokens;
impl Element for Tokens {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[0]
    }
}

/// The table's element in the row that the id names; operands id, table (looked up by the id).
pub struct Embedding;
impl Element for Embedding {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[1]
    }
}

/// Over all tokens ascending: add the row gradient where the id is this row's, else leave the accumulator as it
/// is, which is not the same as adding +0; operands id, dy.
pub struct ScatterAdd;
impl Term for ScatterAdd {
    #[inline(always)]
    fn next<F: Real32>(accumulator: F, a: Arguments<F>) -> F {
        if u64::from(a.words[0]) == a.index[2] { accumulator + a.x[1] } else { accumulator }
    }
}
