//! The referee: operands under the roots that the row names, one element or one link in integers (V-4.5, V-4.6).

use super::phase::Span;
use super::{Game, Refusal, Step, chain};
use crate::digest::{CHUNK_BYTES, Digest, ListKind, ListPath, PathError, TensorPath};
use crate::state::StateKind;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::arithmetic::{Real32, canonical};
use retrace_model::op::{Arguments, Form, Kind, OPERANDS_MAX, SCALARS_MAX};
use retrace_model::program::{Home, Leaf, Link, Operand, Row, parameter_count, parameter_table};
use retrace_model::soft::Soft32;
use retrace_model::{StepId, StepScalars, element_value, next_accumulator, place};

/// One operand element, proved under the root that the row names.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OperandProof {
    /// Digest of the tensor that holds the element.
    pub digest: Digest,
    /// Path of that digest in its list; empty where the ledger or the claim already fixes it.
    pub list: ListPath,
    /// The 1 KiB chunk that holds the element.
    pub chunk: Vec<u8>,
    /// Path of the chunk under the digest.
    pub path: TensorPath,
}

/// The wrong value, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Finding {
    /// Position of the row in the unit's program.
    pub row: u32,
    /// The op.
    pub kind: Kind,
    /// Where its output is claimed.
    pub home: Home,
    /// Row-major position of the element in the output.
    pub element: u64,
    /// The link of the element's chain; none for an element-wise op.
    pub link: Option<u64>,
    /// What the accused claimed: an element, or the accumulator after the link.
    pub claimed_bits: u32,
    /// What the definition gives.
    pub right_bits: u32,
}

/// Distance of two binary32 values in units in the last place, both zeros being one value; none with a NaN.
pub fn ulp_distance(left: u32, right: u32) -> Option<u64> {
    let ordered = |bits: u32| {
        let magnitude = i64::from(bits & 0x7FFF_FFFF);
        if bits >> 31 == 0 { magnitude } else { -magnitude }
    };
    let is_nan = |bits: u32| bits & 0x7FFF_FFFF > 0x7F80_0000;
    (!is_nan(left) && !is_nan(right)).then(|| ordered(left).abs_diff(ordered(right)))
}

/// Where an operand's word lies: which tensor, how it is proved, which byte.
struct Site {
    proof: Proof,
    len_bytes: u64,
    byte: u64,
    width: usize,
}

enum Proof {
    /// The word is zero by definition: what an optimizer keeps, before the first step.
    Zero,
    /// The digest is fixed already.
    Known(Digest),
    /// The digest is leaf `index` of the op list.
    Ops(u32),
    /// The digest is in entry `index` of a state.
    Entry(StateKind, Digest, u32),
}

impl Game {
    /// Redoes the last element or link from the supplied operands.
    pub(super) fn judge(&self, span: &Span, proofs: &[OperandProof]) -> Result<Step, Refusal> {
        let row = &span.spot.row;
        let index = row.index(span.spot.element);
        let link = match row.kind.form() {
            Form::Element => None,
            _ => Some(row.link(index, usize::from(span.lane), span.first)),
        };
        let right = match link {
            Some(Link::Start) => {
                let start = row.start.as_ref().ok_or(Refusal::Operands { expected: 0, found: 0 })?;
                let words = self.words(std::slice::from_ref(start), index, 0, proofs)?;
                canonical(Soft32::from_bits(words[0]))
            }
            Some(Link::Term(term)) => {
                let arguments = self.arguments(row, index, term, proofs)?;
                next_accumulator(row.kind, Soft32::from_bits(span.before), arguments).to_bits()
            }
            None => element_value(row.kind, self.arguments(row, index, 0, proofs)?),
        };
        let at = link.map(|_| span.first);
        Ok(Step::End(chain::decide(&span.spot, at, right, span.after)))
    }

    fn arguments(
        &self,
        row: &Row,
        index: [u64; 4],
        term: u64,
        proofs: &[OperandProof],
    ) -> Result<Arguments<Soft32>, Refusal> {
        let words = self.words(&row.operands, index, term, proofs)?;
        let facts = &self.docket.facts;
        let at = StepId { round: facts.round, slot: self.docket.slot(), step: self.docket.step() };
        let scalars = StepScalars::new(&facts.spec, at);
        let mut s = [Soft32::from_bits(0); SCALARS_MAX];
        for (slot, scalar) in s.iter_mut().zip(&row.scalars) {
            *slot = Soft32::from_bits(scalars.resolve(*scalar));
        }
        Ok(Arguments { x: words.map(Soft32::from_bits), words, s, index })
    }

