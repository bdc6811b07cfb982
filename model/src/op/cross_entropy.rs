//! Cross-entropy of a softmax over the vocabulary, forward above backward (M-3.8).

use super::{Arguments, Element};
use crate::arithmetic::Real32;
use crate::elementary::ln;

/// Target's logit less the row maximum; operands target id, logit at that id, row maximum.
pub struct PickedLogit;
impl Element for PickedLogit {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        a.x[1] - a.x[2]
    }
}

/// ln(sum of exponentials) - picked logit, in nats; operands sum, picked.
pub struct CrossEntropy;
impl Element for CrossEntropy {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        ln(a.x[0]) - a.x[1]
    }
}

/// (e / sum - [column is target]) times the scalar; operands e, sum, target id.
pub struct CrossEntropyBackward;
impl Element for CrossEntropyBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let hit = u64::from(a.words[2]) == a.index[3];
        let target = F::from_bits(if hit { 0x3F80_0000 } else { 0 });
        (a.x[0] / a.x[1] - target) * a.s[0]
    }
}
