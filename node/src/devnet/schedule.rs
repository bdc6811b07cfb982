//! Which perturbation is due: a function of the time, the height and the round, with no clock of its own.

use super::manifest::{Action, Perturbation, When};
use std::time::Duration;

/// How far the devnet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since it was ready.
    pub elapsed: Duration,
    /// Height of the chain.
    pub height: u64,
    /// Round of the run, once it is open.
    pub round: Option<u32>,
}

/// Something to do to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Position of the node.
    pub node: usize,
    /// What.
    pub action: Action,
}

/// Perturbations that are still to come.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    waiting: Vec<Perturbation>,
}

impl Schedule {
    /// All of a manifest.
    pub fn new(perturbations: &[Perturbation]) -> Schedule {
        Schedule { waiting: perturbations.to_vec() }
    }

    /// Takes what is due, in the manifest's order. What undoes it becomes due its duration after this moment, not after
    /// the one that was asked for: a pause lasts as long as it says.
    pub fn take(&mut self, now: Now) -> Vec<Due> {
        let is_due = |when: When| match when {
            When::After(span) => span <= now.elapsed,
            When::Height(height) => height <= now.height,
            When::Round(round) => now.round.is_some_and(|at| round <= at),
        };
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|p| is_due(p.when));
        self.waiting = waiting;
        let mut taken = Vec::new();
        for p in due {
            taken.extend(p.nodes.iter().map(|node| Due { node: *node, action: p.action }));
            if let (Some(lasts), Some(action)) = (p.lasts, p.action.end()) {
                let when = When::After(now.elapsed + lasts);
                self.waiting.push(Perturbation { when, nodes: p.nodes, action, lasts: None });
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Action, Perturbation, When};
    use super::{Due, Now, Schedule};
    use std::time::Duration;

    fn at(ms: u64, height: u64, round: Option<u32>) -> Now {
        Now { elapsed: Duration::from_millis(ms), height, round }
    }

    fn perturbation(when: When, nodes: &[usize], action: Action, lasts_ms: Option<u64>) -> Perturbation {
        let lasts = lasts_ms.map(Duration::from_millis);
        Perturbation { when, nodes: nodes.to_vec(), action, lasts }
    }

    #[test]
    fn each_is_due_once_and_undone_after_its_duration() {
        let second = When::After(Duration::from_secs(1));
        let mut schedule = Schedule::new(&[
            perturbation(second, &[2], Action::Kill, Some(500)),
            perturbation(When::Height(7), &[0, 1], Action::Pause, Some(2_000)),
            perturbation(When::Round(0), &[3], Action::Restart, None),
        ]);
        let due = |node, action| Due { node, action };
        assert_eq!(schedule.take(at(999, 6, None)), []);
        assert_eq!(schedule.take(at(1_200, 6, None)), [due(2, Action::Kill)]);
        assert_eq!(schedule.take(at(1_600, 6, Some(0))), [due(3, Action::Restart)]);
        assert_eq!(schedule.take(at(1_700, 6, Some(0))), [due(2, Action::Restart)]);
        let paused = [due(0, Action::Pause), due(1, Action::Pause)];
        assert_eq!(schedule.take(at(5_000, 9, Some(1))), paused, "heights may be passed over");
        assert_eq!(schedule.take(at(6_999, 9, Some(1))), []);
        let resumed = [due(0, Action::Resume), due(1, Action::Resume)];
        assert_eq!(schedule.take(at(7_000, 9, Some(1))), resumed);
        assert_eq!(schedule.take(at(u64::MAX, u64::MAX, Some(u32::MAX))), [], "nothing is left");
    }
}