    /// The operands' words, each proved under its root, in order: an id may decide where a later one lies.
    fn words(
        &self,
        operands: &[Operand],
        index: [u64; 4],
        term: u64,
        proofs: &[OperandProof],
    ) -> Result<[u32; OPERANDS_MAX], Refusal> {
        if proofs.len() != operands.len() {
            return Err(Refusal::Operands { expected: operands.len() as u32, found: proofs.len() as u32 });
        }
        let mut words = [0; OPERANDS_MAX];
        for (at, (operand, proof)) in operands.iter().zip(proofs).enumerate() {
            let nowhere = Refusal::Place { operand: at as u32 };
            let place = operand.place(index, term, &words[..at]).ok_or(nowhere)?;
            let site = self.site(operand, place).ok_or(nowhere)?;
            words[at] = self.word(&site, proof)?;
        }
        Ok(words)
    }

    /// The program says under which root an operand is proved: there is no other kind of leaf.
    fn site(&self, operand: &Operand, place: u64) -> Option<Site> {
        let facts = &self.docket.facts;
        let parameters = parameter_count(&facts.spec.model) as u32;
        let proof = match operand.leaf {
            Leaf::Trace(at) => Proof::Ops(at),
            Leaf::Post(at) => {
                let (kind, root) = self.frame.post?;
                Proof::Entry(kind, root, at)
            }
            Leaf::Pre(at) => match (self.frame.pre, self.docket.unit) {
                (Some(root), crate::unit::Unit::Merge) => Proof::Entry(StateKind::Outer, root, at),
                (Some(root), _) => Proof::Entry(StateKind::Inner, root, at),
                (None, _) if at < parameters => Proof::Entry(StateKind::Outer, facts.base, at),
                (None, _) => Proof::Zero,
            },
            Leaf::Base(at) => Proof::Entry(StateKind::Outer, facts.base, at),
            Leaf::Batch => Proof::Known(self.frame.batch?),
            Leaf::Losses => Proof::Known(self.frame.losses?),
            Leaf::Delta(which, at) => {
                Proof::Entry(StateKind::Delta, *facts.deltas.get(usize::from(which))?, at)
            }
            Leaf::Tokens => return self.token_site(place),
        };
        Some(Site { proof, len_bytes: operand.length.checked_mul(4)?, byte: place.checked_mul(4)?, width: 4 })
    }

    /// A token lies where the round's beacon says.
    fn token_site(&self, at: u64) -> Option<Site> {
        let facts = &self.docket.facts;
        let span = u64::from(facts.spec.model.context) + 1;
        let lengths: Vec<u64> = facts.manifest.iter().map(|s| s.bytes).collect();
        let step = StepId { round: facts.round, slot: self.docket.slot(), step: self.docket.step() };
        let sequence = u32::try_from(at / span).ok()?;
        let found = place(&facts.beacon, step, sequence, &lengths, span)?;
        let shard = facts.manifest.get(found.shard as usize)?;
        let byte = found.offset.checked_add(at % span)?;
        Some(Site { proof: Proof::Known(shard.digest), len_bytes: shard.bytes, byte, width: 1 })
    }

    fn word(&self, site: &Site, proof: &OperandProof) -> Result<u32, Refusal> {
        let wrong = PathError::Mismatch { expected: Digest([0; 32]), found: proof.digest };
        let empty = proof.list.siblings.is_empty();
        match &site.proof {
            Proof::Zero => {
                let nothing = empty && proof.chunk.is_empty() && proof.path.siblings.is_empty();
                let unset = proof.digest == Digest([0; 32]);
                return if nothing && unset { Ok(0) } else { Err(Refusal::Path(wrong)) };
            }
            Proof::Known(digest) if *digest == proof.digest && empty => {}
            Proof::Known(_) => return Err(Refusal::Path(wrong)),
            Proof::Ops(at) => {
                let root = self.ops.ok_or(Refusal::Target)?;
                let count = u64::from(self.docket.facts.program.trace_leaves);
                proof.list.verify(ListKind::Ops, &root, count, u64::from(*at), proof.digest.as_bytes())?;
            }
            Proof::Entry(kind, root, at) => {
                let spec = &self.docket.facts.spec;
                let table = parameter_table(&spec.model);
                let count = kind.entries(spec) as u64;
                let leaf = kind.leaf(spec, &table, *at as usize, proof.digest).ok_or(Refusal::Target)?;
                proof.list.verify(kind.list_kind(), root, count, u64::from(*at), &leaf)?;
            }
        }
        proof.path.verify(&proof.digest, site.len_bytes, site.byte / CHUNK_BYTES, &proof.chunk)?;
        let within = (site.byte % CHUNK_BYTES) as usize;
        let bytes = proof.chunk.get(within..within + site.width).ok_or(Refusal::Place { operand: 0 })?;
        Ok(bytes.iter().rev().fold(0, |word, b| word << 8 | u32::from(*b)))
    }
}
