//! The units of work that can be replayed and disputed (V-3.1).

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// One unit. Steps are drawn; delta and loss are audited in every segment, merge in every round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Unit {
    /// A training step of the segment, from 0.
    Step(u32),
    /// End of the segment less its base.
    Delta,
    /// Mean of the segment's losses.
    Loss,
    /// The base of a round, from the accepted deltas of the round before.
    Merge,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Step(step) => write!(f, "step {step}"),
            Unit::Delta => f.write_str("delta"),
            Unit::Loss => f.write_str("loss"),
            Unit::Merge => f.write_str("merge"),
        }
    }
}
