//! All nodes are ended, and nobody is left behind.

use super::record::Phase;
use super::{Devnet, DevnetError, Interrupts};
use std::time::{Duration, Instant};

/// How long a node may take to end in order.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How often processes are looked at.
const PAUSE: Duration = Duration::from_millis(50);

impl Devnet {
    /// Ends everybody in order within ten seconds, and whoever is left at once; nobody is left behind. A second
    /// interrupt makes it the latter. Gives the names of those that had to be killed.
    pub fn stop(&mut self, interrupts: Option<&Interrupts>) -> Result<Vec<String>, DevnetError> {
        let before = interrupts.map_or(0, Interrupts::count);
        for process in self.processes.iter_mut().flatten() {
            // Who is gone already needs no signal; who cannot be signaled is killed below.
            drop(process.stop());
        }
        let since = Instant::now();
        let hurried = || interrupts.is_some_and(|i| i.count() > before);
        while self.is_running() && since.elapsed() < STOP_PATIENCE && !hurried() {
            std::thread::sleep(PAUSE);
            self.collect();
        }
        let mut killed = Vec::new();
        for (process, node) in self.processes.iter_mut().zip(&self.record.nodes) {
            let Some(process) = process else { continue };
            killed.push(node.name.clone());
            let failed = |source| DevnetError::Process { name: node.name.clone(), what: "killed", source };
            process.kill().and_then(|()| process.wait()).map_err(failed)?;
        }
        self.processes.iter_mut().for_each(|process| *process = None);
        self.record.nodes.iter_mut().for_each(|node| node.pid = None);
        (self.record.phase, self.record.supervisor) = (Phase::Stopped, None);
        self.save()?;
        Ok(killed)
    }

    fn is_running(&self) -> bool {
        self.processes.iter().any(Option::is_some)
    }

    fn collect(&mut self) {
        for process in &mut self.processes {
            if process.as_mut().is_some_and(|process| matches!(process.ended(), Ok(Some(_)))) {
                *process = None;
            }
        }
    }
}
