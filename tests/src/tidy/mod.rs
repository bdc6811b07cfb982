//! House rules as tests: each check is a small function over the source tree that lists every offender.
//!
//! A check takes a [`tree::Tree`] and returns [`Offense`]s, so that the tests beside it can plant a bad tree
//! and see it refused. `tests/tests/tidy.rs` runs all of them over the real tree.

use std::fmt;

pub mod arrows;
pub mod budget;
pub mod float_code;
pub mod mask;
pub mod purity;
pub mod shape;
pub mod sizes;
pub mod spec_ids;
pub mod tree;
pub mod words;

/// One place that breaks a house rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offense {
    /// Path below the root of the tree, with forward slashes.
    pub path: String,
    /// Line number, from 1; 0 where the file as a whole offends.
    pub line: usize,
    /// What is wrong, in words.
    pub what: String,
}

impl Offense {
    /// An offense at a line of a file.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Offense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails the calling test with every offender on a line of its own.
///
/// # Panics
/// When the list is not empty.
pub fn refuse(rule: &str, mut offenses: Vec<Offense>) {
    offenses.sort();
    offenses.dedup();
    let lines: Vec<String> = offenses.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}: {} offender(s)\n{}\n", lines.len(), lines.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::{Offense, refuse};

    #[test]
    fn no_offense_passes() {
        refuse("a rule", Vec::new());
    }

    #[test]
    #[should_panic(expected = "a rule: 1 offender(s)\nmodel/src/lib.rs:3: bad")]
    fn an_offense_is_listed() {
        refuse("a rule", vec![Offense::new("model/src/lib.rs", 3, "bad")]);
    }
}
