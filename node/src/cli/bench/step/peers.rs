//! What `model/benches/peers/run --json` found, to be told beside our own figures.

use super::Refused;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Keys that only the peers' script can give.
pub const KEYS: [&str; 6] = [
    "step_vs_torch_shipped",
    "step_vs_torch_unlocked",
    "step_wide_vs_torch_shipped",
    "step_wide_vs_torch_unlocked",
    "matmul_vs_best_geomean",
    "matmul_vs_best_min",
];
/// Longest file.
const BYTES_MAX: u64 = 1 << 20;

/// The JSON object in the last line of a file.
pub fn read(path: &Path) -> Result<Map<String, Value>, Refused> {
    let refuse = |reason: String| Refused::Peers { path: path.into(), reason };
    let file = std::fs::File::open(path).map_err(|error| refuse(error.to_string()))?;
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| refuse(error.to_string()))?;
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str(last).map_err(|error| refuse(format!("its last line is no JSON object: {error}")))
}
