//! A validator's duty beside blocks: to hold what a claim answers for, and to say so (L-5.12).

use super::{Identity, Role, RoleError, View};
use crate::home::BlobError;
use crate::network::Board;
use retrace_ledger::{Attest, AttestedPart, Body, attestation_key, step_before};
use retrace_model::Words;
use retrace_verifier::commitment::{SignedCommitment, word_bytes};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::state::StateKind;

/// A validator's state: none of it outlives a block.
pub struct Attester {
    identity: Identity,
}

impl Attester {
    /// An attester by its stake key.
    pub fn new(identity: Identity) -> Attester {
        Attester { identity }
    }

    /// What is still to be attested, in the order of the claims.
    fn wanted(&self, board: &Board, view: &View) -> Vec<(Digest, SignedCommitment, AttestedPart)> {
        let peer = self.identity.peer();
        let mut wanted = Vec::new();
        for (id, record) in &view.claims {
            let Claim::Segment(signed) = &record.claim else { continue };
            for part in [AttestedPart::Segment, AttestedPart::Drawn] {
                let is_due = board.read(|state| {
                    let is_done = state.attestations(id, part).iter().any(|a| a.validator == peer);
                    let is_needed = part == AttestedPart::Segment || !state.drawn_states(id).is_empty();
                    record.is_open() && is_needed && !is_done
                });
                if is_due {
                    wanted.push((*id, *signed, part));
                }
            }
        }
        wanted
    }

    /// The bytes of a part under this validator's key for the claim: it cannot be said without having them.
    fn hold(
        &self,
        board: &Board,
        view: &View,
        (id, signed, part): &(Digest, SignedCommitment, AttestedPart),
    ) -> Result<Digest, RoleError> {
        let (spec, blobs, c) = (&view.run.terms.spec, board.blobs(), &signed.commitment);
        let mut hasher = blake3::Hasher::new_keyed(&attestation_key(&self.identity.peer(), id));
        let lists = blobs.lists(&c.lists)?;
        if !lists.belong_to(c, spec.steps) {
            return Err(BlobError::Missing { name: c.lists }.into());
        }
        let mut add = |tensors: Vec<Words>| {
            for words in &tensors {
                hasher.update(&word_bytes(words));
            }
        };
        match part {
            AttestedPart::Segment => {
                add(blobs.tensors(StateKind::Delta, spec, &c.delta_root)?);
                hasher.update(&borsh::to_vec(&lists).unwrap_or_default());
            }
            AttestedPart::Drawn => {
                for unit in board.read(|state| state.drawn_states(id)) {
                    let before = step_before(unit, spec.steps);
                    let root = before.and_then(|at| lists.step_roots.get(at as usize));
                    let root = root.ok_or(RoleError::State { what: "a drawn unit's state" })?;
                    add(blobs.tensors(StateKind::Inner, spec, root)?);
                }
            }
        }
        Ok(Digest(*hasher.finalize().as_bytes()))
    }
}

impl Role for Attester {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Attests one part of one claim; what is not here yet does not keep it from the others.
    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let peer = self.identity.peer();
        let Some(view) = board.read(View::of) else { return Ok(false) };
        if !board.validators().iter().any(|validator| validator.account == peer) {
            return Ok(false);
        }
        for wanted in self.wanted(board, &view) {
            let keyed = match self.hold(board, &view, &wanted) {
                Err(error) if error.is_waiting() => continue,
                other => other?,
            };
            let (claim, _, part) = wanted;
            board.submit(&self.identity.key, Body::Attest(Attest { claim, part, keyed }));
            return Ok(true);
        }
        Ok(false)
    }
}
