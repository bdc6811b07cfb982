//! Starts the engine, looks after it and starts it anew where that is safe (W-1.8).

use super::app::{App, Ending};
use super::context::Address;
use super::engine::Engine;
use super::kept::Kept;
use super::peers::Doorkeeper;
use super::sign_state::SignState;
use super::signer::Gate;
use super::{ConsensusConfig, ConsensusError, Ledger, ValidatorKeys};
use retrace_verifier::signature::peer_key;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Engines that may end in a row at one height before we give up.
const ENDINGS_MAX: u32 = 8;
/// Pause before an engine is started again; it doubles with each one that ended at the same height.
const PAUSE: Duration = Duration::from_millis(250);
/// Attempts to start an engine: the one before may still hold its log for a moment.
const ATTEMPTS: u32 = 12;
/// Seconds without a block after which a node that is no validator asks validators itself.
const IDLE: u32 = 10;
/// Time that an engine has to end.
const END: Duration = Duration::from_secs(3);

/// What consensus is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsensusStatus {
    /// The height being decided; 0 before the first one.
    pub height: u64,
    /// The round of it.
    pub round: u32,
    /// The last height decided here.
    pub decided: u64,
    /// Validators connected.
    pub peers: usize,
    /// Engines started after the first.
    pub restarts: u32,
}

/// The status, shared between the app and whoever asks.
#[derive(Default)]
pub struct Shared(Mutex<ConsensusStatus>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ConsensusStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round begins; true if it is the first that we hear of its height.
    pub fn begin(&self, height: u64, round: u32) -> bool {
        let mut status = self.lock();
        let is_new = status.height != height;
        (status.height, status.round) = (height, round);
        is_new
    }

    /// A height is decided.
    pub fn decided(&self, height: u64) {
        self.lock().decided = height;
    }

    /// Counts peers; gives the height being decided.
    pub fn look(&self, peers: usize) -> u64 {
        let mut status = self.lock();
        status.peers = peers;
        status.height
    }
}

/// Consensus, running.
pub struct Running {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), ConsensusError>>,
}

impl Running {
    /// What it is doing.
    pub fn status(&self) -> ConsensusStatus {
        *self.shared.lock()
    }

    /// True once it has ended, whatever the reason.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it: nothing is signed or applied any more when this returns. Gives why it had ended before, if it had.
    pub async fn stop(self) -> Result<(), ConsensusError> {
        // Nobody hears it if it is over already.
        let _ = self.stop.send(true);
        match self.task.await {
            Ok(ended) => ended,
            Err(error) => Err(ConsensusError::Engine { reason: error.to_string() }),
        }
    }
}

/// What all engines of a process have in common.
struct Parts {
    ledger: Arc<dyn Ledger>,
    keys: ValidatorKeys,
    config: ConsensusConfig,
    gate: Gate,
    shared: Arc<Shared>,
}

/// Starts consensus on the runtime of the caller, which must have more than one thread.
pub async fn start(
    ledger: Arc<dyn Ledger>,
    keys: ValidatorKeys,
    config: ConsensusConfig,
) -> Result<Running, ConsensusError> {
    let io = |source| ConsensusError::Io { path: config.folder.clone(), source };
    std::fs::create_dir_all(&config.folder).map_err(io)?;
    let network = ledger.network();
    let state = SignState::open(&config.folder.join("signed"), network)?;
    let gate = Gate::new(network, Address(peer_key(&keys.consensus)), state);
    let parts = Parts { ledger, keys, config, gate, shared: Arc::default() };
    let engine = parts.engine().await?;
    let shared = Arc::clone(&parts.shared);
    let (stop, asked) = watch::channel(false);
    let task = tokio::spawn(async move {
        let ended = parts.supervise(engine, asked).await;
        if let Err(error) = &ended {
            parts.ledger.cannot_go_on(&error.to_string());
        }
        ended
    });
    Ok(Running { shared, stop, task })
}

