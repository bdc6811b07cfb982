//! A merged commitment is proved wrong: what was made from it ends, and the run goes on from where it was clean (L-5.19).

use super::record::{ClaimStatus, Round, Taint};
use crate::amount::Height;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::digest::Digest;

impl State {
    /// The rounds whose merges lead from a run's initial base to the one that `parent` made, ascending.
    pub fn ancestry(&self, run: &Digest, parent: Option<u32>) -> Vec<u32> {
        let mut rounds: Vec<u32> = self.ancestors(run, parent).collect();
        rounds.reverse();
        rounds
    }

    /// The newest base that a run's head descends from and that nothing can return behind: its root, and the round whose
    /// merge made it (L-5.18).
    pub fn clean_base(&self, run: &Digest) -> Option<(Digest, Option<u32>)> {
        let progress = self.progress.get(run)?;
        let (mut base, mut parent) = (progress.base, progress.parent);
        while let Some(round) = parent.filter(|round| *round >= progress.oldest) {
            let round = self.rounds.get(&(*run, round))?;
            (base, parent) = (round.base, round.parent);
        }
        Some((base, parent))
    }

    /// True for a round whose merge nothing goes on from: it is tainted, or a commitment that it merges was convicted.
    pub fn is_dead(&self, run: &Digest, round: u32) -> bool {
        let is_convicted = |claim: &Digest| {
            let record = self.claims.get(claim);
            record.is_some_and(|record| matches!(record.status, ClaimStatus::Convicted { .. }))
        };
        let is_dead = |round: &Round| round.taint.is_some() || round.merged.iter().any(is_convicted);
        self.rounds.get(&(*run, round)).is_some_and(is_dead)
    }

    /// True if a base that `parent` made descends from the merge of `round`.
    fn descends(&self, run: &Digest, parent: Option<u32>, round: u32) -> bool {
        self.ancestors(run, parent).take_while(|at| *at >= round).any(|at| at == round)
    }

    /// `parent` and the rounds whose merges led to it, descending: a parent is always an earlier round, so this ends.
    fn ancestors(&self, run: &Digest, parent: Option<u32>) -> impl Iterator<Item = u32> {
        std::iter::successors(parent, move |round| self.rounds.get(&(*run, *round))?.parent)
    }
}

/// Taints what was made from a convicted commitment, if its round had accepted it into a merge.
pub(super) fn taint(stage: &mut Stage<'_>, claim: &Digest) -> Result<(), Fault> {
    let record = stage.state.claims.want(claim)?;
    let (run, round) = (record.run, record.round);
    let accused_at = record.accused_at.unwrap_or(stage.now.height);
    let source = stage.state.rounds.want(&(run, round))?;
    if !source.merged.contains(claim) {
        return Ok(());
    }
    let (base, parent) = (source.base, source.parent);
    let mut progress = *stage.state.progress.want(&run)?;
    let later = round.saturating_add(1)..=progress.round;
    let is_tainted = |at: &u32| {
        let at = stage.state.rounds.get(&(run, *at));
        at.is_some_and(|at| stage.state.descends(&run, at.parent, round))
    };
    let rounds: Vec<u32> = later.filter(is_tainted).collect();
    for at in &rounds {
        stage.state.rounds.change(&(run, *at), |tainted| mark(tainted, *claim, accused_at))?;
    }
    if stage.state.descends(&run, progress.parent, round) {
        (progress.base, progress.parent) = (base, parent);
        stage.state.progress.put(run, progress);
    }
    stage.say(Event::Tainted { run, claim: *claim, round, rounds, accused_at, head: progress.base });
    Ok(())
}

/// What is tainted twice is accused since the earlier accusation.
fn mark(round: &mut Round, by: Digest, accused_at: Height) {
    let by = round.taint.map_or(by, |earlier| earlier.by);
    let accused_at = round.taint.map_or(accused_at, |earlier| earlier.accused_at.min(accused_at));
    round.taint = Some(Taint { by, accused_at });
}
