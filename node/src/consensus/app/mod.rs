//! What the engine asks for: blocks to propose, verdicts on those of others, and the next height (W-1.4 to W-1.6).

mod decide;
mod propose;
mod receive;
mod watch;

use super::assembly::{Assembled, Assembly};
use super::context::{Address, Height, Retrace, Timeouts, ValidatorSet};
use super::engine::Engine;
use super::kept::Kept;
use super::peers::Doorkeeper;
use super::shares::Shares;
use super::supervise::Shared;
use super::{ConsensusError, Ledger, ValidatorKeys};
use malachite_app_channel::app::consensus::VoteExtensionError;
use malachite_app_channel::app::engine::host::{HeightParams, Next};
use malachite_app_channel::{AppMsg, NetworkMsg, Reply};
use retrace_ledger::{BlockError, Signed, Transaction};
use retrace_verifier::digest::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, mpsc, watch as signal};
use watch::Watch;

/// How often the app looks after itself.
const TICK: Duration = Duration::from_secs(1);

/// How an engine's time ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We were asked to stop.
    Stopped,
    /// The engine ended by itself.
    Ended,
    /// The height did not move while others went on.
    Stalled {
        /// The highest height that a peer voted at.
        seen: u64,
    },
    /// The ledger went on without the engine: somebody else brought its blocks.
    Overtaken,
    /// The ledger has the height from which this validator votes again.
    CaughtUp,
}

/// What the engine waits for.
enum Waiting {
    /// The first height: it may begin once enough validators are connected, or at this time.
    First { reply: Reply<(Height, HeightParams<Retrace>)>, until: Instant },
    /// The next height, which we propose: held back for the pace.
    Next { reply: Reply<Next<Retrace>>, admitted: broadcast::Receiver<Arc<Signed<Transaction>>> },
}

/// The app behind one engine.
pub struct App {
    ledger: Arc<dyn Ledger>,
    keys: ValidatorKeys,
    own: Address,
    network: Digest,
    kept: Kept,
    assembly: Assembly,
    shares: Shares,
    /// Whole blocks of heights after the next.
    held: Vec<Assembled>,
    /// Blocks of this height that the engine knows, and since when.
    told: BTreeMap<Digest, Instant>,
    waiting: Option<Waiting>,
    /// When the last decided block was first seen here: about the time in its header.
    anchor: Instant,
    /// The height that came from peers as a whole.
    synced: u64,
    doorkeeper: Doorkeeper,
    to_network: mpsc::Sender<NetworkMsg<Retrace>>,
    shared: Arc<Shared>,
    watch: Watch,
}