impl Parts {
    async fn engine(&self) -> Result<Engine, ConsensusError> {
        let mut attempt = 1;
        loop {
            match Engine::start(&self.config, &self.keys, self.gate.clone(), self.sits_out()).await {
                Err(error) if attempt == ATTEMPTS || matches!(error, ConsensusError::Address { .. }) => {
                    return Err(error);
                }
                Err(error) => tracing::debug!(%error, attempt, "the engine does not start yet"),
                Ok(engine) => return Ok(engine),
            }
            attempt += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The height that the ledger must have before we vote; 0 if it has it.
    fn sits_out(&self) -> u64 {
        let height = self.gate.sits_out();
        if self.ledger.head().height.0 >= height { 0 } else { height }
    }

    async fn supervise(
        &self,
        mut engine: Engine,
        mut asked: watch::Receiver<bool>,
    ) -> Result<(), ConsensusError> {
        let (mut times, mut height) = (0, u64::MAX);
        loop {
            let ending = self.serve(engine, asked.clone()).await?;
            let status = *self.shared.lock();
            let head = self.ledger.head().height.0;
            match &ending {
                Ending::Stopped => return Ok(()),
                // The ledger went on: that is progress, and no failure.
                Ending::Overtaken | Ending::CaughtUp => times = 0,
                _ if head != height => times = 1,
                _ => times += 1,
            }
            height = head;
            tracing::warn!(?ending, head, ?status, times, "the consensus engine is started again");
            if times > ENDINGS_MAX {
                return Err(ConsensusError::Restarts { times, height, reason: format!("{ending:?}") });
            }
            tokio::select! {
                () = self.rest(&ending, times) => {}
                _ = asked.changed() => return Ok(()),
            }
            engine = self.engine().await?;
            self.shared.lock().restarts += 1;
        }
    }

    /// A pause before the next engine. Who is no validator, and has others who bring its blocks, needs none.
    async fn rest(&self, ending: &Ending, times: u32) {
        tokio::time::sleep(PAUSE * (1 << times.min(5))).await;
        let own = peer_key(&self.keys.consensus);
        let (mut height, mut idle) = (0, 0);
        while *ending == Ending::Overtaken && idle < IDLE {
            let (head, set) = self.ledger.standing();
            if set.by_consensus(&own).is_some() {
                return;
            }
            idle = if head.height.0 == height { idle + 1 } else { 0 };
            height = head.height.0;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Answers one engine until it ends, and sees to it that all of it has ended.
    async fn serve(&self, engine: Engine, asked: watch::Receiver<bool>) -> Result<Ending, ConsensusError> {
        let folder = self.config.folder.join("proposals");
        let kept = Kept::open(&folder, self.ledger.head().height.0);
        let kept = kept.map_err(|source| ConsensusError::Io { path: folder, source })?;
        let requests = engine.channels.net_requests.clone();
        let own = self.keys.node.verifying_key().to_bytes();
        let doorkeeper = Doorkeeper::new(requests, &self.config.peers, &own);
        let (ledger, keys, shared) = (Arc::clone(&self.ledger), self.keys.clone(), Arc::clone(&self.shared));
        let mut app = App::new(ledger, keys, kept, doorkeeper, &engine, shared);
        let Engine { mut channels, handle, .. } = engine;
        let ending = app.run(&mut channels.consensus, asked).await;
        // Whatever still waits for an answer gets none: only then can it end.
        drop((app, channels));
        if matches!(ending, Ok(Ending::Ended)) && !is_over(&handle.handle).await {
            // Its supervisor lives on without the others: that is how it says that going on may contradict its log.
            let height = self.shared.lock().height;
            end(handle).await;
            return Err(ConsensusError::Unsafe { height });
        }
        end(handle).await;
        ending
    }
}

async fn is_over(task: &JoinHandle<()>) -> bool {
    for _ in 0..20 {
        if task.is_finished() {
            return true;
        }
        tokio::time::sleep(END / 20).await;
    }
    false
}

async fn end(handle: malachite_app_channel::EngineHandle) {
    let reason = || Some("consensus is stopped".to_owned());
    handle.actor.get_cell().stop_children_and_wait(reason(), Some(END)).await;
    if !handle.handle.is_finished() {
        // It may end by itself in this moment, which is what we want.
        drop(handle.actor.stop_and_wait(reason(), Some(END)).await);
    }
}
