//! The forecast: how many bytes are alive at once (M-8.1).

use super::leaves::outputs;
use super::{Stage, trace_leaf};
use crate::program::{Home, Leaf, Program};
use std::collections::BTreeMap;

/// Buffers of one length: how many are in use, and how many ever were.
#[derive(Default)]
struct Class {
    now: u64,
    most: u64,
}

/// Bytes of all buffers, each length having as many as are ever in use at once: a workspace keeps no more.
pub(super) fn peak(program: &Program, stages: &[Stage]) -> u64 {
    let mut classes: BTreeMap<u64, Class> = BTreeMap::new();
    let mut take = |length: u64| {
        let class = classes.entry(length).or_default();
        class.now += 1;
        class.most = class.most.max(class.now);
    };
    let mut outside: BTreeMap<Leaf, u64> = BTreeMap::new();
    for operand in program.rows.iter().flat_map(|row| row.operands.iter().chain(&row.start)) {
        if !matches!(operand.leaf, Leaf::Trace(_) | Leaf::Post(_) | Leaf::Batch) {
            outside.insert(operand.leaf, operand.length);
        }
    }
    outside.values().for_each(|length| take(*length));
    let mut lengths = vec![0; program.trace_leaves as usize];
    for stage in stages {
        for at in outputs(stage.work) {
            let row = &program.rows[at];
            let class = classes.entry(row.elements()).or_default();
            class.now += u64::from(row.home != Home::Loss);
            class.most = class.most.max(class.now);
            if let Some(leaf) = trace_leaf(row.home) {
                lengths[leaf as usize] = row.elements();
            }
        }
        for leaf in &stage.frees {
            if let Some(class) = classes.get_mut(&lengths[*leaf as usize]) {
                class.now -= 1;
            }
        }
    }
    classes.iter().map(|(length, class)| 4 * length * class.most).sum()
}