impl App {
    /// An app over a ledger and the blocks kept on disk.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        keys: ValidatorKeys,
        kept: Kept,
        doorkeeper: Doorkeeper,
        engine: &Engine,
        shared: Arc<Shared>,
    ) -> App {
        let own = Address(retrace_verifier::signature::peer_key(&keys.consensus));
        App {
            network: ledger.network(),
            own,
            keys,
            kept,
            assembly: Assembly::default(),
            shares: Shares::default(),
            held: Vec::new(),
            told: BTreeMap::new(),
            waiting: None,
            anchor: Instant::now(),
            synced: 0,
            doorkeeper,
            to_network: engine.channels.network.clone(),
            watch: Watch::new(ledger.head().height.0, engine.sits_out, &engine.channels.events),
            ledger,
            shared,
        }
    }

    /// Answers the engine until one of them ends.
    pub async fn run(
        &mut self,
        from_engine: &mut mpsc::Receiver<AppMsg<Retrace>>,
        mut stop: signal::Receiver<bool>,
    ) -> Result<Ending, ConsensusError> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = asked(&mut stop) => return Ok(Ending::Stopped),
                message = from_engine.recv() => match message {
                    Some(message) => self.answer(message).await?,
                    None => return Ok(Ending::Ended),
                },
                () = patience(&mut self.waiting, self.anchor, self.ledger.as_ref()) => self.wake().await,
                _ = tick.tick() => {
                    let connected = self.doorkeeper.connected().await;
                    if let Some(ending) = self.look(connected.len()) {
                        return Ok(ending);
                    }
                }
            }
        }
    }

    async fn answer(&mut self, message: AppMsg<Retrace>) -> Result<(), ConsensusError> {
        // Who has dropped its end of a reply does not want it any more.
        match message {
            AppMsg::ConsensusReady { reply } => self.on_ready(reply),
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                drop(reply_value.send(self.on_round(height, round)?));
            }
            AppMsg::GetValue { height, round, reply, .. } => self.on_get_value(height, round, reply).await?,
            AppMsg::ExtendVote { reply, .. } => drop(reply.send(None)),
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                // No height asks for extensions: whatever comes as one is none of ours.
                let refused = |(address, ())| (address, Err(VoteExtensionError::InvalidVoteExtension));
                drop(reply.send(extensions.into_iter().map(refused).collect()));
            }
            AppMsg::RestreamProposal { height, round, valid_round, value_id, .. } => {
                self.on_restream(height, round, valid_round, value_id).await;
            }
            AppMsg::GetHistoryMinHeight { reply } => drop(reply.send(Height(1))),
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                drop(reply.send(self.on_part(published_by.unwrap_or(from), part)?));
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.on_decided(&certificate).await?;
                // Nobody waits for this any more if the engine is ending.
                let _ = reply.send(());
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.on_finalized(certificate.height, &evidence, reply);
            }
            AppMsg::GetDecidedValues { range, reply } => drop(reply.send(self.on_get_decided(range)?)),
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                drop(reply.send(self.on_synced(height, round, proposer, &value_bytes)?));
            }
        }
        Ok(())
    }

    /// What the engine is told of a height when it begins.
    fn parameters(&self) -> (Height, ValidatorSet, HeightParams<Retrace>) {
        let (head, set) = self.ledger.standing();
        let set = ValidatorSet::of(&set);
        // The engine waits this long for late votes before it ends a height: they may be evidence.
        let target = Some(super::context::INTERVAL);
        (Height(head.height.after(1).0), set.clone(), HeightParams::new(set, Timeouts, target))
    }

    fn ledger_error(&self, reason: BlockError) -> ConsensusError {
        ConsensusError::Ledger { height: self.ledger.head().height.0, reason }
    }
}

/// Ends when we are asked to stop, or when nobody is left who could ask.
async fn asked(stop: &mut signal::Receiver<bool>) {
    drop(stop.wait_for(|is_asked| *is_asked).await);
}

/// Ends when it is worth looking again at what the engine waits for; never, if it waits for nothing.
async fn patience(waiting: &mut Option<Waiting>, anchor: Instant, ledger: &dyn Ledger) {
    /// How often connections are counted before the first height.
    const LOOK: Duration = Duration::from_millis(100);
    match waiting {
        None => std::future::pending().await,
        Some(Waiting::First { until, .. }) => {
            tokio::time::sleep(until.saturating_duration_since(Instant::now()).min(LOOK)).await;
        }
        Some(Waiting::Next { admitted, .. }) => {
            let has_pending = ledger.has_pending();
            let Some(left) = super::pace::hold(anchor, Instant::now(), has_pending) else { return };
            let until = tokio::time::sleep(left);
            tokio::pin!(until);
            loop {
                tokio::select! {
                    () = &mut until => return,
                    news = admitted.recv(), if !has_pending => {
                        // A ledger that has closed its channel is about to stop; only time is left to wait for.
                        if matches!(news, Err(broadcast::error::RecvError::Closed)) {
                            (&mut until).await;
                        }
                        return;
                    }
                }
            }
        }
    }
}

/// Runs what may block on the disk or compute for long without holding up the other tasks of this thread.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
