//! What a swarm is started with, and why one cannot start.

use super::address::is_dialable;
use super::limits::Limits;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// What a swarm is started with.
#[derive(Clone)]
pub struct SwarmConfig {
    /// Addresses to listen on, as `/ip4/127.0.0.1/tcp/0`.
    pub listen: Vec<String>,
    /// Addresses under which others reach this node, if those are not the ones it listens on.
    pub external: Vec<String>,
    /// Addresses of peers to keep a connection with; one is enough to find the others.
    pub peers: Vec<String>,
    /// The node key: an Ed25519 secret.
    pub key: [u8; 32],
    /// Whether blocks of peers are applied; a validator whose agreement fetches blocks itself may say no.
    pub follow: bool,
    /// Limits.
    pub limits: Limits,
}

impl Default for SwarmConfig {
    fn default() -> SwarmConfig {
        SwarmConfig {
            listen: Vec::new(),
            external: Vec::new(),
            peers: Vec::new(),
            key: [0; 32],
            follow: true,
            limits: Limits::default(),
        }
    }
}

/// A swarm that cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SwarmError {
    /// An address is none, or of a kind that is not at work yet.
    #[error("{address:?} is no address of a peer: {what}")]
    #[diagnostic(help(
        "write /ip4/203.0.113.7/tcp/26600 or the same with /p2p/PEER at its end; names (dns), relays and hole \
         punching are not at work yet"
    ))]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {what}")]
    #[diagnostic(help("is another process using the port? choose another one, or 0 for any"))]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        what: String,
    },
    /// The node key is none.
    #[error("the node key is no Ed25519 secret")]
    #[diagnostic(help("restore the keystore from its copy, or make a new node key"))]
    Key,
    /// A folder of the home cannot be made.
    #[error("the folder of partial blobs cannot be made: {source}")]
    #[diagnostic(help("check the home's permissions and the space left on its disk"))]
    Folder {
        /// What the disk says.
        source: std::io::Error,
    },
    /// A part of the swarm does not accept its settings.
    #[error("the swarm cannot be put together: {what}")]
    #[diagnostic(help("this is a fault of this build: please report it"))]
    Part {
        /// What it says.
        what: String,
    },
}

fn parsed(text: &str) -> Result<Multiaddr, SwarmError> {
    text.parse().map_err(|e| SwarmError::Address { address: text.into(), what: format!("{e}") })
}

/// Addresses of peers, each one that can be dialed.
pub(super) fn dialable(texts: &[String]) -> Result<Vec<Multiaddr>, SwarmError> {
    let one = |text: &String| {
        let address = parsed(text)?;
        let what = "an IP address, a port above 0 and at most a peer id are expected".into();
        if is_dialable(&address) {
            Ok(address)
        } else {
            Err(SwarmError::Address { address: text.clone(), what })
        }
    };
    texts.iter().map(one).collect()
}

/// Addresses to listen on.
pub(super) fn listenable(texts: &[String]) -> Result<Vec<Multiaddr>, SwarmError> {
    texts.iter().map(|text| parsed(text)).collect()
}

/// True if any address needs QUIC.
pub(super) fn needs_quic<'a>(mut addresses: impl Iterator<Item = &'a Multiaddr>) -> bool {
    addresses.any(|address| address.iter().any(|part| part == Protocol::QuicV1))
}

#[cfg(test)]
mod tests {
    use super::{dialable, listenable};

    /// W-2.7: what is not at work yet is refused where it is given, and says so.
    #[test]
    fn addresses_that_do_not_work_are_refused_by_name() {
        let refused = ["/dns4/example.org/tcp/1", "/ip4/1.2.3.4/tcp/0", "127.0.0.1:99", "/ip4/0.0.0.0/tcp/7"];
        for text in refused {
            let error = dialable(&[text.to_string()]).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        assert!(dialable(&["/ip4/127.8.0.1/tcp/5".into()]).is_ok());
        assert!(listenable(&["/ip4/0.0.0.0/tcp/0".into(), "/ip4/127.0.0.1/udp/0/quic-v1".into()]).is_ok());
    }
}
