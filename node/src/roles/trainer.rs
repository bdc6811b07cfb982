//! A trainer: trains its slot, publishes what the draw asks for, and answers for what it signed.

use super::disputes::{Disputes, Due};
use super::signed::SignedSlots;
use super::{Identity, Lineage, Role, RoleError, Shards, View};
use crate::network::Board;
use crate::strategy::{Strategy, TestNetwork};
use retrace_ledger::{Base, Body, ClaimRecord, Commit, Phase};
use retrace_model::Words;
use retrace_verifier::commitment::{BaseClaim, SignedBase, SignedCommitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Claim;
use retrace_verifier::segment::{Assignment, Conduct, Honest, Segment, conducted};
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Unit, Witness};
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
    lineage: Option<Lineage>,
    kept: Vec<Kept>,
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
            strategy,
            conduct: None,
            waiting_since: None,
            shards: Shards::default(),
            lineage: None,
            kept: Vec::new(),
            signed,
            disputes: Disputes::default(),
        }
    }

    /// How it behaves in this run.
    fn conduct(&mut self, view: &View) -> Arc<dyn Conduct> {
        if let Some((_, conduct)) = self.conduct.as_ref().filter(|(run, _)| *run == view.id) {
            return Arc::clone(conduct);
        }
        let conduct: Arc<dyn Conduct> = match self.strategy {
            Some((strategy, proof)) => strategy.conduct(proof, &view.run.terms.spec),
            None => Arc::new(Honest),
        };
        self.conduct = Some((view.id, Arc::clone(&conduct)));
        conduct
    }

    /// The slot that is this trainer's and has no commitment yet.
    fn open_slot(&self, view: &View) -> Option<u16> {
        let round = view.round.as_ref().filter(|_| view.progress.phase == Phase::Training)?;
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
                let commitment = self.train(board, view, slot)?;
                let signed = SignedCommitment::new(commitment, &self.identity.key);
                self.signed.put(at, &signed)?;
                signed
            }
        };
        board.submit(&self.identity.key, Body::Commit(Box::new(Commit { signed })));
        Ok(())
    }

    /// Trains a segment of the current round, publishes its delta and lists, and keeps it.
    fn train(
        &mut self,
        board: &Board,
        view: &View,
        slot: u16,
    ) -> Result<retrace_verifier::commitment::Commitment, RoleError> {
        let conduct = self.conduct(view);
        let lineage = view.follow(&mut self.lineage, board, &self.identity.engine)?;
        let spec = &view.run.terms.spec;
        let beacon = view.round.as_ref().ok_or(RoleError::State { what: "the round" })?.beacon;
        let round = view.progress.round;
        let shards = self.shards.get(board, view)?;
        let at = Assignment { spec, beacon: &beacon, round, slot, shards: &shards, base: &lineage.base };
        let segment = at.train(&self.identity.engine, conduct.as_ref(), |_| {});
        let segment = segment.ok_or(RoleError::State { what: "a shard that is long enough" })?;
        let commitment = segment.commitment(board.network(), view.id, &at, self.identity.peer());
        let blobs = board.blobs();
        blobs.put_tensors(StateKind::Delta, spec, &segment.delta)?;
        blobs.put_bytes(&borsh::to_vec(&segment.lists).unwrap_or_default())?;
        // Two rounds are enough: a segment is decided before the round after the next one opens.
        self.kept.retain(|kept| kept.round + 2 > round);
        let (id, published) = (commitment.id(), BTreeSet::new());
        self.kept.push(Kept { commitment: id, beacon, round, slot, base: lineage.base, segment, published });
        Ok(commitment)
    }

    /// This trainer's claims of the current round.
    fn own<'a>(&self, view: &'a View) -> Vec<(Digest, &'a ClaimRecord, &'a SignedCommitment)> {
        let peer = self.identity.peer();
        let own = view.claims.iter().filter(|(_, record)| record.signer() == peer);
        own.filter_map(|(id, record)| match &record.claim {
            Claim::Segment(signed) => Some((*id, record, signed)),
            Claim::Base(_) => None,
        })
        .collect()
    }

    /// Where a segment of the current round is kept (W-5.3). After a restart it is trained once more: a step has one
    /// right answer, and a conduct always lies in the same way.
    fn keep(&mut self, board: &Board, view: &View, signed: &SignedCommitment) -> Result<usize, RoleError> {
        let id = signed.commitment.id();
        let is_it = |kept: &Kept| kept.commitment == id;
        if !self.kept.iter().any(is_it) {
            tracing::info!(commitment = %id, "training this segment again, its checkpoints are not here");
            self.train(board, view, signed.commitment.slot)?;
        }
        self.kept.iter().position(is_it).ok_or(RoleError::State { what: "the segment that was committed to" })
    }

    /// Publishes, unasked, the states that the drawn units start from.
    fn publish(&mut self, board: &Board, view: &View) -> Result<(), RoleError> {
        let spec = &view.run.terms.spec;
        for (_, record, signed) in self.own(view) {
            let units = record.audit.iter().flat_map(|audit| &audit.units);
            let needed: Vec<Unit> =
                units.filter(|unit| !matches!(unit, Unit::Step(0) | Unit::Loss)).copied().collect();
            if needed.is_empty() || !record.is_open() {
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
        if view.progress.phase != Phase::Merging || standing {
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
        let witness = self.merge(board, view)?;
        let post: Vec<Words> = witness.post().into_iter().cloned().collect();
        let claim = BaseClaim {
            network: board.network(),
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

    /// Heights to wait before claiming a base, so that not every trainer does: by slot, those without one last.
    fn patience(&self, view: &View) -> u64 {
        let peer = self.identity.peer();
        let slots = view.round.iter().flat_map(|round| &round.slots);
        let at = slots.clone().position(|slot| slot.trainer == Some(peer)).unwrap_or(slots.count());
        // Whoever lies about bases is the first to claim one.
        let is_eager = self.strategy.is_some_and(|(strategy, _)| strategy == Strategy::WrongBase);
        if is_eager { 0 } else { 2 + 2 * at as u64 }
    }

    fn merge(&mut self, board: &Board, view: &View) -> Result<Witness, RoleError> {
        let conduct = self.conduct(view);
        let lineage = view.follow(&mut self.lineage, board, &self.identity.engine)?;
        let deltas = board.read(|state| state.accepted_deltas(&view.id, view.progress.round));
        let task = lineage.merge_task(&view.run.terms.spec, &board.blobs(), &deltas)?;
        let scalars = task.scalars();
        Ok(conducted(task, scalars, &self.identity.engine, conduct.as_ref()))
    }

    fn defend(&mut self, board: &Board, view: &View, due: &Due) -> Result<(), RoleError> {
        if !self.disputes.knows(due) {
            let docket = due.game.docket();
            let shards = self.shards.get(board, view)?;
            let witness = match &docket.claim {
                Claim::Base(_) => self.merge(board, view)?,
                Claim::Segment(signed) => {
                    let at = self.keep(board, view, signed)?;
                    self.rerun(view, &shards, at, docket.unit)?
                }
            };
            self.disputes.seat(due, witness, shards);
        }
        self.disputes.play(board, &self.identity.key, due)
    }

    /// Its own unit once more, as it was run: a trace is made only when somebody asks for it.
    fn rerun(
        &mut self,
        view: &View,
        shards: &[Vec<u8>],
        at: usize,
        unit: Unit,
    ) -> Result<Witness, RoleError> {
        let conduct = self.conduct(view);
        let kept = &self.kept[at];
        let spec = &view.run.terms.spec;
        let (beacon, round, slot, base) = (&kept.beacon, kept.round, kept.slot, &kept.base[..]);
        let at = Assignment { spec, beacon, round, slot, shards, base };
        let task = at.task(unit, kept.segment.before(unit), &kept.segment.lists);
        let task = task.ok_or(RoleError::State { what: "the disputed unit" })?;
        Ok(at.witness(task, &self.identity.engine, conduct.as_ref()))
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
            self.commit(board, &view, slot)?;
            return Ok(true);
        }
        self.post_base(board, &view)
    }
}
