//! Crate arrows: model -> verifier -> ledger -> node, read from the manifests, never back.

use super::{Offense, tree::Tree};

/// Each crate's folder and the crates of ours that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    // The model's build for other machines, a workspace of its own.
    ("model/witness", &["retrace-model"]),
    ("verifier", &["retrace-model"]),
    ("ledger", &["retrace-model", "retrace-verifier"]),
    ("node", &["retrace-model", "retrace-verifier", "retrace-ledger"]),
    ("tests", &["retrace-model", "retrace-verifier", "retrace-ledger"]),
];

/// The crates that are functions of their arguments.
const PURE: &[&str] = &["model", "model/witness", "verifier", "ledger"];

/// Packages that bring a runtime, a network, a disk or entropy; `name-*` is banned with `name`.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio",
    "libp2p",
    "rocksdb",
    "rand",
    "axum",
    "getrandom",
    "hyper",
    "reqwest",
    "mio",
    "socket2",
    "rayon",
];

/// A line of a `[dependencies]` table.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    line: usize,
    development: bool,
    optional: bool,
}

/// Every arrow that points the wrong way and every package that a pure crate may not have.
pub fn check(tree: &Tree) -> Vec<Offense> {
    ARROWS.iter().flat_map(|(folder, allowed)| check_crate(tree, folder, allowed)).collect()
}

fn check_crate(tree: &Tree, folder: &str, allowed: &[&str]) -> Vec<Offense> {
    let path = format!("{folder}/Cargo.toml");
    let Some(manifest) = tree.file(&path) else {
        return vec![Offense::new(&path, 0, "manifest not found")];
    };
    let wrong = |dependency: &Dependency| {
        if dependency.name.starts_with("retrace-") {
            return !allowed.contains(&dependency.name.as_str());
        }
        PURE.contains(&folder) && !dependency.development && is_outside_world(dependency)
    };
    dependencies(&manifest.text)
        .iter()
        .filter(|dependency| wrong(dependency))
        .map(|found| Offense::new(&path, found.line, format!("{folder} must not depend on {}", found.name)))
        .collect()
}

/// `RocksDB` may stand behind a feature: the ledger's `Store` has a memory body without it.
fn is_outside_world(dependency: &Dependency) -> bool {
    let listed = OUTSIDE_WORLD
        .iter()
        .any(|name| dependency.name == *name || dependency.name.starts_with(&format!("{name}-")));
    listed && !(dependency.name == "rocksdb" && dependency.optional)
}

/// The dependencies of a manifest, in table or in line form, under their package's own name.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut table = String::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let development = table.contains("dev-dependencies");
        if let Some(heading) = line.strip_prefix('[') {
            table = heading.trim_end_matches(']').to_owned();
            if let Some((kind, name)) = table.rsplit_once("dependencies.") {
                let development = kind.ends_with("dev-");
                let name = name.trim_matches('"').to_owned();
                found.push(Dependency { name, line: index + 1, development, optional: false });
            }
        } else if let Some((key, value)) = line.split_once('=') {
            if table.ends_with("dependencies") {
                found.push(dependency(key, value, index + 1, development));
            } else if let (true, Some(last)) = (table.contains("dependencies."), found.last_mut()) {
                amend(last, key.trim(), value.trim());
            }
        }
    }
    found
}

fn dependency(key: &str, value: &str, line: usize, development: bool) -> Dependency {
    let key = key.split('.').next().unwrap_or_default().trim().trim_matches('"');
    let renamed = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
    let optional = value.replace(' ', "").contains("optional=true");
    Dependency { name: renamed.unwrap_or(key).to_owned(), line, development, optional }
}

fn amend(dependency: &mut Dependency, key: &str, value: &str) {
    match key {
        "package" => dependency.name = value.trim_matches('"').to_owned(),
        "optional" => dependency.optional = value == "true",
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{ARROWS, check};
    use crate::tidy::tree::Tree;

    fn offenders(folder: &str, manifest: &str) -> Vec<String> {
        let path = format!("{folder}/Cargo.toml");
        let mut files = vec![(path.as_str(), manifest)];
        let others: Vec<_> = ARROWS.iter().map(|(name, _)| format!("{name}/Cargo.toml")).collect();
        files.extend(others.iter().filter(|other| **other != path).map(|other| (other.as_str(), "")));
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_back_is_refused() {
        let manifest =
            "[dependencies]\nretrace-model.workspace = true\nretrace-ledger = { path = \"../ledger\" }\n";
        assert_eq!(
            offenders("verifier", manifest),
            ["verifier/Cargo.toml:3: verifier must not depend on retrace-ledger"]
        );
        assert!(offenders("node", manifest).is_empty());
        assert_eq!(offenders("model/witness", manifest).len(), 1);
        assert_eq!(offenders("tests", "[dev-dependencies.retrace-node]\npath = \"../node\"\n").len(), 1);
    }

    #[test]
    fn the_outside_world_is_refused_in_pure_crates() {
        assert_eq!(offenders("model", "[dependencies]\nrand = \"0.9\"\n").len(), 1);
        assert_eq!(offenders("model", "[target.'cfg(unix)'.dependencies]\nlibp2p-quic = \"1\"\n").len(), 1);
        assert_eq!(offenders("ledger", "[dependencies]\nclock = { package = \"tokio\" }\n").len(), 1);
        assert!(offenders("model", "[dev-dependencies]\nrand = \"0.9\"\n").is_empty());
        assert!(offenders("node", "[dependencies]\ntokio = \"1\"\n").is_empty());
    }

    #[test]
    fn rocksdb_must_be_optional() {
        assert_eq!(offenders("ledger", "[dependencies]\nrocksdb.workspace = true\n").len(), 1);
        assert!(
            offenders("ledger", "[dependencies]\nrocksdb = { workspace = true, optional = true }\n")
                .is_empty()
        );
        assert!(offenders("ledger", "[dependencies.rocksdb]\noptional = true\n").is_empty());
    }

    #[test]
    fn a_missing_manifest_is_an_offense() {
        assert_eq!(check(&Tree::default()).len(), ARROWS.len());
    }
}
