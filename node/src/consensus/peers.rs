//! Who may connect: the peers we were told of, and the validators as the ledger changes them (W-1.7).

use super::ConsensusError;
use super::context::ValidatorSet;
use libp2p::identity::{PublicKey, ed25519};
use malachite_app_channel::NetworkRequest;
use malachite_app_channel::app::net::Multiaddr;
use std::collections::BTreeSet;
use tokio::sync::mpsc::Sender;

/// The peer id of a registered node key; none if the bytes are no key.
pub fn peer_id(node: &[u8; 32]) -> Option<String> {
    let key = ed25519::PublicKey::try_from_bytes(node).ok()?;
    Some(PublicKey::from(key).to_peer_id().to_string())
}

/// Reads an address.
pub fn address(text: &str) -> Result<Multiaddr, ConsensusError> {
    let refused = |reason: String| ConsensusError::Address { address: text.to_owned(), reason };
    text.parse().map_err(|error| refused(format!("{error}")))
}

/// Follows the validator set: a peer that is in it may connect, one that is no more may not.
pub struct Doorkeeper {
    requests: Sender<NetworkRequest>,
    /// Peers that were configured: they may always connect.
    configured: BTreeSet<String>,
    admitted: BTreeSet<String>,
}

impl Doorkeeper {
    /// A doorkeeper who knows the configured peers and our own id.
    pub fn new(requests: Sender<NetworkRequest>, peers: &[String], own: &[u8; 32]) -> Doorkeeper {
        let named = peers.iter().filter_map(|peer| peer.rsplit_once("/p2p/").map(|(_, id)| id.to_owned()));
        Doorkeeper { requests, configured: named.chain(peer_id(own)).collect(), admitted: BTreeSet::new() }
    }

    /// Lets in who is in the set, and shows out who is not.
    pub async fn follow(&mut self, set: &ValidatorSet) {
        let named = set.iter().filter_map(|validator| peer_id(&validator.node));
        let wanted: BTreeSet<String> = named.filter(|id| !self.configured.contains(id)).collect();
        for id in wanted.difference(&self.admitted) {
            let Ok(address) = address(&format!("/p2p/{id}")) else { continue };
            let added = NetworkRequest::add_persistent_peer(&self.requests, address).await;
            tracing::info!(peer = %id, ?added, "a validator may connect");
        }
        for id in self.admitted.difference(&wanted) {
            let Ok(address) = address(&format!("/p2p/{id}")) else { continue };
            let removed = NetworkRequest::remove_persistent_peer(&self.requests, address).await;
            tracing::info!(peer = %id, ?removed, "no validator any more: it may not connect");
        }
        self.admitted = wanted;
    }

    /// The ids of all peers that are connected.
    pub async fn connected(&self) -> BTreeSet<String> {
        let dump = NetworkRequest::dump_state(&self.requests).await.ok().flatten();
        dump.map_or_else(BTreeSet::new, |dump| dump.peers.keys().map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use malachite_app_channel::app::types::Keypair;

    /// W-1.7: the registered node key names the peer.
    #[test]
    fn a_node_key_names_its_peer() {
        let secret = [5; 32];
        let node = SigningKey::from_bytes(&secret).verifying_key().to_bytes();
        let keypair = Keypair::ed25519_from_bytes(secret).unwrap();
        assert_eq!(peer_id(&node), Some(keypair.public().to_peer_id().to_string()));
        assert!(address(&format!("/ip4/127.0.0.1/tcp/1/p2p/{}", peer_id(&node).unwrap())).is_ok());
        assert!(matches!(address("here"), Err(ConsensusError::Address { .. })));
    }
}
