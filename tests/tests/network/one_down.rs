//! "With one of four validators down the network hardly slows": block intervals before and during, from headers.

use crate::{
    agree::heads,
    manifest::Manifest,
    net::Network,
    node::Node,
    process::{cpu_ms, wait_for},
};
use std::time::{Duration, Instant};

/// Blocks that are counted with all validators up.
const BLOCKS_BEFORE: u64 = 15;
/// And with one down.
const BLOCKS_DURING: u64 = 40;
/// What the law says; a machine that does something else at the same time gets twice as much.
const SLOWEST_MS: u64 = 3_000;

/// Milliseconds between the next blocks, shortest first.
#[track_caller]
fn intervals(node: &Node, blocks: u64) -> Vec<u64> {
    let from = node.height().expect("it answers");
    wait_for("next blocks", Duration::from_secs(4 * blocks), || {
        (node.height()? >= from + blocks).then_some(())
    });
    let times: Vec<u64> =
        heads(node, from).iter().map(|head| head["time_ms"].as_u64().expect("a time")).collect();
    let mut spans: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    spans.sort_unstable();
    spans
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

#[test]
fn one_of_four_down_costs_little() {
    let network = Network::start(&Manifest::validators(4));
    let watcher = network.node("validator-1");
    let pids: Vec<u32> = network.nodes().iter().filter_map(|node| node.pid).collect();
    let (used, since) = (pids.iter().copied().map(cpu_ms).sum::<u64>(), Instant::now());
    let before = intervals(&watcher, BLOCKS_BEFORE);
    let idle_ms = pids.iter().copied().map(cpu_ms).sum::<u64>() - used;
    println!(
        "four idle validators use {:.1} % of a core",
        idle_ms as f64 / since.elapsed().as_millis() as f64 * 100.0
    );
    network.kill("validator-4");
    let during = intervals(&watcher, BLOCKS_DURING);
    for (name, spans) in [("all up", &before), ("one down", &during)] {
        let [p50, p99] = [50, 99].map(|percent| percentile(spans, percent));
        println!("block interval, {name}: p50 {p50} ms, p99 {p99} ms over {} blocks", spans.len());
    }
    let (p50_before, p50, p99) = (percentile(&before, 50), percentile(&during, 50), percentile(&during, 99));
    assert!(p50 <= 2 * p50_before, "p50 {p50} ms, {p50_before} ms before");
    assert!(p99 <= 2 * SLOWEST_MS, "p99 {p99} ms");
}
