//! What is due in a dispute, and what is known when it is.

use super::moves::Side;
use crate::digest::{Digest, Node, NodeValue};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::op::LANES;
use retrace_model::program::{Home, Row};

/// Which list is being narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum List {
    /// The op list.
    Ops,
    /// The claimed entries.
    Post,
}

/// An output in dispute: where it is claimed and what is claimed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Claimed {
    /// A tensor by its digest.
    Tensor(Home, Digest),
    /// The loss by its bits.
    Loss(u32),
}

/// One output element in dispute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Spot {
    /// The row that wrote it.
    pub row: Row,
    /// The row's position in the program.
    pub index: u32,
    /// The element's row-major position in the output.
    pub element: u64,
    /// Its claimed bits.
    pub claimed: u32,
}

/// A stretch of a chain in dispute: the claimed accumulators before and after it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Span {
    /// The element.
    pub spot: Spot,
    /// The lane; 0 for a plain chain.
    pub lane: u8,
    /// First link of the stretch.
    pub first: u64,
    /// One past its last link; an element-wise op has 0..0.
    pub end: u64,
    /// Accumulator before the stretch.
    pub before: u32,
    /// Claimed accumulator after it.
    pub after: u32,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Phase {
    /// The accused's root over the op list.
    Trace,
    /// The challenger's target.
    Target,
    /// Children of a list node.
    OpenList {
        /// The node.
        node: Node,
        /// The list.
        list: List,
    },
    /// A choice among them.
    ChooseList {
        /// The opened node.
        node: Node,
        /// The list.
        list: List,
        /// Its children.
        children: Vec<NodeValue>,
    },
    /// The digest at a list's leaf.
    Reveal {
        /// The leaf.
        node: Node,
        /// The list.
        list: List,
    },
    /// The row that wrote the output.
    Name(Claimed),
    /// Children of a tensor node.
    OpenTensor {
        /// The row.
        row: Row,
        /// Its position.
        index: u32,
        /// The node.
        node: Node,
    },
    /// A choice among them.
    ChooseTensor {
        /// The row.
        row: Row,
        /// Its position.
        index: u32,
        /// The opened node.
        node: Node,
        /// Its children.
        children: Vec<NodeValue>,
    },
    /// The chunk at a tensor's leaf.
    Tile {
        /// The row.
        row: Row,
        /// Its position.
        index: u32,
        /// The leaf.
        node: Node,
    },
    /// One element of the tile.
    Element {
        /// The row.
        row: Row,
        /// Its position.
        index: u32,
        /// Row-major position of the tile's first element.
        first: u64,
        /// The tile.
        words: Vec<u32>,
    },
    /// The 16 lane totals.
    Totals(Spot),
    /// One lane.
    Lane {
        /// The element.
        spot: Spot,
        /// The totals.
        totals: [u32; LANES],
    },
    /// Accumulators inside a stretch.
    Partials(Span),
    /// One interval of them.
    Interval {
        /// The stretch.
        span: Span,
        /// The accumulators after each sub-interval.
        words: Vec<u32>,
    },
    /// The operands of the last element or link.
    Judge(Span),
}

impl Phase {
    /// Whose move is due.
    pub fn turn(&self) -> Side {
        match self {
            Phase::Trace
            | Phase::OpenList { .. }
            | Phase::Reveal { .. }
            | Phase::OpenTensor { .. }
            | Phase::Tile { .. }
            | Phase::Totals(_)
            | Phase::Partials(_) => Side::Accused,
            _ => Side::Challenger,
        }
    }
}
