//! The dependency budget: how many packages `Cargo.lock` may name.

use super::{Offense, tree::Tree};

/// Raising this is a decision of its own: say in the commit which package came and what it brought along.
/// Consensus, libp2p, `RocksDB` and axum take about 600 between them. The network's small parts brought about 60
/// more: age (keystores at rest), utoipa, tower-http and ureq (the interface and its client), toml (manifests and
/// configuration) and tracing-subscriber (logs). The rest is head room.
pub const PACKAGES: usize = 700;

/// The lock file, if it is missing or over budget.
pub fn check(tree: &Tree, budget: usize) -> Vec<Offense> {
    let Some(lock) = tree.file("Cargo.lock") else {
        return vec![Offense::new("Cargo.lock", 0, "not found; builds are --locked")];
    };
    let count = lock.text.lines().filter(|line| *line == "[[package]]").count();
    if count <= budget {
        return Vec::new();
    }
    vec![Offense::new("Cargo.lock", 0, format!("{count} packages, the budget is {budget}"))]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    #[test]
    fn one_too_many_is_refused() {
        let tree = Tree::of(&[("Cargo.lock", "[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\n")]);
        assert!(check(&tree, 2).is_empty());
        assert_eq!(check(&tree, 1).len(), 1);
        assert_eq!(check(&Tree::default(), 1).len(), 1);
    }
}
