//! Steady transfers to several nodes, and whether all that a node acknowledged is in a block in the end (W-4.3).

use crate::{
    agree::heads,
    node::Node,
    process::wait_for,
    wallet::{Wallet, bytes},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Between two transfers to one node.
const PAUSE: Duration = Duration::from_millis(200);
/// How long acknowledged transactions may take into a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// Threads that submit, one a node.
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Begins. Each wallet pays through one node, which may be killed and come back at the same address.
    pub fn start(pairs: Vec<(Node, Wallet)>) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let spawn = |(node, wallet)| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || submit_until(&stop, &node, wallet))
        };
        Load { threads: pairs.into_iter().map(spawn).collect(), stop }
    }

    /// Ends, and gives the ids of all transactions that a node acknowledged.
    #[track_caller]
    pub fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().expect("a load thread ends")).collect()
    }
}

fn submit_until(stop: &AtomicBool, node: &Node, mut wallet: Wallet) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let signed = wallet.transfer(1);
        // No answer is no acknowledgement: the same bytes are sent again.
        if let Ok(answer) = node.submit(&bytes(&signed)) {
            if answer.status == 200 {
                assert_eq!(answer.json()["id"], signed.id().to_string());
                acknowledged.push(signed.id().to_string());
                wallet.nonce += 1;
            } else if ["known", "nonce_used", "nonce_taken"].contains(&answer.refusal().as_str()) {
                // Taken in before the node could say so.
                wallet.nonce += 1;
            }
        }
        thread::sleep(PAUSE);
    }
    acknowledged
}

/// Asserts that every one of these transactions comes into a block.
#[track_caller]
pub fn all_included(node: &Node, ids: &[String]) {
    let (mut seen, mut next) = (BTreeSet::new(), 1);
    wait_for("block with each acknowledged transaction", PATIENCE, || {
        for head in heads(node, next) {
            let height = head["height"].as_u64().expect("a height");
            if head["transactions"] != 0 {
                let block = node.get(&format!("/v1/blocks/{height}"));
                let transactions = block["transactions"].as_array().expect("transactions").iter();
                seen.extend(transactions.filter_map(|one| one["id"].as_str().map(String::from)));
            }
            next = height + 1;
        }
        let lost = ids.iter().filter(|id| !seen.contains(*id)).count();
        (lost == 0).then_some(())
    });
}
