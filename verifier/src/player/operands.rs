//! Operands of the last element or link, proved under the roots that the row names.

use super::Player;
use super::own::Own;
use crate::commitment::word_bytes;
use crate::digest::{CHUNK_BYTES, Digest, ListPath, ListTree, TensorPath, TensorTree, tensor_digest};
use crate::game::{Game, List, OperandProof, Span};
use crate::state::{StateKind, state_tree, words_digest};
use crate::unit::Unit;
use retrace_model::op::{Form, OPERANDS_MAX};
use retrace_model::program::{Leaf, Link, Operand, parameter_count};
use retrace_model::{StepId, Words, place};
use std::borrow::Cow;

/// Proofs of all operands of the span's only link, or of its element.
pub(super) fn prove(player: &Player, game: &Game, span: &Span) -> Option<Vec<OperandProof>> {
    let row = &span.spot.row;
    let index = row.index(span.spot.element);
    let (operands, term) = match row.kind.form() {
        Form::Element => (&row.operands[..], 0),
        _ => match row.link(index, usize::from(span.lane), span.first) {
            Link::Start => (row.start.as_slice(), 0),
            Link::Term(term) => (&row.operands[..], term),
        },
    };
    let mut words = [0; OPERANDS_MAX];
    let mut proofs = Vec::new();
    for (at, operand) in operands.iter().enumerate() {
        let place = operand.place(index, term, &words[..at])?;
        words[at] = *player.own.leaf(operand.leaf)?.get(usize::try_from(place).ok()?)?;
        proofs.push(operand_proof(player, game, operand, place)?);
    }
    Some(proofs)
}

fn operand_proof(player: &Player, game: &Game, operand: &Operand, place: u64) -> Option<OperandProof> {
    let own = &player.own;
    let task = own.task();
    let no_list = ListPath { siblings: Vec::new() };
    let list = match operand.leaf {
        Leaf::Tokens => return token_proof(player, game, place),
        Leaf::Batch | Leaf::Losses => no_list,
        Leaf::Trace(at) => disputed(player, game, List::Ops)?.path(u64::from(at))?,
        Leaf::Post(at) => disputed(player, game, List::Post)?.path(u64::from(at))?,
        Leaf::Base(at) => entry_path(own, StateKind::Outer, &task.base, at)?,
        Leaf::Delta(which, at) => {
            entry_path(own, StateKind::Delta, task.deltas.get(usize::from(which))?, at)?
        }
        Leaf::Pre(at) => match (task.unit, game.frame().pre) {
            (Unit::Merge, _) => entry_path(own, StateKind::Outer, &task.pre, at)?,
            (_, Some(_)) => entry_path(own, StateKind::Inner, &task.pre, at)?,
            (_, None) if u64::from(at) < parameter_count(&task.spec.model) => {
                entry_path(own, StateKind::Outer, &task.base, at)?
            }
            (_, None) => return Some(zero_proof()),
        },
    };
    let bytes = word_bytes(own.leaf(operand.leaf)?);
    chunk_proof(bytes, place * 4, list)
}

/// Moments before the first step are zero by definition: there is nothing to prove.
fn zero_proof() -> OperandProof {
    OperandProof {
        digest: Digest([0; 32]),
        list: ListPath { siblings: Vec::new() },
        chunk: Vec::new(),
        path: TensorPath { siblings: Vec::new() },
    }
}

/// The accused's tree as far as it differs from ours on the way down to the leaf in dispute.
fn disputed<'a>(player: &'a Player, game: &Game, list: List) -> Option<Cow<'a, ListTree>> {
    let own = player.own.list(list)?;
    let in_dispute = player.opened.iter().all(|(node, _)| node.tree() == own.tree());
    let root = match list {
        List::Ops => game.ops(),
        List::Post => game.frame().post.map(|(_, root)| root),
    };
    if root == Some(own.root()) || !in_dispute {
        Some(Cow::Borrowed(own))
    } else {
        own.patched(&player.opened).map(Cow::Owned)
    }
}

fn entry_path(own: &Own, kind: StateKind, tensors: &[Words], at: u32) -> Option<ListPath> {
    let digests: Vec<Digest> = tensors.iter().map(|t| words_digest(t)).collect();
    state_tree(kind, &own.task().spec, &digests).path(u64::from(at))
}

fn chunk_proof(bytes: Vec<u8>, byte: u64, list: ListPath) -> Option<OperandProof> {
    let tree = TensorTree::new(bytes);
    let chunk = byte / CHUNK_BYTES;
    Some(OperandProof {
        digest: tree.digest(),
        list,
        chunk: tree.chunk(chunk)?.to_vec(),
        path: tree.path(chunk)?,
    })
}

fn token_proof(player: &Player, game: &Game, at: u64) -> Option<OperandProof> {
    let docket = game.docket();
    let facts = &docket.facts;
    let span = u64::from(facts.spec.model.context) + 1;
    let lengths: Vec<u64> = facts.manifest.iter().map(|s| s.bytes).collect();
    let step = StepId { round: facts.round, slot: docket.slot(), step: docket.step() };
    let found = place(&facts.beacon, step, u32::try_from(at / span).ok()?, &lengths, span)?;
    let shard = player.shards.get(found.shard as usize)?;
    debug_assert_eq!(tensor_digest(shard), facts.manifest[found.shard as usize].digest);
    chunk_proof(shard.clone(), found.offset + at % span, ListPath { siblings: Vec::new() })
}
