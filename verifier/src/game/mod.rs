//! The dispute game: two players, one claim, narrowed to one element or one term (V-4).
//!
//! ```text
//! accused     Trace        root over the op list, once, binding
//! challenger  Target       which claimed list goes down: ops, post-state, batch, loss
//! accused     Open         at most 256 children of the node        } until one leaf
//! challenger  Choose       one of them                             }
//! accused     Reveal       the output's digest
//! challenger  Name         the row of the program that wrote it
//! accused     Open / challenger Choose, over the output's chunks, then accused Tile: 1 KiB of elements
//! challenger  Element      one of them
//! accused     Totals       16 lane totals    challenger Lane       (row reductions only)
//! accused     Partials     at most 256 accumulators                } until one link
//! challenger  Choose       one interval                            }
//! challenger  Judge        operands under the roots that the row names: the referee decides
//! ```
//!
//! Nothing needs "first" to be checked: the accused's own trace must hold everywhere, start at the base and end
//! at the claim (V-4.1). A refused move changes nothing; whoever owes a move loses by the ledger's clock.

mod chain;
mod judge;
mod moves;
mod narrow;
mod phase;
mod question;

pub(crate) use chain::interval_links;
pub use judge::{Finding, OperandProof, ulp_distance};
pub use moves::{Move, MoveKind, Side, SignedMove, Target};
pub use phase::{Claimed, List, Phase, Span, Spot};
pub use question::Question;

use crate::digest::{Digest, LeafError, OpeningError, PathError};
use crate::docket::{Docket, DocketError, Frame};
use crate::signature::{PeerKey, SignatureError};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::program::RowError;

/// How a dispute ended.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outcome {
    /// Who won.
    pub winner: Side,
    /// The wrong element or term; none when the ledger's clock decided or the challenger lost.
    pub finding: Option<Finding>,
}

