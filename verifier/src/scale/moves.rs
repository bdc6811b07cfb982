//! Both players' moves, from the scene's sources.

use super::scene::Scene;
use crate::digest::{CHUNK_BYTES, ListPath};
use crate::game::{Game, List, Move, OperandProof, Phase, Span, Target};
use retrace_model::op::{Form, OPERANDS_MAX};
use retrace_model::program::{Home, Leaf, Link, Operand};

impl Scene {
    /// The move that is due; none when the sources have no answer.
    pub(super) fn reply(&self, game: &Game) -> Option<Move> {
        let own = Some(self.lie);
        Some(match game.phase() {
            Phase::Trace => Move::Trace(self.ops.root()),
            Phase::Target => Move::Target(match self.row.home {
                Home::Trace(_) => Target::Ops,
                Home::Post(_) => Target::Post,
                Home::Batch => Target::Batch,
                Home::Loss => Target::Loss,
            }),
            Phase::OpenList { node, list: List::Ops } => Move::Open(self.ops.open(node)?),
            Phase::OpenList { node, list: List::Post } => Move::Open(self.post.open(node)?),
            Phase::ChooseList { node, .. } => {
                let (Home::Trace(leaf) | Home::Post(leaf)) = self.row.home else { return None };
                Move::Choose(((u64::from(leaf) - node.start()) / node.group()?) as u32)
            }
            Phase::Reveal { .. } => Move::Reveal(self.output.digest()),
            Phase::Name(_) => Move::Name {
                index: self.at as u32,
                row: self.row.clone(),
                path: self.rows.path(self.at as u64)?,
            },
            Phase::OpenTensor { node, .. } => Move::Open(self.output.open(node)?),
            Phase::ChooseTensor { node, .. } => {
                let chunk = self.element * 4 / CHUNK_BYTES;
                Move::Choose(((chunk - node.start()) / node.group()?) as u32)
            }
            Phase::Tile { node, .. } => Move::Tile(self.output.chunk(node.start())),
            Phase::Element { first, .. } => Move::Element((self.element - first) as u32),
            Phase::Totals(_) => Move::Totals(self.totals(own)?),
            Phase::Lane { .. } => Move::Lane(self.lie.lane as u8),
            Phase::Partials(span) => Move::Partials(self.partials(own, span)?),
            Phase::Interval { span, words } => {
                // The challenger does compare here: its own chain is right from beginning to end.
                let right = self.partials(None, span)?;
                Move::Choose(right.iter().zip(words).position(|(a, b)| a != b)? as u32)
            }
            Phase::Judge(span) => Move::Judge(self.proofs(span)?),
        })
    }

    fn proofs(&self, span: &Span) -> Option<Vec<OperandProof>> {
        let index = self.row.index(self.element);
        let (operands, term) = match self.row.kind.form() {
            Form::Element => (&self.row.operands[..], 0),
            _ => match self.row.link(index, usize::from(span.lane), span.first) {
                Link::Start => (self.row.start.as_slice(), 0),
                Link::Term(term) => (&self.row.operands[..], term),
            },
        };
        let mut words = [0; OPERANDS_MAX];
        let mut proofs = Vec::new();
        for (at, operand) in operands.iter().enumerate() {
            let place = operand.place(index, term, &words[..at])?;
            words[at] = self.source(operand)?.word(place);
            proofs.push(self.proof(operand, place)?);
        }
        Some(proofs)
    }

    fn proof(&self, operand: &Operand, place: u64) -> Option<OperandProof> {
        let source = self.source(operand)?;
        let list = match operand.leaf {
            Leaf::Trace(at) => self.ops.path(u64::from(at))?,
            Leaf::Post(at) => self.post.path(u64::from(at))?,
            Leaf::Pre(at) => self.pre.path(u64::from(at))?,
            Leaf::Batch => ListPath { siblings: Vec::new() },
            // No row that is played reads any other leaf.
            _ => return None,
        };
        let chunk = place * 4 / CHUNK_BYTES;
        Some(OperandProof {
            digest: source.digest(),
            list,
            chunk: source.chunk(chunk),
            path: source.path(chunk),
        })
    }
}
