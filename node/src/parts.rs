//! The network's parts, linked and checked at start-up; they go to work when the first network does.
//!
//! No socket is opened and no database is made here: each part is asked for one thing that it cannot give when it
//! is not linked whole.

use malachite_core_types::Round;

/// A part with what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name.
    pub name: &'static str,
    /// What it answered.
    pub answer: String,
}

/// Asks every part.
pub fn check() -> Vec<Part> {
    let part = |name, answer| Part { name, answer };
    vec![
        part("consensus (Malachite)", consensus()),
        part("public network (libp2p)", public_network()),
        part("storage (RocksDB)", storage()),
        part("verified streaming (bao-tree)", streaming()),
        part("interface (axum)", interface()),
        part("runtime (tokio)", runtime()),
    ]
}

fn consensus() -> String {
    let next = Round::new(0).increment();
    let sync = malachite_sync::Config::default();
    let kinds = [
        std::any::type_name::<malachite_core_consensus::Role>(),
        std::any::type_name::<malachite_engine::node::NodeRef>(),
        std::any::type_name::<malachite_signing::Error>(),
        std::any::type_name::<malachite_app_channel::app::types::core::Round>(),
    ];
    format!("round {next} follows round 0, {} crates, sync on: {}", kinds.len() + 2, sync.enabled)
}

fn public_network() -> String {
    let key = libp2p::identity::Keypair::generate_ed25519();
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key).with_tokio();
    drop(swarm);
    "an identity and a swarm builder".into()
}

fn storage() -> String {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    "options with lz4".into()
}

fn streaming() -> String {
    let tree = bao_tree::BaoTree::new(10_000, bao_tree::BlockSize::ZERO);
    format!("a tree of {} chunks", tree.chunks().0)
}

fn interface() -> String {
    let router: axum::Router = axum::Router::new().route("/health", axum::routing::get(|| async { "ok" }));
    format!("a router with routes: {}", router.has_routes())
}

fn runtime() -> String {
    let built = tokio::runtime::Builder::new_current_thread().build();
    built.map_or_else(|e| e.to_string(), |runtime| format!("{} worker", runtime.metrics().num_workers()))
}
