//! Fetches that are under way: whoever wants a blob that somebody fetches already waits for the same fetch.

use super::super::shared::Shared;
use super::fetch::{Fetch, FetchError};
use crate::home::{Source, Unfetched, Want};
use retrace_verifier::digest::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Fetches that may wait for their turn or for a source.
const JOBS_MAX: usize = 1024;
/// How often who waits looks whether the swarm still runs.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// First pause after nobody had a blob; each further one twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(800);

/// One fetch, and those who wait for it.
struct Job {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// When the last one gives up who waits.
    deadline: Instant,
    outcome: Option<Result<(), Unfetched>>,
}

/// All fetches.
pub(in super::super) struct Jobs {
    shared: Arc<Shared>,
    runtime: Handle,
    turns: Arc<Semaphore>,
    jobs: Arc<Mutex<BTreeMap<Digest, Arc<Job>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jobs {
    pub(in super::super) fn new(shared: Arc<Shared>, runtime: Handle) -> Jobs {
        let turns = Arc::new(Semaphore::new(shared.limits.fetches));
        Jobs { shared, runtime, turns, jobs: Arc::default() }
    }

    /// The runtime on which fetches run.
    pub(in super::super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The fetch of a blob, begun if there is none; none if there are too many.
    fn job(&self, want: &Want, deadline: Instant) -> Option<Arc<Job>> {
        let mut jobs = lock(&self.jobs);
        if let Some(job) = jobs.get(&want.name()) {
            let mut state = lock(&job.state);
            state.deadline = state.deadline.max(deadline);
            drop(state);
            return Some(Arc::clone(job));
        }
        if jobs.len() >= JOBS_MAX {
            return None;
        }
        let state = Mutex::new(State { deadline, outcome: None });
        let job = Arc::new(Job { state, ended: Condvar::new() });
        jobs.insert(want.name(), Arc::clone(&job));
        let (shared, turns, all) =
            (Arc::clone(&self.shared), Arc::clone(&self.turns), Arc::clone(&self.jobs));
        let (running, want) = (Arc::clone(&job), want.clone());
        self.runtime.spawn(async move {
            let outcome = running.run(&shared, &turns, &want).await;
            lock(&all).remove(&want.name());
            lock(&running.state).outcome = Some(outcome);
            running.ended.notify_all();
        });
        Some(job)
    }
}

impl Jobs {
    /// Waits for a fetch; one of a swarm that has stopped never ends.
    fn wait(&self, job: &Job, deadline: Instant) -> Result<(), Unfetched> {
        let mut state = lock(&job.state);
        loop {
            if let Some(outcome) = state.outcome {
                return outcome;
            }
            let left = deadline.saturating_duration_since(Instant::now()).min(LOOK_INTERVAL);
            if left.is_zero() || self.shared.has_stopped() {
                return Err(Unfetched);
            }
            state = job.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Source for Jobs {
    fn fetch(&self, want: &Want, patience: Duration) -> Result<(), Unfetched> {
        let deadline = Instant::now() + patience;
        let job = self.job(want, deadline).ok_or(Unfetched)?;
        let fetched = self.wait(&job, deadline);
        if fetched.is_err() {
            self.shared.counters.unfetched.inc();
        }
        fetched
    }
}

impl Job {
    fn is_over(&self) -> bool {
        Instant::now() >= lock(&self.state).deadline
    }

    /// Asks around until the blob is here or nobody waits any more. Those who lied are not asked again.
    async fn run(&self, shared: &Arc<Shared>, turns: &Semaphore, want: &Want) -> Result<(), Unfetched> {
        let mut refused = BTreeSet::new();
        let mut pause = PAUSE_FIRST;
        loop {
            // Somebody else may have put it there meanwhile.
            if shared.board.blobs().has(&want.name()) {
                return Ok(());
            }
            let Ok(turn) = turns.acquire().await else { return Err(Unfetched) };
            let fetched = Fetch::new(shared, want, &mut refused).run().await;
            drop(turn);
            match fetched {
                Ok(()) => {
                    shared.counters.fetched.inc();
                    return Ok(());
                }
                Err(FetchError::Nobody) if !self.is_over() => {}
                Err(FetchError::Nobody) => return Err(Unfetched),
                Err(FetchError::Disk(error)) => {
                    tracing::error!(blob = %want.name(), %error, "a fetched blob cannot be written");
                    return Err(Unfetched);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}
