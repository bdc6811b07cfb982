//! An address of its own for every node of a devnet, and ports that are free before anything starts.

use serde::{Deserialize, Serialize};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

/// Nodes that share the first three bytes of their address.
const LAST_BYTES: usize = 250;

/// The address of a node: 127.x.y from the devnet's folder, so that two devnets do not meet, and its number.
pub fn address(folder: &Path, at: usize) -> Ipv4Addr {
    let hash = blake3::derive_key("retrace v1 devnet address", folder.as_os_str().as_encoded_bytes());
    // 127.0 is where everything else on this machine listens.
    let (x, y) = (1 + hash[0] % 254, hash[1].wrapping_add((at / LAST_BYTES) as u8));
    Ipv4Addr::new(127, x, y, 1 + (at % LAST_BYTES) as u8)
}

/// Where a node listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// RPC.
    pub rpc: u16,
    /// Public swarm.
    pub swarm: u16,
    /// The validators' swarm.
    pub consensus: u16,
}

/// Ports that are bound and nobody else's, until they are given to the node that is about to start.
#[derive(Debug)]
pub struct Reserved {
    ports: Ports,
    _held: [TcpListener; 3],
}

impl Reserved {
    /// Binds three ports: those that the node had, where they are free, or others.
    pub fn new(ip: Ipv4Addr, before: Option<Ports>) -> io::Result<Reserved> {
        let wanted = before.map_or([0; 3], |p| [p.rpc, p.swarm, p.consensus]);
        let bind = |port| TcpListener::bind(SocketAddr::from((ip, port)));
        let bind = |port| bind(port).or_else(|error| if port == 0 { Err(error) } else { bind(0) });
        let held = [bind(wanted[0])?, bind(wanted[1])?, bind(wanted[2])?];
        let port = |at: usize| held[at].local_addr().map(|address| address.port());
        let ports = Ports { rpc: port(0)?, swarm: port(1)?, consensus: port(2)? };
        Ok(Reserved { ports, _held: held })
    }

    /// The ports.
    pub fn ports(&self) -> Ports {
        self.ports
    }
}

#[cfg(test)]
mod tests {
    use super::{Reserved, address};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_node_of_every_devnet_has_its_own_address() {
        let folders = ["/tmp/a", "/tmp/b", "/srv/devnet"];
        let all: BTreeSet<_> =
            folders.iter().flat_map(|f| (0..300).map(|at| address(Path::new(f), at))).collect();
        assert_eq!(all.len(), 900);
        assert!(all.iter().all(|ip| ip.is_loopback() && ip.octets()[1] != 0 && ip.octets()[3] != 0));
        assert_eq!(address(Path::new("/tmp/a"), 4), address(Path::new("/tmp/a"), 4));
    }

    #[test]
    fn ports_come_back_where_they_are_free() {
        let ip = address(Path::new("/tmp/retrace-address-test"), 0);
        let first = Reserved::new(ip, None).unwrap();
        let before = first.ports();
        let other = Reserved::new(ip, Some(before)).unwrap();
        assert!(other.ports().rpc != before.rpc, "they are taken");
        drop(first);
        assert_eq!(Reserved::new(ip, Some(before)).unwrap().ports(), before);
    }
}
