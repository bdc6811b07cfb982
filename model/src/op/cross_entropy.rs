//! Cross-entropy of a softmax over the vocabulary, forward above backward (M-3.8).

use super::{Arguments, Element};
use crate::arithmetic::{CANONICAL_NAN, Real32};
use crate::elementary::ln;

/// The id of a target that does not count.
const IGNORED: u32 = 0xFFFF_FFFF;

/// True for a target that does not count: as it is written, and as a row leaves it, whose output is canonical.
#[inline(always)]
fn is_ignored(id: u32) -> bool {
    id == IGNORED || id == CANONICAL_NAN
}

/// Target's logit less the row maximum; operands target id, logit at that id, row maximum.
pub struct PickedLogit;
impl Element for PickedLogit {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[1] - a.x[2]
    }
}

/// ln(sum of exponentials) - picked logit, in nats, +0 where the target is ignored; operands sum, picked, target id.
pub struct CrossEntropy;
impl Element for CrossEntropy {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let loss = ln(a.x[0]) - a.x[1];
        if is_ignored(a.words[2]) { F::from_bits(0) } else { loss }
    }
}

/// (e / sum - [column is target]) times the scalar, +0 where the target is ignored; operands e, sum, target id.
pub struct CrossEntropyBackward;
impl Element for CrossEntropyBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let hit = u64::from(a.words[2]) == a.index[3];
        let target = F::from_bits(if hit { 0x3F80_0000 } else { 0 });
        let slope = (a.x[0] / a.x[1] - target) * a.s[0];
        if is_ignored(a.words[2]) { F::from_bits(0) } else { slope }
    }
}
