//! How far the chain and the run are, asked of the nodes on a thread of its own: a node that hangs delays nothing else.

use crate::rpc::client::Client;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the nodes are asked.
const PAUSE: Duration = Duration::from_millis(250);

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// Height of the chain.
    pub height: u64,
    /// Round of the run.
    pub round: Option<u32>,
}

#[derive(Debug, Default)]
struct Shared {
    urls: Mutex<Vec<String>>,
    tip: Mutex<Tip>,
    stopped: AtomicBool,
}

/// A thread that asks; it ends when this is dropped.
#[derive(Debug)]
pub struct TipWatch(Arc<Shared>);

impl TipWatch {
    /// Asks these nodes from now on, one after the other until one answers.
    pub fn start(urls: Vec<String>, run: Option<String>) -> TipWatch {
        let shared = Arc::new(Shared { urls: Mutex::new(urls), ..Shared::default() });
        let asked = Arc::clone(&shared);
        // Without the thread the height stays 0: progress is worse, the devnet is not.
        drop(std::thread::Builder::new().name("tip".into()).spawn(move || {
            while !asked.stopped.load(Ordering::SeqCst) {
                asked.ask(run.as_deref());
                std::thread::sleep(PAUSE);
            }
        }));
        TipWatch(shared)
    }

    /// Asks these nodes instead.
    pub fn look_at(&self, urls: Vec<String>) {
        *lock(&self.0.urls) = urls;
    }

    /// The highest answer so far.
    pub fn tip(&self) -> Tip {
        *lock(&self.0.tip)
    }
}

impl Drop for TipWatch {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn ask(&self, run: Option<&str>) {
        let urls = lock(&self.urls).clone();
        for url in urls {
            let Ok(client) = Client::new(&url) else { continue };
            let Ok(status) = client.status() else { continue };
            let round = run.and_then(|run| client.run(run).ok()).map(|run| run.head.round);
            let mut tip = lock(&self.tip);
            // One that was just started again is behind the others: the tip never goes back.
            tip.height = tip.height.max(status.height);
            tip.round = tip.round.max(round);
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
