//! One history: the same block and the same state root at every height, on everybody.

use crate::{node::Node, process::wait_for};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Heights that two tips may be apart.
const TIPS_APART: u64 = 3;
/// How long nodes may take to be that near to each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// Heads of all blocks from a height on.
#[track_caller]
pub fn heads(node: &Node, from: u64) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), Some(from.max(1)));
    while let Some(from) = next {
        let page = node.get(&format!("/v1/blocks?from={from}&limit=50"));
        found.extend(page["blocks"].as_array().expect("a list of blocks").iter().cloned());
        next = page["next"].as_u64();
    }
    found
}

/// What makes two blocks the same, by height.
#[track_caller]
fn chain(node: &Node) -> BTreeMap<u64, (String, String)> {
    let text = |head: &Value, key: &str| head[key].as_str().expect("a text").to_string();
    let blocks = heads(node, 1).into_iter().map(|head| {
        let height = head["height"].as_u64().expect("a height");
        (height, (text(&head, "id"), text(&head, "state_root")))
    });
    blocks.collect()
}

/// Asserts that nodes come near to each other and share one history, from the first block on. Gives the lowest tip.
#[track_caller]
pub fn agree(nodes: &[Node]) -> u64 {
    wait_for("tips within three heights", PATIENCE, || {
        let heights: Option<Vec<u64>> = nodes.iter().map(Node::height).collect();
        let heights = heights?;
        let apart = heights.iter().max()? - heights.iter().min()?;
        (apart <= TIPS_APART).then_some(())
    });
    let chains: Vec<_> = nodes.iter().map(chain).collect();
    let lowest = chains.iter().filter_map(|chain| chain.keys().next_back()).min().copied();
    let lowest = lowest.expect("nodes have blocks");
    for height in 1..=lowest {
        let at: Vec<_> = chains.iter().map(|chain| chain.get(&height)).collect();
        assert!(at[0].is_some() && at.iter().all(|block| *block == at[0]), "height {height}: {at:?}");
    }
    lowest
}

/// Names of those that were slashed, in order; each slash of a peer counts once.
#[track_caller]
pub fn slashed(node: &Node) -> Vec<Value> {
    let said = node.get("/v1/slashes?limit=200");
    said["slashes"].as_array().expect("a list of slashes").clone()
}
