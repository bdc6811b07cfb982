//! A network of engines that tests start, stop and end without warning.

use super::network::{Book, Net, Places, intervals, reaches};
use crate::consensus::{Running, start};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Each engine has a runtime of its own, which can be ended like a process.
struct Member {
    runtime: Runtime,
    running: Running,
}

pub struct Cluster {
    pub net: Net,
    pub places: Places,
    pub books: Vec<Arc<Book>>,
    members: Vec<Option<Member>>,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub fn new(net: Net) -> Cluster {
        let places = Places::new(&net);
        let books: Vec<_> = net.keys.iter().map(|_| Book::new(&net)).collect();
        let members = net.keys.iter().map(|_| None).collect();
        let folder = tempfile::tempdir().unwrap();
        Cluster { net, places, books, members, folder }
    }

    pub fn start(validators: u8) -> Cluster {
        let mut cluster = Cluster::new(Net::new(validators));
        (0..validators.into()).for_each(|index| cluster.up(index));
        cluster
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn running(&self, index: usize) -> &Running {
        &self.members[index].as_ref().unwrap().running
    }

    pub fn up(&mut self, index: usize) {
        let all: Vec<usize> = (0..self.books.len()).collect();
        self.up_knowing(index, &all);
    }

    /// Starts an engine that knows these others.
    pub fn up_knowing(&mut self, index: usize, knows: &[usize]) {
        let config = self.places.config(&self.net, index, self.folder(), knows);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let (book, keys) = (Arc::clone(&self.books[index]) as _, self.net.keys[index].clone());
        let running = runtime.block_on(start(book, keys, config)).unwrap();
        self.members[index] = Some(Member { runtime, running });
    }

    /// Stops an engine in good order.
    pub fn down(&mut self, index: usize) {
        if let Some(Member { runtime, running }) = self.members[index].take() {
            runtime.block_on(running.stop()).unwrap();
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    /// Ends an engine wherever it is.
    pub fn kill(&mut self, index: usize) {
        if let Some(Member { runtime, .. }) = self.members[index].take() {
            runtime.shutdown_timeout(Duration::from_millis(1));
        }
    }

    /// The highest height of all ledgers.
    pub fn tip(&self) -> u64 {
        self.books.iter().map(|book| book.height()).max().unwrap_or(0)
    }

    /// Waits until these have the height, and compares everything that any two of them have.
    pub fn agree(&self, members: &[usize], height: u64) {
        for index in members {
            let reached = reaches(&self.books[*index], height, PATIENCE);
            let (at, failure) = (self.books[*index].height(), self.books[*index].failure());
            assert!(reached, "validator {index} is at {at}, not at {height}: {failure:?}");
        }
        let all: Vec<_> = self.books.iter().map(|book| book.seen()).collect();
        for seen in &all {
            for (height, first) in seen {
                let others = all.iter().filter_map(|other| other.get(height));
                others.for_each(|other| assert_eq!((other.id, other.root), (first.id, first.root)));
            }
        }
    }

    pub fn report(&self, what: &str, index: usize, from: u64, to: u64) {
        let (median, p99, longest) = intervals(&self.books[index], from, to);
        println!("{what}: heights {from} to {to}: p50 {median} ms, p99 {p99} ms, longest {longest} ms");
    }

    /// Gives every ledger the same pending transactions, as gossip would.
    pub fn load(&self, count: u64) {
        // All are signed before the first is admitted, so that one block may hold them all.
        let mut transactions = Vec::new();
        for name in 0..self.net.keys.len() as u8 {
            let key = self.net.transaction(name, 1).body().signer;
            let first = self.books[0].next_nonce(&key);
            transactions.extend((first..first + count).map(|nonce| self.net.transaction(name, nonce)));
        }
        self.books.iter().for_each(|book| book.admit(&transactions));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|index| self.kill(index));
    }
}
