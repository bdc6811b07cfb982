//! One primitive op of a program: what it computes, from which leaves, at which places (M-4.1, M-4.2).
//!
//! ```text
//! Row { kind, shape [d0,d1,d2,d3], terms K, range, masked, start, operands, scalars, home }
//! operand element of output index i and term k:
//!     offset + sum(strides[d] * i[d]) + term_stride * k (+ id * lookup stride, where an earlier operand is an id)
//! ```

use crate::op::{Form, Kind, LANES, OPERANDS_MAX, SCALARS_MAX};
use borsh::{BorshDeserialize, BorshSerialize};

/// Under which root an operand is proved: the program says so, never the prover (M-4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Leaf {
    /// Leaf of the unit's op list.
    Trace(u32),
    /// Entry of the unit's pre-state.
    Pre(u32),
    /// Entry of the round's base state (delta units only).
    Base(u32),
    /// Entry of the unit's own claimed post-state.
    Post(u32),
    /// The step's gathered batch.
    Batch,
    /// The token shards, at the places that the round's beacon assigns.
    Tokens,
    /// Entry of an accepted delta: which in slot order, and which entry (merge units only).
    Delta(u16, u32),
    /// The segment's list of losses.
    Losses,
}

/// Where an op's output is claimed (M-4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Home {
    /// Leaf of the unit's op list.
    Trace(u32),
    /// Entry of the claimed post-state, delta or base.
    Post(u32),
    /// The attested list of batch digests.
    Batch,
    /// The attested list of losses, or the commitment's mean loss.
    Loss,
}

/// Row index found through a token id (M-4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Lookup {
    /// Which earlier operand holds the id.
    pub operand: u8,
    /// Elements between two rows of the table.
    pub stride: u64,
    /// Rows of the table; an id at or above it names nothing.
    pub bound: u32,
}

/// A strided view of a leaf (M-4.2).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Operand {
    /// The leaf that is read.
    pub leaf: Leaf,
    /// Elements in the leaf: it fixes the shape of its digest's tree.
    pub length: u64,
    /// First element.
    pub offset: u64,
    /// Elements to move for one step of each output dimension.
    pub strides: [u64; 4],
    /// Elements to move for one term.
    pub term_stride: u64,
    /// Set when the place also depends on a token id.
    pub lookup: Option<Lookup>,
}

/// A number that a row uses: fixed bits, or derived from the run and the step (M-5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Scalar {
    /// binary32 bits.
    Bits(u32),
    /// The step's learning rate.
    LearningRate,
    /// 1 / (1 - beta1^t), t counted inside the segment.
    FirstCorrection,
    /// 1 / (1 - beta2^t).
    SecondCorrection,
    /// First word of the step's dropout key.
    DropoutKeyLow,
    /// Second word of the step's dropout key.
    DropoutKeyHigh,
}

/// Which terms of a chain are in range for an output element (M-3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Range {
    /// All of them.
    Full,
    /// Terms 0 to index\[dimension\], the last included.
    UpTo(u8),
    /// Terms from index\[dimension\] on.
    From(u8),
}

/// One primitive op (M-4.1).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Row {
    /// The op.
    pub kind: Kind,
    /// Output shape, leading dimensions 1 where unused.
    pub shape: [u32; 4],
    /// Terms of a chain; 0 for element-wise ops.
    pub terms: u32,
    /// Terms in range.
    pub range: Range,
    /// True where elements with index\[3\] > index\[2\] are +0 by definition (a causal mask).
    pub masked: bool,
    /// Start value of the chain, when it is not +0.
    pub start: Option<Operand>,
    /// Operands, in the op's order.
    pub operands: Vec<Operand>,
    /// Scalars, in the op's order.
    pub scalars: Vec<Scalar>,
    /// Where the output is claimed.
    pub home: Home,
}

/// A row that no program of ours would hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Operands or scalars of another number than the op takes.
    #[error("row names {found} operands, its op takes {expected}")]
    Arity {
        /// What the op takes.
        expected: usize,
        /// What the row names.
        found: usize,
    },
    /// More scalars than any op has.
    #[error("row names {found} scalars, more than any op has")]
    Scalars {
        /// What the row names.
        found: usize,
    },
    /// A dimension is zero, or an element count or reduction exceeds its limit.
    #[error("row's shape or term count is outside its limits")]
    Extent,
    /// A range, mask or start value on an op that has none.
    #[error("row has a range or start value that its op cannot have")]
    Range,
    /// An operand's view reaches outside its leaf.
    #[error("operand {operand} reaches outside its leaf")]
    View {
        /// Position of the operand.
        operand: usize,
    },
}

/// Longest reduction of one op (M-3.4).
pub const TERMS_MAX: u32 = 1 << 24;

impl Operand {
    /// Element read for output `index` and `term`, given the raw words of earlier operands.
    /// `None` when a looked-up id names no row.
    #[inline(always)]
    pub fn place(&self, index: [u64; 4], term: u64, earlier: &[u32]) -> Option<u64> {
        let mut place = self.offset + self.term_stride * term;
        for (stride, i) in self.strides.iter().zip(index) {
            place += stride * i;
        }
        if let Some(lookup) = self.lookup {
            let id = *earlier.get(usize::from(lookup.operand))?;
            if id >= lookup.bound {
                return None;
            }
            place += lookup.stride * u64::from(id);
        }
        Some(place)
    }

