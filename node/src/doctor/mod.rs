//! What a role will need of this machine, said before it starts: memory, disk, speed.

mod need;
mod room;
mod speed;
mod step;

pub use need::Need;
pub use room::Room;
pub use speed::{Speed, measure};
pub use step::StepNeed;

use retrace_ledger::{Role, RunTerms};
use retrace_model::{Backend, Engine, RunSpec};
use serde::Serialize;
use std::path::Path;

/// How much longer a step takes without AVX2 and FMA: 18.2 against 0.41 s on one machine, a GPT of 6 layers and width
/// 256 on two threads. Multiply-add is then put together from exact binary64 operations (M-1.6).
pub const PORTABLE_SLOWDOWN: u32 = 44;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where the home is or will be.
    pub home: &'a Path,
    /// What the node will do.
    pub roles: &'a [Role],
    /// Cache and buffers of its database, in MiB.
    pub storage_mib: u32,
    /// What it computes with.
    pub engine: Engine,
    /// The run that it will work on, where that is known.
    pub run: Option<&'a RunTerms>,
    /// The run whose step is forecast by itself, without a network.
    pub step: Option<&'a RunSpec>,
}

/// What a role will need, what there is, and what is wrong with that.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// Memory and disk needed.
    pub need: Need,
    /// Memory and disk there are.
    pub room: Room,
    /// A step of the run that was named.
    pub step: Option<StepNeed>,
    /// Steps a second, measured just now.
    pub speed: Speed,
    /// A segment of the run in seconds, at that speed.
    pub segment_seconds: Option<f64>,
    /// The time that the run gives for one.
    pub segment_seconds_max: Option<f64>,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// Something to mind.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// The processor lacks AVX2 or FMA.
    #[error(
        "this CPU has no AVX2 with FMA: every bit will be right, and a step takes about {slowdown} times as long; \
         such a machine audits, it does not train"
    )]
    NoVectors {
        /// How many times.
        slowdown: u32,
    },
    /// A slower backend than the best was asked for.
    #[error("backend {asked} was asked for, this machine has {best}, which gives the same bits sooner")]
    SlowBackend {
        /// What was asked for.
        asked: &'static str,
        /// What there is.
        best: &'static str,
    },
    /// Segments come too late.
    #[error(
        "a segment takes about {needed:.0} s here and the run gives {given:.0} s: this trainer will miss its slots"
    )]
    TooSlow {
        /// Seconds of a segment.
        needed: f64,
        /// Seconds that the run gives.
        given: f64,
    },
    /// Memory is short.
    #[error("about {needed_mib} MiB of memory are needed, {free_mib} MiB are free")]
    Memory {
        /// Needed.
        needed_mib: u64,
        /// Free.
        free_mib: u64,
    },
    /// The disk is short.
    #[error("about {needed_mib} MiB of disk are needed for the whole run, {free_mib} MiB are free")]
    Disk {
        /// Needed.
        needed_mib: u64,
        /// Free.
        free_mib: u64,
    },
}

/// Measures for about a third of a second and says what to expect.
pub fn forecast(question: &Question<'_>) -> Forecast {
    let need = Need::of(question);
    let room = Room::of(question.home);
    let computes = question.roles.iter().any(|role| matches!(role, Role::Trainer | Role::Verifier));
    let step = question.step.map(StepNeed::of);
    // A step that does not fit is not tried.
    let fits = |needed: &StepNeed| room.memory_mib.is_none_or(|free| needed.peak_bytes >> 20 < free);
    let tried = question.step.filter(|_| step.as_ref().is_some_and(fits));
    let speed = measure(&question.engine, tried.or(question.run.map(|terms| &terms.spec)));
    let on_run = question.run.filter(|_| speed.of_the_run && question.roles.contains(&Role::Trainer));
    let segment_seconds = on_run.map(|terms| f64::from(terms.spec.steps) / speed.steps_a_second);
    let segment_seconds_max = on_run.map(|terms| terms.commit_span.ms as f64 / 1e3);
    let mut warnings = Vec::new();
    let (asked, best) = (question.engine.backend, Backend::best());
    if computes && best <= Backend::Portable {
        warnings.push(Warning::NoVectors { slowdown: PORTABLE_SLOWDOWN });
    } else if computes && asked <= Backend::Portable {
        warnings.push(Warning::SlowBackend { asked: asked.name(), best: best.name() });
    }
    if let (Some(needed), Some(given)) = (segment_seconds, segment_seconds_max)
        && needed > given
    {
        warnings.push(Warning::TooSlow { needed, given });
    }
    let needed_mib = need.memory_mib.max(step.map_or(0, |step| step.peak_bytes.div_ceil(1 << 20)));
    if let Some(free_mib) = room.memory_mib.filter(|free| *free < needed_mib) {
        warnings.push(Warning::Memory { needed_mib, free_mib });
    }
    if let Some(free_mib) = room.disk_mib.filter(|free| *free < need.disk_mib) {
        warnings.push(Warning::Disk { needed_mib: need.disk_mib, free_mib });
    }
    Forecast { need, room, step, speed, segment_seconds, segment_seconds_max, warnings }
}

impl Forecast {
    /// Lines for people, warnings last.
    pub fn lines(&self) -> Vec<String> {
        let of = |free: Option<u64>| free.map_or("unknown".into(), |free| format!("{free} MiB free"));
        let model = if self.speed.of_the_run { "the run's model" } else { "the golden model" };
        let mut lines = vec![
            format!("memory   about {} MiB, {}", self.need.memory_mib, of(self.room.memory_mib)),
            format!("disk     about {} MiB, {}", self.need.disk_mib, of(self.room.disk_mib)),
            format!(
                "speed    {:.1} steps/s of {model} on {}, {} thread(s)",
                self.speed.steps_a_second, self.speed.backend, self.speed.threads
            ),
        ];
        lines.splice(0..0, self.step.iter().flat_map(StepNeed::lines));
        if let (Some(needed), Some(given)) = (self.segment_seconds, self.segment_seconds_max) {
            lines.push(format!("segment  about {needed:.1} s of the {given:.0} s that the run gives"));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Question, Warning, forecast};
    use crate::devnet::RunPlan;
    use retrace_ledger::{Role, Span};
    use retrace_model::{Backend, Engine};
    use std::path::Path;

    #[test]
    fn a_trainer_that_is_too_slow_is_told_before_it_starts() {
        let mut terms = RunPlan::default().terms([1; 32], Vec::new()).unwrap();
        let engine = Engine { backend: Backend::Portable, threads: 1 };
        let home = Path::new("/nowhere/at/all");
        let roles = [Role::Trainer];
        terms.commit_span = Span { heights: 1, ms: 1 };
        let question =
            Question { home, roles: &roles, storage_mib: 24, engine, run: Some(&terms), step: None };
        let said = forecast(&question);
        assert!(said.speed.of_the_run && said.segment_seconds.is_some_and(|s| s > 0.001));
        assert!(said.warnings.iter().any(|w| matches!(w, Warning::TooSlow { .. })), "{:?}", said.warnings);
        let slow = |w: &Warning| matches!(w, Warning::SlowBackend { .. } | Warning::NoVectors { .. });
        assert!(said.warnings.iter().any(slow));
        let lines = said.lines();
        assert!(lines.iter().any(|line| line.starts_with("speed ")));
        let follower = forecast(&Question { roles: &[], run: None, ..question });
        assert!(!follower.warnings.iter().any(slow), "who does not compute needs no speed");
        assert!(follower.need.memory_mib < said.need.memory_mib);
    }
}
