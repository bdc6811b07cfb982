//! `GET /v1/runs`: all runs, by id, and where each stands.

use crate::rpc::asked::{AFTER, Asked, LIMIT};
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Phase, State};
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunHead {
    /// Its id.
    pub id: String,
    /// Who pays.
    pub sponsor: String,
    /// opening, training, drawing, auditing, merging, closing or finished.
    pub phase: String,
    /// The current round, from 0.
    pub round: u32,
    /// Rounds of the run.
    pub rounds: u32,
    /// Slots of a round.
    pub slots: u16,
    /// Steps of a segment.
    pub steps: u32,
    /// Root of the accepted base: the run's head.
    pub checkpoint_root: String,
    /// Root of the newest base under it that nothing can return behind: all that it was made from is verified.
    pub clean_root: String,
    /// The oldest round that is not over.
    pub oldest_round: u32,
    /// What is left of the sponsor's value.
    pub escrow: u64,
    /// Height at which it was opened.
    pub opened_at: u64,
    /// True while its circuit breaker defers slashes: nothing is merged or settled.
    pub breaker_on: bool,
}

/// Runs, by id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Runs {
    /// The runs.
    pub runs: Vec<RunHead>,
    /// The `after` of the next page; none at the end.
    pub next: Option<String>,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/runs", "All runs, by id, and where each stands", &[LIMIT, AFTER], look)
}

/// A phase in a word.
pub(in crate::rpc) fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Opening(_) => "opening",
        Phase::Training => "training",
        Phase::Drawing(_) => "drawing",
        Phase::Auditing => "auditing",
        Phase::Merging => "merging",
        Phase::Closing => "closing",
        Phase::Finished => "finished",
    }
}

/// Where a run stands, as the door says it.
pub(in crate::rpc) fn head_words(state: &State, id: &Digest, run: &retrace_ledger::Run) -> Option<RunHead> {
    let progress = state.progress(id)?;
    let spec = &run.terms.spec;
    Some(RunHead {
        id: id.to_string(),
        sponsor: run.sponsor.to_string(),
        phase: phase_word(&progress.phase).into(),
        round: progress.round,
        rounds: spec.rounds,
        slots: spec.slots,
        steps: spec.steps,
        checkpoint_root: progress.base.to_string(),
        clean_root: state.clean_base(id)?.0.to_string(),
        oldest_round: progress.oldest,
        escrow: progress.escrow.0,
        opened_at: run.opened_at.0,
        breaker_on: state.is_breaker_on(id),
    })
}

fn look(door: &Door, asked: &Asked) -> Result<Runs, Refused> {
    let page = asked.page()?;
    let after = page.after_digest()?;
    let mut runs: Vec<RunHead> = door.board.read(|state| {
        let later = state.runs().skip_while(|(id, _)| Some(*id) <= after);
        later.take(page.limit + 1).filter_map(|(id, run)| head_words(state, &id, run)).collect()
    });
    let more = runs.len() > page.limit;
    runs.truncate(page.limit);
    let next = runs.last().filter(|_| more).map(|run| run.id.clone());
    Ok(Runs { runs, next })
}
