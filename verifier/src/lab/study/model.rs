//! The model in stages, and its colluding liars (V-4.9).

use super::super::LabError;
use super::super::bench::Bench;
use super::super::departure::departure;
use super::super::draws::Draws;
use super::super::runs::{bench, small_spec};
use super::{ACCUSER, STAGES, Stage, Studied};
use crate::game::Side;
use crate::segment::{Conduct, Honest};
use crate::unit::Unit;
use retrace_model::Words;
use retrace_model::program::{Home, Row, parameter_table, step_labels};

const UNIT: Unit = Unit::Step(1);
const SIGN: u32 = 0x8000_0000;

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
pub(in super::super) fn distort(words: &mut [u32], noise: bool, seed: usize) {
    let mut draws = Draws::new(seed as u64, u64::MAX);
    for word in words {
        *word = if noise { draws.word() as u32 & 0x807F_FFFF | 0x3F00_0000 } else { *word ^ SIGN };
    }
}

/// The study's bench and where its stages end.
pub(super) struct Model {
    bench: Bench,
    labels: Vec<String>,
}

impl Model {
    pub(super) fn new() -> Model {
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
        let table = parameter_table(&spec.model);
        let entry = table.iter().position(|p| p.name == name).ok_or(LabError::Unit)?;
        let home = Home::Post(entry as u32);
        self.bench.honest(UNIT)?.row_at(home).ok_or(LabError::Unit)
    }

    pub(super) fn lie(
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
    pub(super) fn accuser(&self) -> Result<Studied, LabError> {
        let row = self.passed_on(Stage::Forward, STAGES / 2)?;
        let case = self.bench.case(UNIT, &Honest)?;
        let wrong = self.bench.case(UNIT, &Colluders { row, noise: false, cover: None })?.accused;
        let players =
            [self.bench.player(Side::Accused, &case.accused), self.bench.player(Side::Challenger, &wrong)];
        let (lost, judging_bytes) = match super::super::play(case.docket.clone(), players, self.bench.keys())
        {
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
