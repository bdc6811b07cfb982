//! What the swarm counts, for the registry of the process (W-2.3).

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// All counters of the swarm.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Bytes of questions, answers and gossip that came.
    pub bytes_in: Counter,
    /// Bytes of questions, answers and gossip that went.
    pub bytes_out: Counter,
    /// Connected peers of this network.
    pub peers: Gauge,
    /// Questions of others that were answered.
    pub answered: Counter,
    /// Blocks that came from peers and were applied.
    pub blocks: Counter,
    /// Transactions that came from peers and were taken in.
    pub transactions: Counter,
    /// Blobs that were fetched whole.
    pub fetched: Counter,
    /// Verified bytes of blobs.
    pub fetched_bytes: Counter,
    /// Blobs that nobody had in time.
    pub unfetched: Counter,
}

impl Counters {
    /// Adds them to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("swarm");
        registry.register("bytes_in", "Bytes that came from peers", self.bytes_in.clone());
        registry.register("bytes_out", "Bytes that went to peers", self.bytes_out.clone());
        registry.register("peers", "Connected peers of this network", self.peers.clone());
        registry.register("answered", "Questions of peers that were answered", self.answered.clone());
        registry.register("blocks", "Blocks from peers that were applied", self.blocks.clone());
        registry.register(
            "transactions",
            "Transactions from peers that were taken in",
            self.transactions.clone(),
        );
        registry.register("fetched", "Blobs that were fetched whole", self.fetched.clone());
        registry.register("fetched_bytes", "Verified bytes of blobs", self.fetched_bytes.clone());
        registry.register("unfetched", "Blobs that nobody had in time", self.unfetched.clone());
    }
}
