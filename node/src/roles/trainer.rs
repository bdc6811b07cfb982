//! A trainer: trains its slot, publishes what the draw asks for, and answers for what it signed.

use super::disputes::{Disputes, Due};
use super::lineage::Lineages;
use super::signed::SignedSlots;
use super::{Basis, Identity, Role, RoleError, Shards, View};
use crate::network::Board;
use crate::strategy::{Strategy, TestNetwork};
use retrace_ledger::{Base, Body, ClaimRecord, Commit, Phase, Role as AccountRole};
use retrace_model::{RunSpec, Words, Workspace};
use retrace_verifier::commitment::{BaseClaim, Commitment, SignedBase, SignedCommitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::{Assignment, Claimed, Conduct, Honest, Segment};
use retrace_verifier::state::StateKind;
use retrace_verifier::{Rerun, Unit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A segment that this trainer answers for, with all its checkpoints, until its round is over.
struct Kept {
    commitment: Digest,
    beacon: [u8; 32],
    round: u32,
    slot: u16,
    base: Vec<Words>,
    segment: Segment,
    published: BTreeSet<Unit>,
}

/// A trainer's state.
pub struct Trainer {
    identity: Identity,
    /// How it lies, with the proof that this is a test network; honest without one.
    strategy: Option<(Strategy, TestNetwork)>,
    /// Its conduct in a run.
    conduct: Option<(Digest, Arc<dyn Conduct>)>,
    waiting_since: Option<u64>,
    shards: Shards,
    lineages: Lineages,
    kept: Vec<Kept>,
    /// Buffers of the last segment.
    workspace: Workspace,
    signed: SignedSlots,
    disputes: Disputes,
}

impl Trainer {
    /// A trainer. What it signed for a slot is kept in `signed`, and never signed differently.
    pub fn new(
        identity: Identity,
        strategy: Option<(Strategy, TestNetwork)>,
        signed: SignedSlots,
    ) -> Trainer {
        Trainer {
            identity,
            strategy: strategy.filter(|(strategy, _)| strategy.role() == AccountRole::Trainer),
            conduct: None,
            waiting_since: None,
            shards: Shards::default(),
            lineages: Lineages::default(),
            kept: Vec::new(),
            workspace: Workspace::default(),
            signed,
            disputes: Disputes::default(),
        }
    }

    /// How it behaves in this run.
    fn conduct(&mut self, run: &Digest, spec: &RunSpec) -> Arc<dyn Conduct> {
        if let Some((_, conduct)) = self.conduct.as_ref().filter(|(known, _)| known == run) {
            return Arc::clone(conduct);
        }
        let conduct: Arc<dyn Conduct> = match self.strategy {
            Some((strategy, proof)) => strategy.conduct(proof, spec),
            None => Arc::new(Honest),
        };
        self.conduct = Some((*run, Arc::clone(&conduct)));
        conduct
    }

    /// How it answers in a dispute: as it worked, but for who tells everybody something else.
    fn answering(&self, spec: &RunSpec, dispute: &Digest) -> Arc<dyn Conduct> {
        match self.strategy {
            Some((strategy, proof)) => strategy.answering(proof, spec, dispute),
            None => Arc::new(Honest),
        }
    }

    /// The slot that is this trainer's and has no commitment yet.
    fn open_slot(&self, view: &View) -> Option<u16> {
        let is_training = view.progress.phase == Phase::Training && !view.is_dead;
        let round = view.round.as_ref().filter(|_| is_training)?;
        let peer = self.identity.peer();
        let found = round.slots.iter().position(|s| s.trainer == Some(peer) && s.commitment.is_none());
        found.and_then(|slot| u16::try_from(slot).ok())
    }

    /// Commits to the slot's segment. What was signed for this slot before is said again, not signed anew: a process
    /// that was killed between signing and hearing of its block must not contradict itself (W-5.2).
    fn commit(&mut self, board: &Board, view: &View, slot: u16) -> Result<(), RoleError> {
        let at = (view.id, view.progress.round, slot);
        let signed = match self.signed.get(at)? {
            Some(signed) => signed,
            None => {
                let commitment = self.train(board, view, view.progress.round, slot)?;
                let signed = SignedCommitment::new(commitment, &self.identity.key);
                self.signed.put(at, &signed)?;
                signed
            }
        };
        board.submit(&self.identity.key, Body::Commit(Box::new(Commit { signed })));
        Ok(())
    }

    /// Trains a segment, publishes its delta and lists, and keeps it.
    fn train(&mut self, board: &Board, view: &View, round: u32, slot: u16) -> Result<Commitment, RoleError> {
        let basis = Basis::of_round(view, board, round)?;
        let (kept, commitment) = self.make(board, &basis, slot)?;
        let (spec, segment) = (&basis.spec, &kept.segment);
        let blobs = board.blobs();
        blobs.put_tensors(StateKind::Delta, spec, &segment.delta)?;
        blobs.put_bytes(&borsh::to_vec(&segment.lists).unwrap_or_default())?;
        // Of what is over the last round is enough: a segment is decided before the round after the next one opens.
        let oldest = view.progress.oldest;
        self.kept.retain(|kept| kept.round + 1 >= oldest);
        self.kept.push(kept);
        Ok(commitment)
    }

    /// Trains the segment of a slot, in whichever round: it has one right answer, and a conduct always lies in the
    /// same way, so it is the one that was committed to, if there was one (W-5.3).
    fn make(&mut self, board: &Board, basis: &Basis, slot: u16) -> Result<(Kept, Commitment), RoleError> {
        let conduct = self.conduct(&basis.run, &basis.spec);
        let lineage = basis.follow(&mut self.lineages, board, &self.identity.engine)?;
        let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
        let (spec, beacon, round) = (&basis.spec, basis.beacon, basis.round);
        let at = Assignment { spec, beacon: &beacon, round, slot, shards: &shards, base: &lineage.base };
        let segment = at.train_in(&mut self.workspace, &self.identity.engine, conduct.as_ref(), |_| {});
        let segment = segment.ok_or(RoleError::State { what: "a shard that is long enough" })?;
        let commitment = segment.commitment(board.network(), basis.run, &at, self.identity.peer());
        let (id, published) = (commitment.id(), BTreeSet::new());
        let kept = Kept { commitment: id, beacon, round, slot, base: lineage.base, segment, published };
        Ok((kept, commitment))
    }

    /// This trainer's commitments in rounds that are not over.
    fn own<'a>(&self, view: &'a View) -> Vec<(Digest, &'a ClaimRecord, &'a SignedCommitment)> {
        let peer = self.identity.peer();
        let own = view.claims.iter().filter(|(_, record)| record.signer() == peer);
        own.filter_map(|(id, record)| match &record.claim {
            Claim::Segment(signed) => Some((*id, record, signed)),
            Claim::Base(_) => None,
        })
        .collect()
    }

    /// Where a segment is kept (W-5.3). After a restart it is trained once more: a step has one
    /// right answer, and a conduct always lies in the same way.
    fn keep(&mut self, board: &Board, view: &View, signed: &SignedCommitment) -> Result<usize, RoleError> {
        let id = signed.commitment.id();
        let is_it = |kept: &Kept| kept.commitment == id;
        if !self.kept.iter().any(is_it) {
            tracing::info!(commitment = %id, "training this segment again, its checkpoints are not here");
            self.train(board, view, signed.commitment.round, signed.commitment.slot)?;
        }
        self.kept.iter().position(is_it).ok_or(RoleError::State { what: "the segment that was committed to" })
    }

    /// Publishes, unasked, the states that the drawn units start from.
    fn publish(&mut self, board: &Board, view: &View) -> Result<(), RoleError> {
        let spec = &view.run.terms.spec;
        for (id, record, signed) in self.own(view) {
            let units = record.audit.iter().flat_map(|audit| &audit.units);
            let needed: Vec<Unit> =
                units.filter(|unit| !matches!(unit, Unit::Step(0) | Unit::Loss)).copied().collect();
            // Of what validators hold nothing is trained again after a restart: there may be several rounds of it.
            if needed.is_empty() || !record.is_open() || board.read(|state| state.is_published(&id)) {
                continue;
            }
            let at = self.keep(board, view, signed)?;
            for unit in needed {
                let kept = &mut self.kept[at];
                if !kept.published.contains(&unit) {
                    board.blobs().put_tensors(StateKind::Inner, spec, kept.segment.before(unit))?;
                    kept.published.insert(unit);
                }
            }
        }
        Ok(())
    }

    /// Claims the next base, by its own conduct, when nobody has for a while. Verifiers leave that to trainers,
    /// since nobody judges a base of its own.
    fn post_base(&mut self, board: &Board, view: &View) -> Result<bool, RoleError> {
        let standing = view.round.as_ref().is_none_or(|round| round.standing.is_some());
        if view.progress.phase != Phase::Merging || standing || view.is_dead {
            self.waiting_since = None;
            return Ok(false);
        }
        let height = board.height().0;
        let since = *self.waiting_since.get_or_insert(height);
        let free = board.read(|state| state.account(&self.identity.peer()).map(|a| a.free_stake()));
        let can_lock = free.is_some_and(|free| free >= view.run.terms.lock);
        if height < since + self.patience(view) || !can_lock {
            return Ok(false);
        }
        let merged = self.merge(board, &Basis::of_round(view, board, view.progress.round)?)?;
        let root = Claimed::replayed(&merged).post.ok_or(RoleError::State { what: "the merged base" })?;
        let claim = BaseClaim {
            network: board.network(),
            run: view.id,
            round: view.progress.round + 1,
            root,
            poster: self.identity.peer(),
        };
        board.submit(
            &self.identity.key,
            Body::Base(Base { signed: SignedBase::new(claim, &self.identity.key) }),
        );
        Ok(true)
    }

    /// Heights to wait before claiming a base, so that not every trainer does: by slot, those without one last.
    fn patience(&self, view: &View) -> u64 {
        let peer = self.identity.peer();
        let slots = view.round.iter().flat_map(|round| &round.slots);
        let at = slots.clone().position(|slot| slot.trainer == Some(peer)).unwrap_or(slots.count());
        // Whoever lies about bases is the first to claim one.
        let is_eager = self.strategy.is_some_and(|(strategy, _)| strategy == Strategy::WrongBase);
        if is_eager { 0 } else { 2 + 2 * at as u64 }
    }

    /// Its own merge of the accepted deltas.
    fn merge(&mut self, board: &Board, basis: &Basis) -> Result<Rerun, RoleError> {
        let conduct = self.conduct(&basis.run, &basis.spec);
        let lineage = basis.follow(&mut self.lineages, board, &self.identity.engine)?;
        let task = lineage.merge_task(&basis.spec, &board.blobs(), basis.round, &basis.deltas)?;
        let scalars = task.scalars();
        Ok(Rerun::new(task, scalars, &self.identity.engine, conduct))
    }

    /// Answers one dispute, whichever of its claims it is about.
    fn defend(&mut self, board: &Board, due: &Due) -> Result<bool, RoleError> {
        if let Some(taken) = Disputes::said(board, &self.identity.key, due)? {
            return Ok(taken);
        }
        if !self.disputes.knows(due) {
            // Answers have buffers of their own: there is no need for both.
            self.workspace = Workspace::default();
            let docket = due.game.docket();
            let basis = Basis::of_facts(&docket.facts, &docket.claim);
            let trace = match &docket.claim {
                Claim::Base(_) => self.merge(board, &basis)?,
                Claim::Segment(signed) => self.rerun(board, &basis, signed, docket.unit, &due.id)?,
            };
            let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
            self.disputes.seat(board, due, trace, shards)?;
        }
        self.disputes.play(board, &self.identity.key, due)
    }

    /// Its own unit once more, as it was run: a trace is made only when somebody asks for it.
    fn rerun(
        &mut self,
        board: &Board,
        basis: &Basis,
        signed: &SignedCommitment,
        unit: Unit,
        dispute: &Digest,
    ) -> Result<Rerun, RoleError> {
        let conduct = self.answering(&basis.spec, dispute);
        let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
        let id = signed.commitment.id();
        let made = match self.kept.iter().any(|kept| kept.commitment == id) {
            true => None,
            false => {
                tracing::info!(commitment = %id, "training this segment again to answer for it");
                Some(self.make(board, basis, signed.commitment.slot)?.0)
            }
        };
        let kept = self.kept.iter().chain(&made).find(|kept| kept.commitment == id);
        let kept = kept.ok_or(RoleError::State { what: "the segment that was committed to" })?;
        let (spec, beacon, base) = (&basis.spec, &kept.beacon, &kept.base[..]);
        let at = Assignment { spec, beacon, round: kept.round, slot: kept.slot, shards: &shards, base };
        let task = at.task(unit, kept.segment.before(unit), &kept.segment.lists);
        let task = task.ok_or(RoleError::State { what: "the disputed unit" })?;
        Ok(at.rerun(task, &self.identity.engine, conduct))
    }

    /// Answers the first dispute that can be answered.
    fn answer(&mut self, board: &Board) -> Result<bool, RoleError> {
        let due = self.disputes.due(board, &self.identity.peer());
        Disputes::first_of(due, |due| self.defend(board, due))
    }

    /// Everything that is not a dispute, in the oldest run that goes on.
    fn work(&mut self, board: &Board) -> Result<bool, RoleError> {
        let Some(view) = board.read(View::of) else {
            self.workspace = Workspace::default();
            return Ok(false);
        };
        // A state of an older round that cannot be made again yet holds up neither the slot nor the base.
        let published = self.publish(board, &view).map(|()| false);
        Disputes::before(published, || match self.open_slot(&view) {
            Some(slot) => self.commit(board, &view, slot).map(|()| true),
            None => self.post_base(board, &view),
        })
    }
}

impl Role for Trainer {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let answered = self.answer(board);
        Disputes::before(answered, || self.work(board))
    }
}
