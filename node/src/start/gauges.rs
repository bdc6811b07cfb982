//! What consensus is doing, as numbers of this process.

use crate::consensus::ConsensusStatus;
use crate::network::Metrics;
use prometheus_client::metrics::gauge::Gauge;

/// The numbers.
#[derive(Default)]
pub(super) struct ConsensusGauges {
    height: Gauge,
    round: Gauge,
    peers: Gauge,
    restarts: Gauge,
}

impl ConsensusGauges {
    /// Registered with the others of the process.
    pub(super) fn new(metrics: &Metrics) -> ConsensusGauges {
        let gauges = ConsensusGauges::default();
        metrics.register(|registry| {
            let mut add =
                |name: &str, says: &str, gauge: &Gauge| registry.register(name, says, gauge.clone());
            add("consensus_height", "Height that is being decided", &gauges.height);
            add("consensus_round", "Its round", &gauges.round);
            add("consensus_peers", "Validators connected", &gauges.peers);
            add("consensus_restarts", "How often the engine was started again in place", &gauges.restarts);
        });
        gauges
    }

    pub(super) fn show(&self, status: &ConsensusStatus) {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.height.set(whole(status.height));
        self.round.set(i64::from(status.round));
        self.peers.set(whole(status.peers as u64));
        self.restarts.set(i64::from(status.restarts));
    }
}
