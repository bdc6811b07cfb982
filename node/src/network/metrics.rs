//! Counters of this process, in the registry that its interface serves, and refusals by name (W-4.4).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two log lines of one refusal: a flood must not become a flood of lines.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct RefusalLabels {
    kind: &'static str,
    reason: &'static str,
}

/// All counters.
pub struct Metrics {
    registry: Mutex<Registry>,
    refused: Family<RefusalLabels, Counter>,
    logged: Mutex<BTreeMap<RefusalLabels, Instant>>,
    /// Height of the last block.
    pub height: Gauge,
    /// Pending transactions.
    pub pending: Gauge,
    /// Transactions in applied blocks.
    pub transactions: Counter,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("retrace");
        let (refused, height, pending, transactions) =
            (Family::default(), Gauge::default(), Gauge::default(), Counter::default());
        registry.register(
            "refused",
            "What came from outside and was refused, by kind and reason",
            Family::clone(&refused),
        );
        registry.register("height", "Height of the last applied block", height.clone());
        registry.register("pending", "Pending transactions", pending.clone());
        registry.register(
            "transactions",
            "Transactions in blocks applied by this process",
            transactions.clone(),
        );
        let logged = Mutex::default();
        Metrics { registry: Mutex::new(registry), refused, logged, height, pending, transactions }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Counts a refusal of something from outside, and logs it unless the same one was logged a moment ago.
    pub fn refused(&self, kind: &'static str, reason: &'static str) {
        let labels = RefusalLabels { kind, reason };
        self.refused.get_or_create(&labels).inc();
        let mut logged = lock(&self.logged);
        let is_due = logged.get(&labels).is_none_or(|at| at.elapsed() >= LOG_INTERVAL);
        if is_due {
            logged.insert(labels, Instant::now());
            tracing::warn!(kind, reason, "refused");
        }
    }

    /// How often something was refused.
    #[cfg(test)]
    pub fn refusals(&self, kind: &'static str, reason: &'static str) -> u64 {
        self.refused.get_or_create(&RefusalLabels { kind, reason }).get()
    }

    /// Adds counters of another part.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut lock(&self.registry));
    }

    /// All counters as text, in the OpenMetrics format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = encode(&mut text, &lock(&self.registry));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    /// W-4.4: a refusal is counted under its name, and the text says so.
    #[test]
    fn refusals_are_counted_by_name() {
        let metrics = Metrics::default();
        metrics.refused("transaction", "nonce_used");
        metrics.refused("transaction", "nonce_used");
        metrics.refused("blob", "corrupt");
        assert_eq!(metrics.refusals("transaction", "nonce_used"), 2);
        let text = metrics.text();
        assert!(
            text.contains(r#"retrace_refused_total{kind="transaction",reason="nonce_used"} 2"#),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
