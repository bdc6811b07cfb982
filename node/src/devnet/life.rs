//! Nodes are started, perturbed, and end.

use super::manifest::Action;
use super::process::{Process, ending, tail};
use super::{Devnet, DevnetError};
use std::fmt;
use std::io;

/// Something that happened to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was started.
    Started {
        /// The node.
        name: String,
        /// Its process.
        pid: u32,
    },
    /// It ended as it was asked or made to.
    Ended {
        /// The node.
        name: String,
        /// How.
        status: String,
    },
    /// It ended, and nobody had asked it to.
    Died {
        /// The node.
        name: String,
        /// How.
        status: String,
        /// Last lines of its log.
        tail: String,
    },
    /// Something was done to it.
    Perturbed {
        /// The node.
        name: String,
        /// What.
        action: Action,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Started { name, pid } => write!(f, "{name} runs as process {pid}"),
            Notice::Ended { name, status } => write!(f, "{name} ended: {status}"),
            Notice::Died { name, status, tail } => {
                write!(f, "{name} DIED: {status}\n{}", tail.trim_end())
            }
            Notice::Perturbed { name, action } => write!(f, "{} {name}", action.name()),
        }
    }
}

impl Devnet {
    pub(super) fn start(&mut self, at: usize) -> Result<(), DevnetError> {
        // From here to the node's own bind the ports are free for a moment.
        drop(self.reserved[at].take());
        let node = &mut self.record.nodes[at];
        let failed = |source| DevnetError::Process { name: node.name.clone(), what: "started", source };
        let process = Process::start(&self.executable, &node.home, &node.log).map_err(failed)?;
        node.pid = Some(process.pid());
        self.processes[at] = Some(process);
        Ok(())
    }

    /// Does something to a node. What it asks for may take a while; [`Devnet::reap`] says when it has happened.
    pub fn perturb(&mut self, at: usize, action: Action) -> Result<Notice, DevnetError> {
        let name = self.record.nodes[at].name.clone();
        let failed = |what| {
            let name = name.clone();
            move |source: io::Error| DevnetError::Process { name, what, source }
        };
        match (&mut self.processes[at], action) {
            (Some(process), Action::Kill) => process.kill().map_err(failed("killed"))?,
            (Some(process), Action::Stop) => process.stop().map_err(failed("stopped"))?,
            (Some(process), Action::Pause) => process.pause().map_err(failed("paused"))?,
            (Some(process), Action::Resume) => process.resume().map_err(failed("resumed"))?,
            (Some(process), Action::Restart) => {
                process.again = true;
                // One that was killed just now and is not gone yet needs no second signal.
                if !process.ending {
                    process.stop().map_err(failed("stopped"))?;
                }
            }
            (None, Action::Restart) => {
                self.start(at)?;
                self.save()?;
            }
            // Who is down cannot be killed, paused or resumed: it stays down.
            (None, _) => {}
        }
        Ok(Notice::Perturbed { name, action })
    }

    /// Hears of processes that ended, and starts those that were to be started again.
    pub fn reap(&mut self) -> Result<Vec<Notice>, DevnetError> {
        let mut notices = Vec::new();
        for at in 0..self.processes.len() {
            let Some(process) = &mut self.processes[at] else { continue };
            let (asked, again) = (process.ending, process.again);
            let node = &mut self.record.nodes[at];
            let failed =
                |source| DevnetError::Process { name: node.name.clone(), what: "waited for", source };
            let Some(status) = process.ended().map_err(failed)? else { continue };
            (self.processes[at], node.pid) = (None, None);
            let (name, status) = (node.name.clone(), ending(status));
            notices.push(match asked {
                true => Notice::Ended { name: name.clone(), status },
                false => Notice::Died { name: name.clone(), status, tail: tail(&node.log) },
            });
            if again {
                self.start(at)?;
                let pid = self.record.nodes[at].pid.unwrap_or_default();
                notices.push(Notice::Started { name, pid });
            }
        }
        if !notices.is_empty() {
            self.save()?;
        }
        Ok(notices)
    }
}
