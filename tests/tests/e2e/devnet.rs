//! A devnet as a subject of commands: made from a manifest, and gone when its test is over. There is one at a time.

use crate::subject::text;
use retrace_tests::binary::{command, retrace, retrace_within, wait};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest time to a network that is ready, or to anything on it.
const PATIENCE: Duration = Duration::from_secs(180);
/// Longest time to its end.
const END_PATIENCE: Duration = Duration::from_secs(30);
/// How often something is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// A running devnet.
pub struct Devnet {
    folder: TempDir,
    others: Vec<Child>,
    _turn: MutexGuard<'static, ()>,
}

impl Devnet {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(text_of_manifest: &str) -> Devnet {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().expect("a temporary folder");
        let devnet = Devnet { folder, others: Vec::new(), _turn };
        let manifest = devnet.beside("manifest.toml");
        fs::write(&manifest, text_of_manifest).expect("a manifest");
        let places = ["--manifest", &text(&manifest), "--home", &devnet.home()];
        retrace_within(PATIENCE, &[&["devnet", "start", "--detach"], &places[..]].concat()).exits(0);
        devnet.wait_for("network that is ready", || (devnet.record()?["phase"] == "ready").then_some(()));
        devnet
    }

    /// A path beside its folder, that goes with it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its folder.
    pub fn home(&self) -> String {
        text(&self.beside("devnet"))
    }

    /// What `devnet.json` says now.
    pub fn record(&self) -> Option<Value> {
        let record = fs::read(self.beside("devnet").join("devnet.json")).ok()?;
        serde_json::from_slice(&record).ok()
    }

    /// What `devnet.json` says of a node.
    #[track_caller]
    pub fn fact(&self, node: &str, key: &str) -> Value {
        let record = self.record().expect("a devnet has a record");
        let nodes = record["nodes"].as_array().expect("a list of nodes");
        let found = nodes.iter().find(|one| one["name"] == node);
        found.unwrap_or_else(|| panic!("no node is called {node}: {record}"))[key].clone()
    }

    /// The home of a node.
    pub fn node(&self, name: &str) -> String {
        text(&self.beside("devnet").join("nodes").join(name))
    }

    /// Looks again and again until there is something to see.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(since.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
            thread::sleep(PAUSE);
        }
    }

    /// A command that looks, as JSON.
    #[track_caller]
    pub fn look(&self, words: &[&str]) -> Value {
        retrace(&[words, &["--json", "--home", &self.home()]].concat()).exits(0).json()
    }

    /// Starts a process beside it, which is killed when the test is over.
    #[track_caller]
    pub fn spawn(&mut self, arguments: &[&str], name: &str) {
        let log = File::create(self.beside(&format!("{name}.log"))).expect("a log");
        let mut process = command(arguments);
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.others.push(process.spawn().expect("the binary starts"));
    }

    /// Kills a node without a word.
    #[track_caller]
    pub fn kill(&self, node: &str) {
        let pid = self.fact(node, "pid").as_u64().expect("it runs");
        let sent = Command::new("sh").arg("-c").arg(format!("kill -KILL {pid}")).status();
        assert!(sent.expect("a shell can be started").success(), "{node} does not run");
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        for mut child in self.others.drain(..) {
            // One that has ended needs no signal.
            drop(child.kill());
            drop(child.wait());
        }
        for word in ["stop", "clean"] {
            let mut stop = command(&["devnet", word, "--home", &self.home()]);
            if let Ok(mut child) = stop.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
                wait(&mut child, END_PATIENCE);
            }
        }
    }
}
