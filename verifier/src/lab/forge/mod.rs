//! Attacks by name, each played for real: on training, on claims, and on the game itself (V-4.9).
//!
//! One row a strategy. Its answer is what happened, never what ought to: a strategy that neither is convicted nor
//! refused is reported as one that survived.

mod claims;
mod moves;
mod schemers;
mod trainers;

pub use schemers::Schemer;

use super::bench::{Bench, Case};
use super::runs::{bench, small_spec, specs};
use super::{ENVELOPE_BYTES, LabError, Trial};
use crate::evidence;
use crate::game::{Finding, Refusal, Side};
use crate::unit::Unit;
use retrace_model::program::step_labels;
use std::fmt;

/// How an attack ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The referee found a wrong value, and the bundle proves it.
    Convicted {
        /// The unit in dispute.
        unit: Unit,
        /// The wrong value.
        finding: Finding,
        /// Where in the model it is; empty outside steps.
        label: String,
        /// Bytes of the judging transaction.
        evidence_bytes: u64,
    },
    /// A rule refused it, in the rule's own words; nothing changed.
    Refused(String),
    /// The clock decided against a side that stayed silent.
    Expired,
    /// The accused was honest and won.
    Acquitted,
    /// There is nothing that could be played, and why.
    Impossible(&'static str),
    /// It worked.
    Survived(String),
}

/// An attack with its end.
#[derive(Clone, Debug)]
pub struct Forged {
    /// Its name.
    pub name: &'static str,
    /// The published attack that it plays, or the part of the protocol that it tries.
    pub against: &'static str,
    /// What it does.
    pub does: &'static str,
    /// How it ended.
    pub answer: Answer,
}

/// All attacks with their ends.
#[derive(Clone, Debug)]
pub struct Forgeries {
    /// One for each strategy, in the order of the table.
    pub forged: Vec<Forged>,
}

impl Forgeries {
    /// Attacks that ended in this way.
    pub fn count(&self, is_it: impl Fn(&Answer) -> bool) -> usize {
        self.forged.iter().filter(|forged| is_it(&forged.answer)).count()
    }

    /// Attacks that worked.
    pub fn survived(&self) -> usize {
        self.count(|answer| matches!(answer, Answer::Survived(_)))
    }
}

impl Answer {
    /// The outcome in one word.
    pub fn outcome(&self) -> &'static str {
        match self {
            Answer::Convicted { .. } => "convicted",
            Answer::Refused(_) => "refused",
            Answer::Expired => "expired",
            Answer::Acquitted => "acquitted",
            Answer::Impossible(_) => "impossible",
            Answer::Survived(_) => "survived",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Convicted { unit, finding, label, .. } if label.is_empty() => {
                write!(f, "{unit}, {:?}, element {}", finding.kind, finding.element)
            }
            Answer::Convicted { unit, finding, label, .. } => {
                write!(f, "{unit}, {label}, element {}", finding.element)
            }
            Answer::Expired => f.write_str("the silent side loses by the ledger's clock"),
            Answer::Acquitted => f.write_str("the accused was honest, and wins"),
            Answer::Impossible(why) => f.write_str(why),
            Answer::Refused(why) | Answer::Survived(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Forgeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Forged { name, against, answer, .. } in &self.forged {
            writeln!(f, "{name:<24} {against:<38} {:<10} {answer}", answer.outcome())?;
        }
        Ok(())
    }
}

/// One row of the table: name, what it is against, what it does, how it is played.
type Strategy = (&'static str, &'static str, &'static str, fn(&Stand) -> Result<Answer, LabError>);

/// What strategies are played on.
struct Stand {
    /// A GPT with AdamW.
    plain: Bench,
    /// A GPT with dropout, micro-batches and SGD.
    varied: Bench,
}

impl Stand {
    fn new() -> Stand {
        let [_, _, (_, varied), ..] = specs();
        Stand { plain: bench(small_spec()), varied: bench(varied) }
    }
}

/// Plays every strategy; `progress` hears how many are done.
pub fn forge(progress: &mut dyn FnMut(u64)) -> Result<Forgeries, LabError> {
    let stand = Stand::new();
    let mut forged = Vec::new();
    let tables = [&trainers::STRATEGIES[..], &claims::STRATEGIES, &schemers::STRATEGIES, &moves::STRATEGIES];
    for (name, against, does, play) in tables.into_iter().flatten() {
        forged.push(Forged { name, against, does, answer: play(&stand)? });
        progress(forged.len() as u64);
    }
    Ok(Forgeries { forged })
}

/// Plays a liar's case between the automatic players.
fn convict(bench: &Bench, case: &Case) -> Result<Answer, LabError> {
    if case.absorbed {
        return Ok(Answer::Survived("what is claimed is true".into()));
    }
    match bench.judge(case) {
        Ok(trial) => Ok(told(bench, &trial)),
        // Whoever has no legal move loses by the clock.
        Err(LabError::Refused { side: Side::Accused, refusal }) => Ok(refused(Err(refusal))),
        Err(error) => Err(error),
    }
}

/// What a trial shows: a conviction counts where the bundle proves it.
fn told(bench: &Bench, trial: &Trial) -> Answer {
    match evidence::judge(&trial.bundle) {
        Ok(proven) => {
            let labels =
                if matches!(proven.unit, Unit::Step(_)) { step_labels(bench.spec()) } else { vec![] };
            Answer::Convicted {
                unit: proven.unit,
                finding: proven.finding,
                label: labels.get(proven.finding.row as usize).cloned().unwrap_or_default(),
                evidence_bytes: trial.judging_bytes + ENVELOPE_BYTES,
            }
        }
        Err(error) => Answer::Survived(error.to_string()),
    }
}

/// An attack on an honest party: it has failed where the accused has won.
fn acquit(outcome: Result<Trial, LabError>) -> Result<Answer, LabError> {
    match outcome {
        Ok(trial) if trial.outcome.winner == Side::Accused => Ok(Answer::Acquitted),
        Ok(_) => Ok(Answer::Survived("an honest party was convicted".into())),
        Err(LabError::Silent { side: Side::Challenger }) => Ok(Answer::Acquitted),
        Err(LabError::Refused { side: Side::Challenger, refusal }) => Ok(refused(Err(refusal))),
        Err(error) => Err(error),
    }
}

/// What a rule says to a move that must not pass.
fn refused(answer: Result<(), Refusal>) -> Answer {
    match answer {
        Ok(()) => Answer::Survived("the move was taken".into()),
        Err(refusal) => Answer::Refused(refusal.to_string()),
    }
}
