//! The case study of Lu et al. (arXiv 2312.00843) in the dispute game: six stages, lies in either direction (V-4.9).
//!
//! The paper cuts a model into six pipeline stages. A malicious one multiplies the activations that it passes on by -1
//! or replaces them by noise, or does so to gradients on the way back; the stage behind it computes it again and
//! compares. Here a stage is a block, and what it passes on is the last output of its block in either direction.

use super::LabError;
use super::bench::Bench;
use super::draws::Draws;
use super::runs::{bench, small_spec};
use super::trace::departure;
use crate::game::{Finding, Side};
use crate::segment::{Conduct, Honest};
use crate::unit::Unit;
use retrace_model::Words;
use retrace_model::program::{Row, step_labels};
use std::fmt;

/// Stages of the model.
pub const STAGES: usize = 6;
const UNIT: Unit = Unit::Step(1);
const SIGN: u32 = 0x8000_0000;

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

/// A stage that does something to what a row passes on, and perhaps a neighbor that covers for it.
struct Colluders {
    row: usize,
    noise: bool,
    /// A row that passes on what an honest model would.
    cover: Option<(usize, Words)>,
}

impl Conduct for Colluders {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if unit != UNIT {
            return;
        }
        if at == self.row {
            distort(words, self.noise, at);
        }
        if let Some((row, covered)) = &self.cover
            && at == *row
        {
            words.clone_from(covered);
        }
    }
}

/// Multiplies by -1, or puts noise of magnitude 0.5 to 1 and either sign in place.
pub(super) fn distort(words: &mut [u32], noise: bool, seed: usize) {
    let mut draws = Draws::new(seed as u64, u64::MAX);
    for word in words {
        *word = if noise { draws.word() as u32 & 0x807F_FFFF | 0x3F00_0000 } else { *word ^ SIGN };
    }
}

const EXEMPT: &str = "not checked: first and last stage are exempt";
const CHECKED: &str = "checked: the next stage computes it again";
const BACKWARD: &str = "not checked: the backward pass is not";
const OPTIMIZER: &str = "not checked: the optimizer is not";
const PAIR: &str = "passes: whoever would check is a colluder";
const ACCUSER: &str = "accuser and accused are both skipped";

/// The study's bench and where its stages end.
struct Model {
    bench: Bench,
    labels: Vec<String>,
}

impl Model {
    fn new() -> Model {
        let mut spec = small_spec();
        spec.model.layers = STAGES as u32;
        Model { labels: step_labels(&spec), bench: bench(spec) }
    }

    /// The last output of a stage, from 1, in one direction.
    fn passed_on(&self, stage: Stage, at: usize) -> Result<usize, LabError> {
        let scope = match stage {
            Stage::Forward => format!("forward/h.{}/", at - 1),
            Stage::Backward => format!("backward/h.{}/", at - 1),
            Stage::Optimizer => return self.updated(at),
        };
        self.labels.iter().rposition(|label| label.starts_with(&scope)).ok_or(LabError::Unit)
    }

    /// The row that writes the new query weights of a stage.
    fn updated(&self, at: usize) -> Result<usize, LabError> {
        let spec = self.bench.spec();
        let name = format!("h.{}.attn.query.weight", at - 1);
        let table = retrace_model::program::parameter_table(&spec.model);
        let entry = table.iter().position(|p| p.name == name).ok_or(LabError::Unit)?;
        let home = retrace_model::program::Home::Post(entry as u32);
        self.bench.honest(UNIT)?.row_at(home).ok_or(LabError::Unit)
    }

    fn lie(
        &self,
        stage: Stage,
        stages: &[usize],
        noise: bool,
        paper: &'static str,
    ) -> Result<Studied, LabError> {
        let row = self.passed_on(stage, stages[0])?;
        let cover = match stages.get(1) {
            Some(second) => {
                let at = self.passed_on(stage, *second)?;
                Some((at, self.bench.honest(UNIT)?.outputs[at].clone()))
            }
            None => None,
        };
        let does = match (noise, cover.is_some()) {
            (false, false) => "times -1",
            (true, false) => "noise",
            (false, true) => "times -1, covered by the next",
            (true, true) => "noise, covered by the next",
        };
        let case = self.bench.case(UNIT, &Colluders { row, noise, cover })?;
        let trial = self.bench.judge(&case)?;
        let finding = trial.outcome.finding.filter(|_| trial.outcome.winner == Side::Challenger);
        let found = finding.map(|f| (f.row as usize, f.element as usize));
        let departs = departure(&case.accused, &case.honest);
        Ok(Studied {
            stage,
            stages: stages.to_vec(),
            does,
            paper,
            finding,
            label: finding.map_or_else(String::new, |f| self.labels[f.row as usize].clone()),
            judging_bytes: trial.judging_bytes,
            attributed: !case.absorbed && found == departs && found.is_some_and(|(at, _)| at == row),
        })
    }

    /// A challenger whose own stage is wrong disputes an honest model.
    fn accuser(&self) -> Result<Studied, LabError> {
        let row = self.passed_on(Stage::Forward, STAGES / 2)?;
        let case = self.bench.case(UNIT, &Honest)?;
        let wrong = self.bench.case(UNIT, &Colluders { row, noise: false, cover: None })?.accused;
        let players =
            [self.bench.player(Side::Accused, &case.accused), self.bench.player(Side::Challenger, &wrong)];
        let (lost, judging_bytes) = match super::play(case.docket.clone(), players, self.bench.keys()) {
            Ok(trial) => (trial.outcome.winner == Side::Accused, trial.judging_bytes),
            Err(LabError::Silent { side } | LabError::Refused { side, .. }) => (side == Side::Challenger, 0),
            Err(error) => return Err(error),
        };
        Ok(Studied {
            stage: Stage::Forward,
            stages: Vec::new(),
            does: "a false accuser",
            paper: ACCUSER,
            finding: None,
            label: String::new(),
            judging_bytes,
            attributed: case.absorbed && lost,
        })
    }
}

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

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Forward => "forward",
            Stage::Backward => "backward",
            Stage::Optimizer => "optimizer",
        })
    }
}

impl Studied {
    /// The stages in words.
    pub fn who(&self) -> String {
        let stages: Vec<String> = self.stages.iter().map(usize::to_string).collect();
        if stages.is_empty() { "challenger".into() } else { stages.join(" and ") }
    }

    /// What the game made of it, in words.
    pub fn ours(&self) -> String {
        match &self.finding {
            Some(f) => {
                let link = f.link.map_or_else(String::new, |link| format!(", link {link}"));
                format!("convicted at {}, element {}{link}", self.label, f.element)
            }
            None if self.attributed => "the accused wins".into(),
            None => "not convicted".into(),
        }
    }
}

impl fmt::Display for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["what", "stages", "does", "per the paper", "here"].map(String::from);
        let rows = self
            .rows
            .iter()
            .map(|row| [row.stage.to_string(), row.who(), row.does.into(), row.paper.into(), row.ours()]);
        let lines: Vec<[String; 5]> = std::iter::once(titles).chain(rows).collect();
        let width = |at: usize| lines.iter().map(|line| line[at].len()).max().unwrap_or(0);
        let [a, b, c, d, _] = [0, 1, 2, 3, 4].map(width);
        for [what, who, does, paper, here] in &lines {
            writeln!(f, "{what:<a$}  {who:<b$}  {does:<c$}  {paper:<d$}  {here}")?;
        }
        Ok(())
    }
}
