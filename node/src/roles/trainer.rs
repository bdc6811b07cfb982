//! A trainer: trains its slot, publishes what the draw asks for, and answers for what it signed.

use super::disputes::{Disputes, Due};
use super::{Identity, Lineage, Role, RoleError, Shards, View};
use crate::network::Board;
use retrace_ledger::{Base, Body, Commit, Phase};
use retrace_model::Words;
use retrace_verifier::commitment::{BaseClaim, SignedBase, SignedCommitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::{Assignment, Conduct, Segment, conducted};
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Unit, Witness};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A segment that this trainer answers for.
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
    conduct: Arc<dyn Conduct>,
    /// Heights to wait before claiming a base, so that not every trainer does.
    patience: u64,
    waiting_since: Option<u64>,
    shards: Shards,
    lineage: Option<Lineage>,
    kept: Vec<Kept>,
    disputes: Disputes,
}

impl Trainer {
    /// A trainer with a conduct; it claims a base when nobody has for `patience` heights.
    pub fn new(identity: Identity, conduct: Arc<dyn Conduct>, patience: u64) -> Trainer {
        let (shards, kept, disputes) = (Shards::default(), Vec::new(), Disputes::default());
        Trainer { identity, conduct, patience, waiting_since: None, shards, lineage: None, kept, disputes }
    }

    /// The slot that is this trainer's and has no commitment yet.
    fn open_slot(&self, view: &View) -> Option<u16> {
        let round = view.round.as_ref().filter(|_| view.progress.phase == Phase::Training)?;
        let peer = self.identity.peer();
        let found = round.slots.iter().position(|s| s.trainer == Some(peer) && s.commitment.is_none());
        found.and_then(|slot| u16::try_from(slot).ok())
    }

    fn train(&mut self, board: &Board, view: &View, slot: u16) -> Result<(), RoleError> {
        let lineage = view.follow(&mut self.lineage, board, &self.identity.engine)?;
        let spec = &view.run.terms.spec;
        let beacon = view.round.as_ref().ok_or(RoleError::State { what: "the round" })?.beacon;
        let round = view.progress.round;
        let shards = self.shards.get(board, view)?;
        let at = Assignment { spec, beacon: &beacon, round, slot, shards: &shards, base: &lineage.base };
        let segment = at.train(&self.identity.engine, self.conduct.as_ref(), |_| {});
        let segment = segment.ok_or(RoleError::State { what: "a shard that is long enough" })?;
        let network = board.read(|state| state.network());
        let commitment = segment.commitment(network, view.id, &at, self.identity.peer());
        let blobs = board.blobs();
        blobs.put_tensors(StateKind::Delta, spec, &segment.delta)?;
        blobs.put_bytes(&borsh::to_vec(&segment.lists).unwrap_or_default())?;
        let signed = SignedCommitment::new(commitment, &self.identity.key);
        // Two rounds are enough: a segment is decided before the round after the next one opens.
        self.kept.retain(|kept| kept.round + 2 > round);
        let (commitment, published) = (commitment.id(), BTreeSet::new());
        self.kept.push(Kept { commitment, beacon, round, slot, base: lineage.base, segment, published });
        board.submit(&self.identity.key, Body::Commit(Box::new(Commit { signed })));
        Ok(())
    }

    /// Publishes, unasked, the states that the drawn units start from.
    fn publish(&mut self, board: &Board, view: &View) -> Result<(), RoleError> {
        let spec = &view.run.terms.spec;
        for (claim, record) in &view.claims {
            let Some(kept) = self.kept.iter_mut().find(|kept| kept.commitment == *claim) else { continue };
            for unit in record.audit.iter().flat_map(|audit| &audit.units) {
                let starts_from_base = matches!(unit, Unit::Step(0) | Unit::Loss);
                if kept.published.insert(*unit) && !starts_from_base {
                    board.blobs().put_tensors(StateKind::Inner, spec, kept.segment.before(*unit))?;
                }
            }
        }
        Ok(())
    }

    /// Claims the next base, by its own conduct, when nobody has for a while. Verifiers leave that to trainers,
    /// since nobody judges a base of its own.
    fn post_base(&mut self, board: &Board, view: &View) -> Result<bool, RoleError> {
        let standing = view.round.as_ref().is_none_or(|round| round.standing.is_some());
        if view.progress.phase != Phase::Merging || standing {
            self.waiting_since = None;
            return Ok(false);
        }
        let height = board.height().0;
        let since = *self.waiting_since.get_or_insert(height);
        let free = board.read(|state| state.account(&self.identity.peer()).map(|a| a.free_stake()));
        let can_lock = free.is_some_and(|free| free >= view.run.terms.lock);
        if height < since + self.patience || !can_lock {
            return Ok(false);
        }
        let witness = self.merge(board, view)?;
        let post: Vec<Words> = witness.post().into_iter().cloned().collect();
        let claim = BaseClaim {
            network: board.read(|state| state.network()),
            run: view.id,
            round: view.progress.round + 1,
            root: root_of(StateKind::Outer, &view.run.terms.spec, &post),
            poster: self.identity.peer(),
        };
        board.submit(
            &self.identity.key,
            Body::Base(Base { signed: SignedBase::new(claim, &self.identity.key) }),
        );
        Ok(true)
    }

    fn merge(&mut self, board: &Board, view: &View) -> Result<Witness, RoleError> {
        let lineage = view.follow(&mut self.lineage, board, &self.identity.engine)?;
        let deltas = board.read(|state| state.accepted_deltas(&view.id, view.progress.round));
        let task = lineage.merge_task(&view.run.terms.spec, &board.blobs(), &deltas)?;
        let scalars = task.scalars();
        Ok(conducted(task, scalars, &self.identity.engine, self.conduct.as_ref()))
    }

    fn defend(&mut self, board: &Board, view: &View, due: &Due) -> Result<(), RoleError> {
        if !self.disputes.knows(due) {
            let docket = due.game.docket();
            let shards = self.shards.get(board, view)?;
            let witness = match &docket.claim {
                Claim::Base(_) => self.merge(board, view)?,
                Claim::Segment(signed) => self.rerun(view, &shards, &signed.commitment.id(), docket.unit)?,
            };
            self.disputes.seat(due, witness, shards);
        }
        self.disputes.play(board, &self.identity.key, due)
    }

    /// Its own unit once more, as it was run: a trace is made only when somebody asks for it.
    fn rerun(
        &self,
        view: &View,
        shards: &[Vec<u8>],
        commitment: &Digest,
        unit: Unit,
    ) -> Result<Witness, RoleError> {
        let kept = self.kept.iter().find(|kept| kept.commitment == *commitment);
        let kept = kept.ok_or(RoleError::State { what: "this trainer's segment" })?;
        let spec = &view.run.terms.spec;
        let (beacon, round, slot, base) = (&kept.beacon, kept.round, kept.slot, &kept.base[..]);
        let at = Assignment { spec, beacon, round, slot, shards, base };
        let task = at.task(unit, kept.segment.before(unit), &kept.segment.lists);
        let task = task.ok_or(RoleError::State { what: "the disputed unit" })?;
        Ok(at.witness(task, &self.identity.engine, self.conduct.as_ref()))
    }
}

impl Role for Trainer {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let Some(view) = board.read(View::of) else { return Ok(false) };
        if let Some(due) = Disputes::due(board, &view, &self.identity.peer()) {
            self.defend(board, &view, &due)?;
            return Ok(true);
        }
        self.publish(board, &view)?;
        if let Some(slot) = self.open_slot(&view) {
            self.train(board, &view, slot)?;
            return Ok(true);
        }
        self.post_base(board, &view)
    }
}