/// A move that changes nothing, by reason, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The dispute is over.
    #[error("the dispute is over")]
    Over,
    /// The move is of another dispute.
    #[error("the move belongs to another dispute")]
    Elsewhere,
    /// The move is not the next one.
    #[error("move {found} is not the next move, {expected}")]
    Number {
        /// The next number.
        expected: u16,
        /// The move's number.
        found: u16,
    },
    /// It is the other side's turn, or another kind of move is due.
    #[error("a {found:?} move is not due now")]
    NotDue {
        /// The move.
        found: MoveKind,
    },
    /// The signature is neither the side's own nor a defense key's.
    #[error("the move is not signed by its side: {0}")]
    Signature(#[from] SignatureError),
    /// The opening does not match its node.
    #[error("the opening does not match its node: {0}")]
    Opening(#[from] OpeningError),
    /// The leaf does not match its node.
    #[error("the leaf does not match its node: {0}")]
    Leaf(#[from] LeafError),
    /// A path does not lead to its root.
    #[error("a path does not lead to its root: {0}")]
    Path(#[from] PathError),
    /// The named row cannot be one of a program.
    #[error("the named row is malformed: {0}")]
    Row(#[from] RowError),
    /// The target names a list that this unit does not claim.
    #[error("the unit claims no such list")]
    Target,
    /// The row's output is not claimed at the leaf in dispute.
    #[error("the row's output is not claimed at the leaf in dispute")]
    Home,
    /// The choice is out of range.
    #[error("choice {found} is out of range, there are {limit}")]
    Choice {
        /// What was chosen.
        found: u32,
        /// How many there are.
        limit: u32,
    },
    /// Accumulators or lane totals of another number than due.
    #[error("{found} accumulators posted, {expected} are due")]
    Count {
        /// How many are due.
        expected: u32,
        /// How many were posted.
        found: u32,
    },
    /// A posted accumulator is a NaN of other bits than the canonical one.
    #[error("a posted accumulator is a NaN that is not canonical")]
    NotCanonical,
    /// The posted accumulators or totals do not end at the claimed value.
    #[error("the posted values do not end at the claimed one")]
    Ends,
    /// Operands of another number than the row reads.
    #[error("{found} operands supplied, the row reads {expected}")]
    Operands {
        /// How many it reads.
        expected: u32,
        /// How many were supplied.
        found: u32,
    },
    /// An operand cannot be resolved: an id names no row, or no shard is long enough.
    #[error("operand {operand} names no place")]
    Place {
        /// Position of the operand.
        operand: u32,
    },
}

/// The state of one dispute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Game {
    docket: Docket,
    id: Digest,
    frame: Frame,
    ops: Option<Digest>,
    phase: Phase,
    number: u16,
    posted_bytes: u64,
    outcome: Option<Outcome>,
}

impl Game {
    /// Opens a dispute; the docket must hold together (V-3.5).
    pub fn open(docket: Docket) -> Result<Game, DocketError> {
        let frame = docket.frame()?;
        let id = docket.id();
        let phase = if docket.facts.program.trace_leaves > 0 { Phase::Trace } else { Phase::Target };
        Ok(Game { docket, id, frame, ops: None, phase, number: 0, posted_bytes: 0, outcome: None })
    }

    /// The dispute's id.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// What the dispute is about.
    pub fn docket(&self) -> &Docket {
        &self.docket
    }

    /// Roots and values of the claim.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The accused's binding root over the op list, once posted.
    pub fn ops(&self) -> Option<Digest> {
        self.ops
    }

    /// What is due now.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whose move is due.
    pub fn turn(&self) -> Side {
        self.phase.turn()
    }

    /// Number of the next move.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Bytes of all moves so far, signatures included.
    pub fn posted_bytes(&self) -> u64 {
        self.posted_bytes
    }

    /// The end, once there is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Key of a side.
    pub fn key(&self, side: Side) -> PeerKey {
        match side {
            Side::Accused => self.docket.claim.signer(),
            Side::Challenger => self.docket.challenger,
        }
    }

    /// Ends the dispute against the side whose clock ran out; nothing changes once it is over.
    pub fn expire(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome { winner: self.turn().other(), finding: None });
        }
    }

    /// Plays the next move, signed by the side's own key. A refusal changes nothing (V-4.2).
    pub fn play(&mut self, signed: &SignedMove) -> Result<(), Refusal> {
        self.play_by(signed, &[]).map(|_| ())
    }

    /// Plays the next move, signed by the side's own key or by one of `defense`, for which the caller vouches that
    /// the side delegated to them (V-3.8). Gives the key that signed. A refusal changes nothing (V-4.2).
    pub fn play_by(&mut self, signed: &SignedMove, defense: &[PeerKey]) -> Result<PeerKey, Refusal> {
        if self.outcome.is_some() {
            return Err(Refusal::Over);
        }
        if signed.dispute != self.id {
            return Err(Refusal::Elsewhere);
        }
        if signed.number != self.number {
            return Err(Refusal::Number { expected: self.number, found: signed.number });
        }
        if signed.side != self.turn() {
            return Err(Refusal::NotDue { found: signed.body.kind() });
        }
        let key = signed.signer(&self.key(signed.side), defense)?;
        let next = self.next(&signed.body)?;
        match next {
            Step::Go(phase) => self.phase = phase,
            Step::Trace(ops) => {
                self.ops = Some(ops);
                self.phase = Phase::Target;
            }
            Step::End(outcome) => self.outcome = Some(outcome),
        }
        self.number = self.number.saturating_add(1);
        self.posted_bytes = self.posted_bytes.saturating_add(signed.bytes());
        Ok(key)
    }

    fn next(&self, body: &Move) -> Result<Step, Refusal> {
        match (&self.phase, body) {
            (Phase::Trace, Move::Trace(ops)) => Ok(Step::Trace(*ops)),
            (Phase::Target, Move::Target(target)) => self.target(*target),
            (Phase::OpenList { node, list }, Move::Open(children)) => {
                narrow::open_list(node, *list, children)
            }
            (Phase::ChooseList { node, list, children }, Move::Choose(at)) => {
                narrow::choose_list(node, *list, children, *at)
            }
            (Phase::Reveal { node, list }, Move::Reveal(digest)) => self.reveal(node, *list, digest),
            (Phase::Name(place), Move::Name { index, row, path }) => self.name(place, *index, row, path),
            (Phase::OpenTensor { row, index, node }, Move::Open(children)) => {
                narrow::open_tensor(row, *index, node, children)
            }
            (Phase::ChooseTensor { row, index, node, children }, Move::Choose(at)) => {
                narrow::choose_tensor(row, *index, node, children, *at)
            }
            (Phase::Tile { row, index, node }, Move::Tile(bytes)) => narrow::tile(row, *index, node, bytes),
            (Phase::Element { row, index, first, words }, Move::Element(at)) => {
                chain::element(row, *index, *first, words, *at)
            }
            (Phase::Totals(spot), Move::Totals(totals)) => chain::totals(spot, totals),
            (Phase::Lane { spot, totals }, Move::Lane(lane)) => chain::lane(spot, totals, *lane),
            (Phase::Partials(span), Move::Partials(words)) => chain::partials(span, words),
            (Phase::Interval { span, words }, Move::Choose(at)) => chain::interval(span, words, *at),
            (Phase::Judge(span), Move::Judge(operands)) => self.judge(span, operands),
            _ => Err(Refusal::NotDue { found: body.kind() }),
        }
    }
}

/// What a legal move leads to.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for one call and is never stored")]
enum Step {
    Go(Phase),
    Trace(Digest),
    End(Outcome),
}
