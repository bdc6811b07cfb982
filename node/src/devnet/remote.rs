//! A devnet that another process looks after: stopped, looked at, removed.

use super::process::{is_ours, signal_process};
use super::record::{NodeRecord, Phase, Record};
use super::{DevnetError, Lock, lock};
use crate::home::disk;
use crate::rpc::client::Client;
use rustix::process::Signal;
use serde::Serialize;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a supervisor may take: ten seconds for its nodes and some for itself.
const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(20);
/// How long nodes may take that have no supervisor any more.
const NODE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a supervisor may take to end once it has let go.
const FAREWELL: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// Stops a devnet whoever looks after it. Gives how many processes there were; none is left when this returns.
pub fn stop(folder: &Path) -> Result<usize, DevnetError> {
    let folder = folder.canonicalize().map_err(disk(folder))?;
    let record = Record::load(&folder)?;
    let running = record.nodes.iter().filter(|node| is_running(node)).count();
    let supervisor = lock::is_held(&folder)?.then_some(record.supervisor).flatten();
    if let Some(pid) = supervisor {
        signal(pid, "the supervisor", Signal::TERM)?;
        wait_until(SUPERVISOR_PATIENCE, || lock::is_held(&folder).is_ok_and(|held| !held));
        // It has let go, and says so before it ends.
        wait_until(FAREWELL, || !Path::new(&format!("/proc/{pid}")).exists());
    }
    // Without a supervisor, or where it did not end, the nodes are ended from here.
    let left = |signal_: Signal| -> Result<(), DevnetError> {
        for node in record.nodes.iter().filter(|node| is_running(node)) {
            let pid = node.pid.unwrap_or_default();
            signal(pid, &node.name, signal_)?;
            signal(pid, &node.name, Signal::CONT)?;
        }
        Ok(())
    };
    left(Signal::TERM)?;
    if !wait_until(NODE_PATIENCE, || !record.nodes.iter().any(is_running)) {
        left(Signal::KILL)?;
        wait_until(NODE_PATIENCE, || !record.nodes.iter().any(is_running));
    }
    let _lock = Lock::take(&folder)?;
    let mut record = Record::load(&folder)?;
    record.nodes.iter_mut().for_each(|node| node.pid = None);
    (record.phase, record.supervisor) = (Phase::Stopped, None);
    record.save(&folder)?;
    Ok(running)
}

/// Removes a stopped devnet: what it made, and the folder if nothing else is in it.
pub fn clean(folder: &Path) -> Result<(), DevnetError> {
    let folder = folder.canonicalize().map_err(disk(folder))?;
    let record = Record::load(&folder)?;
    let _lock = Lock::take(&folder)?;
    if let Some(pid) = record.nodes.iter().find(|node| is_running(node)).and_then(|node| node.pid) {
        return Err(DevnetError::Running { path: folder, pid });
    }
    // The record goes last: until then this can be done again.
    for name in ["nodes", "logs", "sponsor", "faucet", "observer"] {
        absent_is_fine(fs::remove_dir_all(folder.join(name))).map_err(disk(&folder))?;
    }
    for name in ["genesis.bin", "manifest.toml", "passphrase", "lock", super::FILE_NAME] {
        absent_is_fine(fs::remove_file(folder.join(name))).map_err(disk(&folder))?;
    }
    match fs::remove_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        other => Ok(other.map_err(disk(&folder))?),
    }
}

/// A node as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its process, if there is one.
    pub pid: Option<u32>,
    /// URL of its RPC.
    pub rpc: String,
    /// Height of its last block, if it answers.
    pub height: Option<u64>,
    /// That block.
    pub block: Option<String>,
    /// The state root after it.
    pub state_root: Option<String>,
}

/// Asks every node where it is.
pub fn look(record: &Record) -> Vec<Look> {
    let looked = record.nodes.iter().map(|node| {
        let pid = node.pid.filter(|_| is_running(node));
        let status = pid.and_then(|_| Client::new(&node.rpc).ok()?.status().ok());
        let (name, roles, rpc) = (node.name.clone(), node.roles.clone(), node.rpc.clone());
        let height = status.as_ref().map(|status| status.height);
        let (block, state_root) = status.map(|status| (status.block, status.state_root)).unzip();
        Look { name, roles, pid, rpc, height, block, state_root }
    });
    looked.collect()
}

fn is_running(node: &NodeRecord) -> bool {
    node.pid.is_some_and(|pid| is_ours(pid, &node.home))
}

fn signal(pid: u32, name: &str, signal: Signal) -> Result<(), DevnetError> {
    let failed = |source| DevnetError::Process { name: name.into(), what: "signaled", source };
    signal_process(pid, signal).map_err(failed)
}

fn wait_until(patience: Duration, mut is_done: impl FnMut() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < patience {
        if is_done() {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    is_done()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
