//! All nodes come up: started, waited for, and given other ports where theirs were taken from under them.

use super::process::{ending, tail};
use super::record::Phase;
use super::{Devnet, DevnetError, Interrupts, prepare, wiring};
use crate::rpc::client::Client;
use std::time::{Duration, Instant};

/// How long nodes may take to be ready, all together.
const READY_PATIENCE: Duration = Duration::from_secs(90);
/// How often processes are looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a node whose ports were taken from under it gets others.
const PORT_ATTEMPTS: u32 = 3;

impl Devnet {
    /// Starts every node and waits until all are ready. Gives false when it was interrupted.
    pub fn spawn(&mut self, interrupts: &Interrupts) -> Result<bool, DevnetError> {
        (self.record.phase, self.record.supervisor) = (Phase::Starting, Some(std::process::id()));
        self.save()?;
        for at in 0..self.processes.len() {
            self.start(at)?;
        }
        self.save()?;
        let since = Instant::now();
        let (mut waiting, mut attempts): (Vec<usize>, u32) = ((0..self.processes.len()).collect(), 0);
        while !waiting.is_empty() {
            if interrupts.came() {
                return Ok(false);
            }
            for at in &waiting {
                if let Some(died) = self.died(*at)? {
                    attempts += 1;
                    if attempts > PORT_ATTEMPTS || !self.moved(*at)? {
                        return Err(died);
                    }
                }
            }
            waiting.retain(|at| !is_ready(&self.record.nodes[*at].rpc));
            if let Some(at) = waiting.first().filter(|_| since.elapsed() > READY_PATIENCE) {
                let node = &self.record.nodes[*at];
                let (name, log, tail) = (node.name.clone(), node.log.clone(), tail(&node.log));
                return Err(DevnetError::NotReady { name, seconds: READY_PATIENCE.as_secs(), tail, log });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(true)
    }

    /// Says that everything is up, the run included.
    pub fn ready(&mut self) -> Result<(), DevnetError> {
        self.record.phase = Phase::Ready;
        self.save()
    }

    /// A node that ended while it should come up.
    fn died(&mut self, at: usize) -> Result<Option<DevnetError>, DevnetError> {
        let node = &mut self.record.nodes[at];
        let Some(process) = &mut self.processes[at] else { return Ok(None) };
        let failed = |source| DevnetError::Process { name: node.name.clone(), what: "waited for", source };
        let Some(status) = process.ended().map_err(failed)? else { return Ok(None) };
        (self.processes[at], node.pid) = (None, None);
        let (name, log) = (node.name.clone(), node.log.clone());
        Ok(Some(DevnetError::Died { name, status: ending(status), tail: tail(&log), log }))
    }

    /// Where a port of a node that died is somebody else's by now, the node gets others and is started again.
    fn moved(&mut self, at: usize) -> Result<bool, DevnetError> {
        let node = &mut self.record.nodes[at];
        let before = node.ports;
        let reserved = prepare::reserve(&node.name, node.ip, Some(before))?;
        if reserved.ports() == before {
            return Ok(false);
        }
        node.listen_on(reserved.ports(), node.consensus.is_some());
        self.reserved[at] = Some(reserved);
        wiring::write_addresses(&self.record)?;
        self.start(at)?;
        self.save()?;
        Ok(true)
    }
}

/// True when the node answers and says that it takes part.
fn is_ready(rpc: &str) -> bool {
    Client::new(rpc).is_ok_and(|client| client.is_ready())
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::Devnet;
    use crate::config::Config;
    use std::net::TcpListener;

    const MANIFEST: &str =
        "[[node]]\nrole = \"validator\"\n[[node]]\nroles = []\nname = \"follower\"\n[run]\nopen = false";

    #[test]
    fn a_node_whose_port_was_taken_gets_another_and_everybody_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let mut devnet = Devnet::prepare(manifest, MANIFEST, &folder.path().join("net")).unwrap();
        devnet.executable = "/bin/true".into();
        devnet.reserved[0] = None;
        assert!(!devnet.moved(0).unwrap(), "a node that died for another reason keeps its ports");
        let before = devnet.record.nodes[0].ports;
        let taken = TcpListener::bind((devnet.record.nodes[0].ip, before.swarm)).unwrap();
        assert!(devnet.moved(0).unwrap());
        let node = &devnet.record.nodes[0];
        assert!(node.ports.swarm != before.swarm && node.pid.is_some());
        let follower = Config::load(&devnet.record.nodes[1].home).unwrap();
        assert_eq!(follower.node.peers, [node.swarm.parse().unwrap()]);
        drop(taken);
    }
}
