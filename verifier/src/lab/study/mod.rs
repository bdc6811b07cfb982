//! The case study of Lu et al. (arXiv 2312.00843) in the dispute game: six stages, lies in either direction (V-4.9).
//!
//! The paper cuts a model into six pipeline stages. A malicious one multiplies the activations that it passes on by -1
//! or replaces them by noise, or does so to gradients on the way back; the stage behind it computes it again and
//! compares. Here a stage is a block, and what it passes on is the last output of its block in either direction.

mod model;
mod table;

pub(super) use model::distort;

use super::LabError;
use crate::game::Finding;
use model::Model;

/// Stages of the model.
pub const STAGES: usize = 6;

/// What a stage passes on wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Activations to the next stage.
    Forward,
    /// Gradients to the stage before.
    Backward,
    /// Its own new parameters.
    Optimizer,
}

/// One lie of the study.
#[derive(Clone, Debug)]
pub struct Studied {
    /// What is passed on wrongly.
    pub stage: Stage,
    /// The stages that lie, from 1; none where the accuser does.
    pub stages: Vec<usize>,
    /// What they do.
    pub does: &'static str,
    /// What the paper's detection makes of it, per the paper.
    pub paper: &'static str,
    /// What the referee found; none where the accused won.
    pub finding: Option<Finding>,
    /// Where in the model the finding is.
    pub label: String,
    /// Bytes of the judging move.
    pub judging_bytes: u64,
    /// The right answer: the row and element where the posted trace departs, or that the accuser lost.
    pub attributed: bool,
}

/// The whole study.
#[derive(Clone, Debug)]
pub struct Study {
    /// Its rows.
    pub rows: Vec<Studied>,
}

impl Study {
    /// True where every row was attributed rightly.
    pub fn stood(&self) -> bool {
        self.rows.iter().all(|row| row.attributed)
    }
}

const EXEMPT: &str = "not checked: first and last stage are exempt";
const CHECKED: &str = "detected: the next stage computes it again";
const BACKWARD: &str = "not checked: the backward pass is not";
const OPTIMIZER: &str = "not checked: the optimizer is not";
const PAIR: &str = "passes: whoever would check is a colluder";
const ACCUSER: &str = "accuser and accused are both skipped";

/// Plays the whole study; `progress` hears how many rows are done.
pub fn case_study(progress: &mut dyn FnMut(u64)) -> Result<Study, LabError> {
    let model = Model::new();
    let mut rows = Vec::new();
    let mut keep = |row: Studied| {
        rows.push(row);
        progress(rows.len() as u64);
    };
    let (first, middle, last) = (1, STAGES / 2, STAGES);
    for (at, paper) in [(first, EXEMPT), (middle, CHECKED), (last, EXEMPT)] {
        for noise in [false, true] {
            keep(model.lie(Stage::Forward, &[at], noise, paper)?);
        }
    }
    for at in [last, middle, first] {
        for noise in [false, true] {
            keep(model.lie(Stage::Backward, &[at], noise, BACKWARD)?);
        }
    }
    keep(model.lie(Stage::Optimizer, &[middle], false, OPTIMIZER)?);
    for pair in [[first, first + 1], [middle, middle + 1], [last - 1, last]] {
        keep(model.lie(Stage::Forward, &pair, false, PAIR)?);
        // Gradients go the other way.
        keep(model.lie(Stage::Backward, &[pair[1], pair[0]], true, BACKWARD)?);
    }
    keep(model.accuser()?);
    Ok(Study { rows })
}
