//! `[[perturb]]`: what is done to a node, and when.

use super::ManifestError;
use crate::config::{Expected, Section, TableError, near};
use std::time::Duration;

/// When something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the devnet is ready and its run is in a block.
    After(Duration),
    /// Once the chain is this high.
    Height(u64),
    /// Once the run is in this round.
    Round(u32),
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL: it ends with no word.
    Kill,
    /// SIGTERM: it ends in order.
    Stop,
    /// SIGSTOP: it stands still.
    Pause,
    /// SIGCONT: it goes on.
    Resume,
    /// SIGTERM, and then it is started again; one that is down is started.
    Restart,
}

/// All actions with their names.
pub const ACTIONS: [(Action, &str); 5] = [
    (Action::Kill, "kill"),
    (Action::Stop, "stop"),
    (Action::Pause, "pause"),
    (Action::Resume, "resume"),
    (Action::Restart, "restart"),
];

impl Action {
    /// The name as manifests spell it.
    pub fn name(self) -> &'static str {
        ACTIONS.into_iter().find(|(action, _)| *action == self).map_or("", |(_, name)| name)
    }

    /// What ends it, where something does.
    pub fn end(self) -> Option<Action> {
        match self {
            Action::Kill | Action::Stop => Some(Action::Restart),
            Action::Pause => Some(Action::Resume),
            Action::Resume | Action::Restart => None,
        }
    }
}

/// One perturbation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Perturbation {
    /// When.
    pub when: When,
    /// Positions of the nodes.
    pub nodes: Vec<usize>,
    /// What.
    pub action: Action,
    /// After how long it is undone.
    pub lasts: Option<Duration>,
}

pub(super) fn read(mut section: Section, names: &[&str]) -> Result<Perturbation, ManifestError> {
    let key = section.key("");
    let key = key.trim_end_matches('.').to_string();
    let example = Expected::Like("10s, 1500ms or 2m");
    let at = section.choice("at", example, duration)?.map(When::After);
    let height = section.whole("at_height", 1, i64::MAX)?.map(|height| When::Height(height as u64));
    let round = section.whole("at_round", 0, 1_000_000)?.map(|round| When::Round(round as u32));
    let missing = |name: &str| TableError::Missing { key: format!("{key}.{name}") };
    let wanted = section.texts("node", super::NODES_MAX)?.ok_or_else(|| missing("node"))?;
    let mut nodes = Vec::new();
    for name in wanted {
        let found = matching(&name, names);
        if found.is_empty() {
            let hint = near(&name, names);
            return Err(TableError::Word { key: section.key("node"), found: name, hint }.into());
        }
        nodes.extend(found);
    }
    let known = ACTIONS.map(|(_, name)| name);
    let named = |name: &str| ACTIONS.into_iter().find(|(_, known)| *known == name).map(|(action, _)| action);
    let action =
        section.choice("action", Expected::OneOf(&known), named)?.ok_or_else(|| missing("action"))?;
    let lasts = section.choice("for", example, duration)?;
    section.end()?;
    let mut times = [at, height, round].into_iter().flatten();
    let (Some(when), None) = (times.next(), times.next()) else { return Err(ManifestError::When { key }) };
    if lasts.is_some() && action.end().is_none() {
        return Err(ManifestError::Endless { key: format!("{key}.for"), action: action.name() });
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok(Perturbation { when, nodes, action, lasts })
}

/// A name, or what it begins with and a star.
fn matching(wanted: &str, names: &[&str]) -> Vec<usize> {
    let is_meant = |name: &str| match wanted.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == wanted,
    };
    (0..names.len()).filter(|at| is_meant(names[*at])).collect()
}

/// `1500ms`, `10s`, `2m`.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok().filter(|n| *n <= 1_000_000_000)?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number * 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        for text in ["", "10", "s", "-1s", "1.5s", "10 s", "1h", "99999999999999999999s", "2000000000s"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }
}
