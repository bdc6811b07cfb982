//! Following: a node that is behind asks several peers for ranges of blocks and applies them in order (W-2.8).
//!
//! ```text
//! ask 1..64 from A    ask 65..128 from B    ask 129..192 from A      at most six ranges on the way or waiting
//!      |                   |                     |
//! check signatures     check signatures      check signatures        on workers, beside each other
//!      `------ apply, in order, with certificates -----'             one at a time
//! ```
//!
//! A range that does not come or does not verify is asked for from somebody else; who sent it is named and blamed.

pub(super) mod range;
pub(super) mod window;

use super::refused::Refused;
use super::shared::Shared;
use super::wire::Tip;
use futures::StreamExt;
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use range::{Checked, Fetched};
use retrace_ledger::{BlockError, Height};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use window::{Order, Window};

/// How often the window is looked at without news.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long this node waits after a fault of its own.
const FAULT_PAUSE: Duration = Duration::from_secs(2);

/// What became of a range that was to be applied.
enum Ended {
    /// All blocks are applied.
    Applied,
    /// A block, or its certificate, does not follow from the chain: its sender is to blame.
    Unproved(BlockError),
    /// This node cannot apply blocks.
    Fault(BlockError),
}

type Applying = JoinHandle<(PeerId, Ended)>;

/// Follows for as long as the swarm runs.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut window = Window::new(shared.tip().height);
    let mut flights: FuturesUnordered<BoxFuture<'static, (Order, Fetched)>> = FuturesUnordered::new();
    let mut applying: Option<Applying> = None;
    let mut tips = shared.tip.subscribe();
    loop {
        let head = tips.borrow_and_update().height;
        window.pass(head);
        let known: Vec<(PeerId, Height)> =
            shared.book().tips().into_iter().map(|(peer, tip)| (peer, tip.height)).collect();
        while let Some(order) = window.order(&known, Instant::now()) {
            let shared = Arc::clone(&shared);
            flights.push(Box::pin(async move {
                let fetched = range::fetch(&shared, &order).await;
                (order, fetched)
            }));
        }
        if applying.is_none()
            && let Some((peer, blocks)) = window.take_ready(head)
        {
            applying = Some(apply(Arc::clone(&shared), peer, blocks));
        }
        tokio::select! {
            Some((order, fetched)) = flights.next() => land(&shared, &mut window, order, fetched),
            Some(ended) = OptionFuture::from(applying.as_mut()) => {
                applying = None;
                window.settled();
                settle(&shared, &mut window, ended.ok()).await;
            }
            () = shared.news.notified() => {}
            _ = tips.changed() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

fn land(shared: &Shared, window: &mut Window, order: Order, fetched: Fetched) {
    match fetched {
        Fetched::Blocks { blocks, bytes } => window.arrived(&order, blocks, bytes),
        Fetched::Missing => {
            shared.blame(order.peer, Refused::BlocksMissing);
            shared.book().doubt_tip(&order.peer, order.from);
            window.failed(&order, false, Instant::now());
        }
        Fetched::Nothing { is_late } => window.failed(&order, is_late, Instant::now()),
        Fetched::Lie(refused) => {
            tracing::warn!(peer = %order.peer, from = %order.from, %refused, "blocks are refused");
            shared.blame(order.peer, refused);
            window.failed(&order, false, Instant::now());
        }
    }
}

/// Applies a range, off the tasks of the swarm: the board waits for the disk.
fn apply(shared: Arc<Shared>, peer: PeerId, blocks: Vec<Checked>) -> Applying {
    tokio::task::spawn_blocking(move || {
        for Checked { block, certificate } in &blocks {
            shared.heard_height.fetch_max(block.header().height.0, Ordering::Relaxed);
            match shared.board.apply(block, certificate) {
                Ok(()) => {
                    shared.counters.blocks.inc();
                    shared.note_head(Tip { height: block.header().height, id: block.id() });
                }
                Err(error @ BlockError::Invalid(_)) => return (peer, Ended::Unproved(error)),
                Err(error) => return (peer, Ended::Fault(error)),
            }
        }
        (peer, Ended::Applied)
    })
}

async fn settle(shared: &Shared, window: &mut Window, ended: Option<(PeerId, Ended)>) {
    let head = shared.tip().height;
    match ended {
        Some((_, Ended::Applied)) => {}
        Some((peer, Ended::Unproved(error))) => {
            tracing::warn!(%peer, %error, height = head.0 + 1, "a block is refused");
            shared.blame(peer, Refused::BlockUnproved);
            window.distrust(peer, head);
        }
        Some((_, Ended::Fault(error))) => {
            tracing::error!(%error, "blocks of peers cannot be applied");
            window.restart(head);
            tokio::time::sleep(FAULT_PAUSE).await;
        }
        None => window.restart(head),
    }
}