    /// Largest element the view can reach, or `None` on overflow.
    fn reach(&self, shape: [u32; 4], terms: u32) -> Option<u64> {
        let mut top = self.offset;
        for (stride, extent) in self.strides.iter().zip(shape) {
            top = top.checked_add(stride.checked_mul(u64::from(extent) - 1)?)?;
        }
        top = top.checked_add(self.term_stride.checked_mul(u64::from(terms.max(1)) - 1)?)?;
        match self.lookup {
            Some(l) => top.checked_add(l.stride.checked_mul(u64::from(l.bound.max(1)) - 1)?),
            None => Some(top),
        }
    }
}

impl Row {
    /// True where this entry of the post-state is the output.
    pub fn writes(&self, leaf: Leaf) -> bool {
        matches!((self.home, leaf), (Home::Post(own), Leaf::Post(entry)) if own == entry)
    }

    /// Elements of the output.
    pub fn elements(&self) -> u64 {
        self.shape.iter().map(|d| u64::from(*d)).product()
    }

    /// Index of the output element at row-major position `flat`.
    #[inline(always)]
    pub fn index(&self, flat: u64) -> [u64; 4] {
        let [_, d1, d2, d3] = self.shape.map(u64::from);
        [flat / (d1 * d2 * d3), flat / (d2 * d3) % d1, flat / d3 % d2, flat % d3]
    }

    /// True when the element is +0 by the causal mask.
    #[inline(always)]
    pub fn is_masked(&self, index: [u64; 4]) -> bool {
        self.masked && index[3] > index[2]
    }

    /// Range of terms, first and one past the last, for an output element of a chain.
    #[inline(always)]
    pub fn span(&self, index: [u64; 4]) -> (u64, u64) {
        let all = u64::from(self.terms);
        match self.range {
            Range::Full => (0, all),
            Range::UpTo(d) => (0, all.min(index[usize::from(d)] + 1)),
            Range::From(d) => (all.min(index[usize::from(d)]), all),
        }
    }

    /// Links of the chain for an output element and lane: the start value counts as the first link.
    pub fn links(&self, index: [u64; 4], lane: usize) -> u64 {
        let (first, end) = self.span(index);
        match self.kind.form() {
            Form::Element => 0,
            Form::Chain => end - first + u64::from(self.start.is_some()),
            Form::Lanes => lane_terms(first, end, lane),
        }
    }

    /// What link `link` of a chain does: load the start value, or fold in the term it names.
    pub fn link(&self, index: [u64; 4], lane: usize, link: u64) -> Link {
        let (first, _) = self.span(index);
        match (self.kind.form(), self.start.is_some()) {
            (Form::Chain, true) if link == 0 => Link::Start,
            (Form::Chain, started) => Link::Term(first + link - u64::from(started)),
            _ => Link::Term(lane_term(first, lane, link)),
        }
    }

    /// Checks everything that a row from outside could get wrong (M-4.1).
    pub fn check(&self) -> Result<(), RowError> {
        let expected = self.kind.arity();
        if self.operands.len() != expected || expected > OPERANDS_MAX {
            return Err(RowError::Arity { expected, found: self.operands.len() });
        }
        if self.scalars.len() > SCALARS_MAX {
            return Err(RowError::Scalars { found: self.scalars.len() });
        }
        let elements = self.shape.iter().try_fold(1u64, |n, d| n.checked_mul(u64::from(*d)));
        let is_chain = self.kind.form() != Form::Element;
        if !elements.is_some_and(|n| (1..=1 << 40).contains(&n))
            || self.terms > TERMS_MAX
            || is_chain != (self.terms > 0)
        {
            return Err(RowError::Extent);
        }
        let dimension = match self.range {
            Range::Full => 0,
            Range::UpTo(d) | Range::From(d) => d,
        };
        let plain = self.range == Range::Full && self.start.is_none();
        if dimension > 3 || (!is_chain && !plain) || (self.start.is_some() && self.kind.form() != Form::Chain)
        {
            return Err(RowError::Range);
        }
        self.check_views()
    }

    fn check_views(&self) -> Result<(), RowError> {
        for (operand, view) in self.operands.iter().chain(&self.start).enumerate() {
            let inside = view.reach(self.shape, self.terms).is_some_and(|top| top < view.length);
            let lookup =
                view.lookup.is_none_or(|l| usize::from(l.operand) < operand && operand < OPERANDS_MAX);
            // Token places come from the beacon, so only their count is checked here.
            if !lookup || (!inside && view.leaf != Leaf::Tokens) {
                return Err(RowError::View { operand });
            }
        }
        Ok(())
    }
}

/// One link of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The accumulator becomes the start value.
    Start,
    /// The op's next term, by its index.
    Term(u64),
}

/// First term at or after `first` in `lane` (a term's lane is its index mod 16), then every 16th.
#[inline(always)]
fn lane_term(first: u64, lane: usize, link: u64) -> u64 {
    let lanes = LANES as u64;
    let offset = (lane as u64 + lanes - first % lanes) % lanes;
    first + offset + link * lanes
}

/// Terms of `lane` in first..end.
fn lane_terms(first: u64, end: u64, lane: usize) -> u64 {
    let start = lane_term(first, lane, 0);
    if start >= end { 0 } else { (end - start).div_ceil(LANES as u64) }
}
