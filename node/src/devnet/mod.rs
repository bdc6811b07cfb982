//! A network on this machine: every node an operating-system process, made by the same code path as `init` and `start`.
//!
//! [`Devnet`] makes or reopens a folder, starts the processes, does to them what a manifest says, and ends them. What
//! a manifest may say is in `specs/devnet.md`.

mod address;
mod cast;
mod error;
mod fall;
mod life;
mod lock;
pub mod manifest;
mod open_run;
mod prepare;
mod process;
mod record;
pub mod remote;
mod rise;
mod schedule;
mod signals;
mod supervise;
mod terms;
mod tip;
mod wiring;

pub use error::DevnetError;
pub use life::Notice;
pub use process::{ending, tail};
pub use record::{FILE_NAME, NodeRecord, Phase, Record};
pub use signals::Interrupts;
pub use supervise::{Voice, supervise};
pub use terms::{COLLUSION_PPM, Preset, RunPlan};

use address::Reserved;
use lock::Lock;
use manifest::Manifest;
use prepare::Prepared;
use process::Process;
use std::path::{Path, PathBuf};

/// A devnet that this process looks after. What still runs when it is dropped is killed.
pub struct Devnet {
    folder: PathBuf,
    executable: PathBuf,
    manifest: Manifest,
    record: Record,
    /// Ports of the nodes that were not started yet.
    reserved: Vec<Option<Reserved>>,
    processes: Vec<Option<Process>>,
    _lock: Lock,
}

impl Devnet {
    /// Makes a devnet in an empty or missing folder, or opens the one that is there: its nodes go on where they were.
    /// `text` is the manifest as it was written.
    pub fn prepare(manifest: Manifest, text: &str, folder: &Path) -> Result<Devnet, DevnetError> {
        let folder = wiring::absolute(folder)?;
        let Prepared { lock, record, reserved } = match Record::exists(&folder) {
            true => prepare::reopen(&manifest, &folder)?,
            false => prepare::make(&manifest, text, &folder)?,
        };
        let executable = std::env::current_exe().map_err(|source| DevnetError::Process {
            name: "retrace".into(),
            what: "found",
            source,
        })?;
        Ok(Devnet {
            processes: (0..record.nodes.len()).map(|_| None).collect(),
            reserved: reserved.into_iter().map(Some).collect(),
            folder,
            executable,
            manifest,
            record,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `devnet.json` says.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// URLs of the RPCs of nodes that run and do not stand still, validators first.
    pub fn rpc_urls(&self) -> Vec<String> {
        let nodes = self.record.nodes.iter().zip(&self.processes);
        let moving = nodes.filter(|(_, process)| process.as_ref().is_some_and(|p| !p.paused && !p.ending));
        let mut moving: Vec<&NodeRecord> = moving.map(|(node, _)| node).collect();
        moving.sort_by_key(|node| node.consensus.is_none());
        moving.into_iter().map(|node| node.rpc.clone()).collect()
    }

    fn save(&self) -> Result<(), DevnetError> {
        self.record.save(&self.folder)
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            // Nothing can be done about one that cannot be killed.
            drop(process.kill());
            drop(process.wait());
        }
    }
}
