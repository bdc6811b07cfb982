//! A defender: plays the accused's side for accounts whose defense key it has, and whose stake key it has not (W-5.7).

use super::disputes::{Disputes, Due};
use super::lineage::Lineages;
use super::{Basis, Identity, Role, RoleError, Shards};
use crate::network::Board;
use retrace_ledger::State;
use retrace_verifier::commitment::{BaseClaim, Commitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::{Assignment, Claimed, Honest, Segment};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Rerun, Side, Unit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A defender's state. Its identity's key is the defense key, and the account that carries its moves.
pub struct Defender {
    identity: Identity,
    /// Whose moves it signs.
    accounts: Vec<PeerKey>,
    shards: Shards,
    lineages: Lineages,
    /// The last segment that it made again, by its commitment.
    made: Option<(Digest, Segment)>,
    disputes: Disputes,
    /// Disputes over claims that an honest run does not give: there is no true answer to give in them.
    indefensible: BTreeSet<Digest>,
    /// Accounts of which it was said that they do not name this key.
    unnamed: BTreeSet<PeerKey>,
}

impl Defender {
    /// A defender of these accounts.
    pub fn new(identity: Identity, accounts: Vec<PeerKey>) -> Defender {
        Defender {
            identity,
            accounts,
            shards: Shards::default(),
            lineages: Lineages::default(),
            made: None,
            disputes: Disputes::default(),
            indefensible: BTreeSet::new(),
            unnamed: BTreeSet::new(),
        }
    }

    /// Those of its accounts that name its key now, and for whom the ledger takes its moves.
    fn named(&mut self, board: &Board) -> Vec<PeerKey> {
        let own = self.identity.peer();
        let names = |state: &State, account: &PeerKey| state.defense_key(account) == Some(own);
        let named: Vec<PeerKey> =
            board.read(|state| self.accounts.iter().copied().filter(|a| names(state, a)).collect());
        for account in &self.accounts {
            if named.contains(account) {
                self.unnamed.remove(account);
            } else if self.unnamed.insert(*account) {
                tracing::warn!(%account, key = %own, "the account does not name this defense key: nothing is played for it");
            }
        }
        named
    }

    /// Its run of the disputed unit; none where the claim is not what an honest run gives.
    fn rerun(&mut self, board: &Board, due: &Due) -> Result<Option<Rerun>, RoleError> {
        let docket = due.game.docket();
        let basis = Basis::of_facts(&docket.facts, &docket.claim);
        match &docket.claim {
            Claim::Base(signed) => self.merge(board, &basis, &signed.claim),
            Claim::Segment(signed) => self.segment(board, &basis, &signed.commitment, docket.unit),
        }
    }

    fn merge(&mut self, board: &Board, basis: &Basis, claim: &BaseClaim) -> Result<Option<Rerun>, RoleError> {
        let lineage = basis.follow(&mut self.lineages, board, &self.identity.engine)?;
        let task = lineage.merge_task(&basis.spec, &board.blobs(), basis.round, &basis.deltas)?;
        let scalars = task.scalars();
        let merged = Rerun::new(task, scalars, &self.identity.engine, Arc::new(Honest));
        let is_right = Claimed::replayed(&merged).post == Some(claim.root);
        Ok(is_right.then_some(merged))
    }

    /// The segment once more from its round's base: it has one right answer (W-5.3).
    fn segment(
        &mut self,
        board: &Board,
        basis: &Basis,
        claimed: &Commitment,
        unit: Unit,
    ) -> Result<Option<Rerun>, RoleError> {
        let engine = self.identity.engine;
        let lineage = basis.follow(&mut self.lineages, board, &engine)?;
        let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
        let (spec, beacon, base) = (&basis.spec, &basis.beacon, &lineage.base[..]);
        let at = Assignment { spec, beacon, round: claimed.round, slot: claimed.slot, shards: &shards, base };
        let id = claimed.id();
        if self.made.as_ref().is_none_or(|(made, _)| *made != id) {
            tracing::info!(commitment = %id, "training this segment again to answer for it");
            let segment = at.train(&engine, &Honest, |_| {});
            let segment = segment.ok_or(RoleError::State { what: "a shard that is long enough" })?;
            if segment.commitment(board.network(), basis.run, &at, claimed.trainer) != *claimed {
                return Ok(None);
            }
            self.made = Some((id, segment));
        }
        let (_, segment) = self.made.as_ref().ok_or(RoleError::State { what: "the segment" })?;
        let task = at.task(unit, segment.before(unit), &segment.lists);
        let task = task.ok_or(RoleError::State { what: "the disputed unit" })?;
        Ok(Some(at.rerun(task, &engine, Arc::new(Honest))))
    }

    /// Answers one dispute; false if nothing was taken in. Nothing is answered in one over a wrong claim: it is lost however
    /// it is played.
    fn defend(&mut self, board: &Board, due: &Due) -> Result<bool, RoleError> {
        let key = self.identity.key.clone();
        if let Some(taken) = Disputes::said(board, &key, due)? {
            return Ok(taken);
        }
        if !self.disputes.knows(due) {
            let Some(trace) = self.rerun(board, due)? else {
                tracing::warn!(dispute = %due.id, "the claim is not what an honest run gives: it is not defended");
                self.indefensible.insert(due.id);
                return Ok(false);
            };
            let facts = &due.game.docket().facts;
            let shards = self.shards.get(board, &facts.run, &facts.manifest)?;
            self.disputes.seat(board, due, trace, shards)?;
        }
        self.disputes.play(board, &key, due)
    }
}

impl Role for Defender {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let (own, named) = (self.identity.peer(), self.named(board));
        let mut due = self.disputes.due_for(board, &self.accounts, &own);
        due.retain(|due| {
            let is_own = due.side == Side::Accused && named.contains(&due.game.key(due.side));
            is_own && !self.indefensible.contains(&due.id)
        });
        if due.is_empty() {
            return Ok(false);
        }
        if board.read(|state| state.account(&own).is_none()) {
            return Err(RoleError::NoAccount { key: own });
        }
        Disputes::first_of(due, |due| self.defend(board, due))
    }
}
