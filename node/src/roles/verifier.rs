//! A verifier: replays drawn units, says what it found, disputes what is wrong, and settles what is right.

use super::accuse::{self, Step};
use super::disputes::{Disputes, Due};
use super::lineage::Lineages;
use super::{Basis, Identity, Lineage, Role, RoleError, Shards, View};
use crate::home::BlobError;
use crate::network::Board;
use crate::strategy::{Strategy, TestNetwork};
use retrace_ledger::{
    Audit, Body, ClaimRecord, ClaimStatus, Dispute, Role as AccountRole, Seal, Settle, State, Timeout,
    Verdict, VerdictResult, drawn_verifiers,
};
use retrace_model::program::first_state;
use retrace_model::{RunSpec, Workspace};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Opening};
use retrace_verifier::segment::{Assignment, Claimed, Conduct, Honest};
use retrace_verifier::state::StateKind;
use retrace_verifier::{Rerun, Trace, Unit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A verifier's state.
pub struct Verifier {
    identity: Identity,
    shards: Shards,
    lineages: Lineages,
    disputes: Disputes,
    /// Buffers of the last step that it judged: with fresh ones a step takes half as long again.
    workspace: Workspace,
    /// How it lies, with the proof that this is a test network; honest without one.
    strategy: Option<(Strategy, TestNetwork)>,
    /// Claims that it disputed since it was started.
    accused: BTreeSet<Digest>,
}

impl Verifier {
    /// A verifier that has judged nothing yet.
    pub fn new(identity: Identity) -> Verifier {
        Verifier {
            identity,
            shards: Shards::default(),
            lineages: Lineages::default(),
            disputes: Disputes::default(),
            workspace: Workspace::default(),
            strategy: None,
            accused: BTreeSet::new(),
        }
    }

    /// A verifier that lies, on a test network; honest for the strategy of another role.
    pub fn lying(self, strategy: Option<(Strategy, TestNetwork)>) -> Verifier {
        let strategy = strategy.filter(|(strategy, _)| strategy.role() == AccountRole::Verifier);
        Verifier { strategy, ..self }
    }

    /// Replays a unit from public bytes alone.
    fn replay(
        &mut self,
        board: &Board,
        basis: &Basis,
        claim: &Claim,
        unit: Unit,
        conduct: Arc<dyn Conduct>,
    ) -> Result<Replay, RoleError> {
        let lineage = basis.follow(&mut self.lineages, board, &self.identity.engine)?;
        match claim {
            Claim::Base(signed) => {
                let task = lineage.merge_task(&basis.spec, &board.blobs(), basis.round, &basis.deltas)?;
                let scalars = task.scalars();
                let trace = Rerun::new(task, scalars, &self.identity.engine, conduct);
                let claimed = Claimed { post: Some(signed.claim.root), batch: None, loss: None };
                Ok(Replay { claimed, trace, opening: Opening::Nothing })
            }
            Claim::Segment(signed) => self.replay_segment(board, basis, &lineage, signed, unit, conduct),
        }
    }

    fn replay_segment(
        &mut self,
        board: &Board,
        basis: &Basis,
        lineage: &Lineage,
        signed: &SignedCommitment,
        unit: Unit,
        conduct: Arc<dyn Conduct>,
    ) -> Result<Replay, RoleError> {
        let (spec, c) = (&basis.spec, &signed.commitment);
        let blobs = board.blobs();
        let lists = blobs.lists(&c.lists)?;
        if !lists.belong_to(c, spec.steps) {
            // Lists that are not the commitment's are not there: availability, never fraud.
            return Err(BlobError::Missing { name: c.lists }.into());
        }
        let before = |at: u32| lists.step_roots.get(at as usize).copied();
        let root = match unit {
            Unit::Step(step) => step.checked_sub(1).and_then(before),
            Unit::Delta => before(spec.steps - 1),
            Unit::Loss | Unit::Merge => None,
        };
        let pre = match (root, unit) {
            (Some(root), _) => blobs.tensors(StateKind::Inner, spec, &root)?,
            (None, Unit::Step(_)) => first_state(spec, &lineage.base),
            (None, _) => Vec::new(),
        };
        let missing = || RoleError::State { what: "the drawn unit" };
        let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
        let (round, slot, base) = (c.round, c.slot, &lineage.base[..]);
        let at = Assignment { spec, beacon: &basis.beacon, round, slot, shards: &shards, base };
        let task = at.task(unit, &pre, &lists).ok_or_else(missing)?;
        let engine = &self.identity.engine;
        // A delta or a loss has other buffers, and few: those of the step would be forgotten.
        let trace = match unit {
            Unit::Step(_) => at.rerun_in(&mut self.workspace, task, engine, conduct),
            _ => at.rerun(task, engine, conduct),
        };
        let claimed = Claimed::of(c, &lists, unit).ok_or_else(missing)?;
        Ok(Replay { claimed, trace, opening: lists.opening(unit).ok_or_else(missing)? })
    }

    /// How its player runs a unit that it disputes.
    fn conduct(&self, spec: &RunSpec) -> Arc<dyn Conduct> {
        match self.strategy {
            Some((strategy, proof)) => strategy.conduct(proof, spec),
            None => Arc::new(Honest),
        }
    }

    /// Drawn units without this verifier's verdict.
    fn unjudged(&self, board: &Board, view: &View) -> Vec<(Digest, ClaimRecord, Unit)> {
        let peer = self.identity.peer();
        let mut found = Vec::new();
        for (claim, record) in &view.claims {
            for unit in drawn_units(record) {
                let judged = board.read(|s| s.verdicts_of(claim, unit).iter().any(|v| v.verifier == peer));
                if !judged && record.signer() != peer {
                    found.push((*claim, record.clone(), unit));
                }
            }
        }
        found
    }

    /// Gives one verdict, or none while the bytes for every unit are still missing.
    fn judge(&mut self, board: &Board, view: &View) -> Result<bool, RoleError> {
        let unjudged = self.unjudged(board, view);
        for (claim, record, unit) in unjudged {
            let basis = Basis::of_round(view, board, record.round)?;
            let replay = self.replay(board, &basis, &record.claim, unit, Arc::new(Honest));
            let Some(replay) = once_here(replay)? else { continue };
            let is_match = replay.claimed == Claimed::replayed(&replay.trace);
            if !is_match && self.seal_first(board, view, &claim, &record, unit) {
                return Ok(true);
            }
            let result = if is_match { VerdictResult::Match } else { VerdictResult::Mismatch };
            let trace_root = replay.trace.outline().trace_root();
            board.submit(&self.identity.key, Body::Verdict(Verdict { claim, unit, result, trace_root }));
            return Ok(true);
        }
        Ok(false)
    }

    /// A verdict that it was not drawn for is no accusation, but tells everybody of one: it is sealed before. False
    /// where nothing is left to seal, and where an accusation of the claim was made: an account holds few seals.
    fn seal_first(
        &self,
        board: &Board,
        view: &View,
        claim: &Digest,
        record: &ClaimRecord,
        unit: Unit,
    ) -> bool {
        let (key, peer) = (&self.identity.key, self.identity.peer());
        let verdicts_min = view.run.terms.verdicts_min;
        let drawn = record.audit.as_ref().map(|audit| drawn_verifiers(audit, claim, unit, verdicts_min));
        if drawn.is_some_and(|drawn| drawn.contains(&peer)) {
            return false;
        }
        let has_accused = |state: &State| accuse::wrong(state, &peer, claim, &drawn_units(record)).is_some();
        if board.read(has_accused) {
            return false;
        }
        let step = board.read(|state| {
            let next = state.now().ok()?.moment().height.after(1);
            Some(accuse::sealed(state.seals(&peer), next, key, claim, unit))
        });
        let Some(Step::Seal(seal)) = step else { return false };
        board.submit(key, Body::Seal(Seal { seal })).is_some()
    }

    /// Disputes the first unit of a claim that this verifier found wrong, whoever else disputes the claim.
    fn dispute(&mut self, board: &Board, view: &View) -> Result<bool, RoleError> {
        for (claim, record) in &view.claims {
            let units = drawn_units(record);
            let key = &self.identity.key;
            let due = board.read(|state| accuse::due(state, key, claim, record, &units));
            let due = due.or_else(|| self.falsely(board, claim, record));
            let Some((unit, step)) = due else { continue };
            let salt = match step {
                Step::Dispute(salt) => salt,
                Step::Seal(seal) => match board.submit(key, Body::Seal(Seal { seal })) {
                    Some(_) => return Ok(true),
                    None => continue,
                },
            };
            let basis = Basis::of_round(view, board, record.round)?;
            let replay = self.replay(board, &basis, &record.claim, unit, Arc::new(Honest));
            let Some(replay) = once_here(replay)? else { continue };
            let body = Dispute { claim: *claim, unit, opening: replay.opening, salt };
            if board.submit(&self.identity.key, Body::Dispute(Box::new(body))).is_some() {
                self.accused.insert(*claim);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a false challenger disputes though nothing is wrong: a drawn unit of every claim, once, by a seal.
    fn falsely(&self, board: &Board, claim: &Digest, record: &ClaimRecord) -> Option<(Unit, Step)> {
        let (key, peer) = (&self.identity.key, self.identity.peer());
        let may = self.strategy.is_some() && !self.accused.contains(claim) && record.signer() != peer;
        let unit = drawn_units(record).into_iter().next().filter(|_| may)?;
        board.read(|state| {
            let next = state.now().ok()?.moment().height.after(1);
            Some((unit, accuse::sealed(state.seals(&peer), next, key, claim, unit)))
        })
    }

    fn challenge(&mut self, board: &Board, due: &Due) -> Result<bool, RoleError> {
        if let Some(taken) = Disputes::said(board, &self.identity.key, due)? {
            return Ok(taken);
        }
        if !self.disputes.knows(due) {
            let docket = due.game.docket();
            let basis = Basis::of_facts(&docket.facts, &docket.claim);
            let conduct = self.conduct(&basis.spec);
            let replay = self.replay(board, &basis, &docket.claim, docket.unit, conduct);
            let trace =
                once_here(replay)?.ok_or(RoleError::State { what: "the disputed unit's bytes" })?.trace;
            let shards = self.shards.get(board, &basis.run, &basis.manifest)?;
            self.disputes.seat(board, due, trace, shards)?;
            // A player's moves have buffers of their own: there is no need for both.
            self.workspace = Workspace::default();
        }
        self.disputes.play(board, &self.identity.key, due)
    }

    /// Answers the first dispute that can be answered.
    fn answer(&mut self, board: &Board) -> Result<bool, RoleError> {
        let due = self.disputes.due(board, &self.identity.peer());
        Disputes::first_of(due, |due| self.challenge(board, due))
    }

    /// Everything that is not a move, in the oldest run that goes on.
    fn work(&mut self, board: &Board) -> Result<bool, RoleError> {
        let Some(view) = board.read(View::of) else {
            self.workspace = Workspace::default();
            return Ok(false);
        };
        let acted = self.tidy(board, &view) || self.dispute(board, &view)? || self.judge(board, &view)?;
        Ok(acted)
    }

    /// Settles the first claim that the rules let settle, and ends disputes whose clock ran out.
    fn tidy(&mut self, board: &Board, view: &View) -> bool {
        let body = board.read(|state| {
            let now = state.now().ok()?.moment();
            for (claim, record) in &view.claims {
                for id in &record.disputes {
                    if state.timed_out(id, now).is_ok() {
                        return Some(Body::Timeout(Timeout { dispute: *id }));
                    }
                }
                if state.settlement(claim, now).is_ok() {
                    return Some(Body::Settle(Settle { claim: *claim }));
                }
            }
            None
        });
        let found = body.is_some();
        if let Some(body) = body {
            board.submit(&self.identity.key, body);
        }
        found
    }
}

/// A replay beside what was claimed, with the list elements that a dispute needs.
struct Replay {
    claimed: Claimed,
    trace: Rerun,
    opening: Opening,
}

/// None while bytes are not there yet, of a unit or of what its base was made from: on another branch they may be.
fn once_here(replay: Result<Replay, RoleError>) -> Result<Option<Replay>, RoleError> {
    match replay {
        Err(error) if error.is_waiting() => Ok(None),
        other => other.map(Some),
    }
}

/// Drawn units of a claim that can still be judged.
fn drawn_units(record: &ClaimRecord) -> Vec<Unit> {
    let open = record.status == ClaimStatus::Open;
    record.audit.as_ref().filter(|_| open).map_or(Vec::new(), |audit: &Audit| audit.units.clone())
}

impl Role for Verifier {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn act(&mut self, board: &Board) -> Result<bool, RoleError> {
        let answered = self.answer(board);
        Disputes::before(answered, || self.work(board))
    }
}
