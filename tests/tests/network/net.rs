//! A devnet as a subject: made from a manifest, waited for, looked at, and gone without a trace when its test is over.

use crate::{
    manifest::Manifest,
    node::{Node, tail},
    process::{Process, running, signal, wait_for},
    wallet::Wallet,
};
use retrace_tests::binary::{self, Run, retrace, retrace_within};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Longest time from a start to a network that is ready, its run open.
const READY_PATIENCE: Duration = Duration::from_secs(150);
/// Longest time that a devnet may take to be stopped when its test is over.
const END_PATIENCE: Duration = Duration::from_secs(30);
/// Lines of each log that a failed test shows.
const TAIL_LINES: usize = 12;

/// A running devnet. There is one at a time, since a machine may have two cores.
pub struct Network {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for this test's turn to have a network.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has cleaned up: its failure is no reason not to run the next one.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// A manifest in a folder of its own; nothing runs yet.
    pub fn prepare(manifest: &Manifest) -> Network {
        let _turn = turn();
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("manifest.toml"), manifest.to_string()).expect("a manifest");
        Network { folder, _turn }
    }

    /// Starts a devnet and waits until it is ready.
    #[track_caller]
    pub fn start(manifest: &Manifest) -> Network {
        let network = Network::prepare(manifest);
        network.detach();
        network
    }

    /// Starts the prepared devnet, or the stopped one again, with a supervisor that nobody waits for.
    #[track_caller]
    pub fn detach(&self) {
        let [manifest, home] = self.places();
        let places = ["--manifest", &manifest, "--home", &home];
        retrace_within(READY_PATIENCE, &[&["devnet", "start", "--detach"], &places[..]].concat()).exits(0);
        self.wait_until_ready();
    }

    /// Starts the prepared devnet with a supervisor in the foreground.
    #[track_caller]
    pub fn foreground(&self) -> Process {
        let [manifest, home] = self.places();
        let arguments = ["devnet", "start", "--manifest", &manifest, "--home", &home];
        let supervisor = self.process(&arguments, "supervisor");
        self.wait_until_ready();
        supervisor
    }

    /// Waits until `devnet.json` says that all nodes are ready and the run, if there is to be one, is open.
    #[track_caller]
    fn wait_until_ready(&self) {
        wait_for("network that is ready", READY_PATIENCE, || {
            (self.record()?["phase"] == "ready").then_some(())
        });
    }

    fn places(&self) -> [String; 2] {
        [text(&self.beside("manifest.toml")), text(&self.home())]
    }

    /// Its folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("devnet")
    }

    /// A path beside its folder, that goes with it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `devnet.json` says now.
    pub fn record(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.home().join("devnet.json")).ok()?).ok()
    }

    #[track_caller]
    fn said(&self) -> Value {
        self.record().expect("a devnet has a devnet.json")
    }

    /// A text of `devnet.json`.
    #[track_caller]
    pub fn fact(&self, pointer: &str) -> String {
        let said = self.said();
        let text = said.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("{pointer} is no text in {said}")).to_string()
    }

    /// All nodes, as they are now.
    #[track_caller]
    pub fn nodes(&self) -> Vec<Node> {
        self.said()["nodes"].as_array().expect("a list of nodes").iter().map(Node::read).collect()
    }

    /// The node of this name, as it is now.
    #[track_caller]
    pub fn node(&self, name: &str) -> Node {
        let found = self.nodes().into_iter().find(|node| node.name == name);
        found.unwrap_or_else(|| panic!("no node is called {name}"))
    }

    /// The nodes of a role.
    #[track_caller]
    pub fn all(&self, role: &str) -> Vec<Node> {
        self.nodes().into_iter().filter(|node| node.is(role)).collect()
    }

    /// The name of an account's node, or the account.
    pub fn name_of(&self, account: &str) -> String {
        let found = self.nodes().into_iter().find(|node| node.account == account);
        found.map_or_else(|| account.to_string(), |node| node.name)
    }

    /// Kills a node without a word.
    #[track_caller]
    pub fn kill(&self, name: &str) {
        signal(self.node(name).pid.expect("it runs"), "KILL");
    }

    /// Starts a node that was killed again, as its operator would.
    #[track_caller]
    pub fn start_again(&self, name: &str) -> Process {
        let node = self.node(name);
        self.process(&["start", "--home", &text(&node.home)], &format!("{name} again"))
    }

    /// A process of this network's folder, with a log beside it.
    #[track_caller]
    pub fn process(&self, arguments: &[&str], name: &str) -> Process {
        Process::start(arguments, &self.beside(&format!("{name}.log")))
    }

    /// Pays somebody from the faucet.
    #[track_caller]
    pub fn pay(&self, account: &str, amount: u64) {
        let (home, amount) = (self.fact("/faucet/home"), amount.to_string());
        retrace(&["stake", "transfer", &amount, "--to", account, "--home", &home, "--wait"]).exits(0);
    }

    /// A new wallet with this balance.
    #[track_caller]
    pub fn wallet(&self, name: &str, amount: u64) -> Wallet {
        let wallet = Wallet::new(name, &self.fact("/network"), &self.fact("/faucet/account"));
        self.pay(&wallet.account(), amount);
        wallet
    }

    /// `retrace devnet COMMAND` on its folder.
    #[track_caller]
    pub fn devnet(&self, command: &str) -> Run {
        retrace(&["devnet", command, "--home", &text(&self.home())])
    }

    /// The last lines of every log.
    fn show_logs(&self) {
        let logs = [self.folder.path().to_path_buf(), self.home().join("logs")];
        let entries = logs.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for log in files.filter(|file| file.extension().is_some_and(|extension| extension == "log")) {
            eprintln!("--- {}\n{}", log.display(), tail(&log, TAIL_LINES));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show_logs();
        }
        let home = text(&self.home());
        for command in ["stop", "clean"] {
            // Best effort: whatever is left is killed below, and the folder goes with us.
            let mut command = binary::command(&["devnet", command, "--home", &home]);
            if let Ok(mut child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
                binary::wait(&mut child, END_PATIENCE);
            }
        }
        for pid in running(self.folder.path()) {
            eprintln!("process {pid} was left behind");
            signal(pid, "KILL");
        }
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_str().expect("temporary paths are text").to_string()
}
