//! Which buffer holds which value: values that are never alive at once share one (M-8.1).

use super::leaves::outputs;
use super::{Stage, trace_leaf};
use crate::program::Program;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Which values may share a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All that are not alive at once; the buffer is as long as the longest.
    AnyLength,
    /// Those of one length: who sees whole outputs sees buffers that are exactly as long as their values.
    EqualLength,
}

/// A value from the stage that writes it to the last one that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub elements: u64,
    /// The stage that writes it.
    pub first: usize,
    /// Its place among the outputs of that stage.
    pub output: usize,
    /// The stage after which it is free.
    pub last: usize,
}

/// A buffer with the lives that it holds, by first stage.
struct Slot {
    elements: u64,
    lives: BTreeMap<usize, usize>,
}

impl Slot {
    fn has_room(&self, life: &Life, sharing: Sharing) -> bool {
        let fits = match sharing {
            Sharing::AnyLength => self.elements >= life.elements,
            Sharing::EqualLength => self.elements == life.elements,
        };
        // Lives in here are apart, so that the last one to begin before this one ends is the only one to ask.
        fits && self.lives.range(..=life.last).next_back().is_none_or(|(_, last)| *last < life.first)
    }
}

/// Every value of the op list; one that is computed twice lives twice.
pub(super) fn lives(program: &Program, stages: &[Stage]) -> Vec<Life> {
    let mut lives = Vec::new();
    let mut alive: Vec<Option<usize>> = vec![None; program.trace_leaves as usize];
    for (at, stage) in stages.iter().enumerate() {
        for (output, row) in outputs(stage.work).into_iter().map(|row| &program.rows[row]).enumerate() {
            if let Some(leaf) = trace_leaf(row.home) {
                alive[leaf as usize] = Some(lives.len());
                // To the end, unless a stage frees it.
                lives.push(Life { elements: row.elements(), first: at, output, last: stages.len() });
            }
        }
        for leaf in &stage.frees {
            if let Some(life) = alive[*leaf as usize].take() {
                lives[life].last = at;
            }
        }
    }
    lives
}

/// Gives every value of the op list a buffer, and returns their lengths in elements.
///
/// Longest first, each into the first buffer that is free for all of its life: a later one is never too long for a
/// buffer that is there (Pisarchyk and Lee 2020, "greedy by size").
pub(super) fn assign(program: &Program, stages: &mut [Stage], sharing: Sharing) -> Vec<u64> {
    let mut lives = lives(program, stages);
    lives.sort_by_key(|life| (Reverse(life.elements), life.first, life.output));
    let mut slots: Vec<Slot> = Vec::new();
    for life in lives {
        let found = slots.iter().position(|slot| slot.has_room(&life, sharing));
        let at = found.unwrap_or_else(|| {
            slots.push(Slot { elements: life.elements, lives: BTreeMap::new() });
            slots.len() - 1
        });
        slots[at].lives.insert(life.first, life.last);
        stages[life.first].slots[life.output] = Some(at);
    }
    slots.iter().map(|slot| slot.elements).collect()
}
