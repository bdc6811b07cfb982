//! Rule ids travel: each id of `specs/` is cited by code and by a test, and each cited id is in `specs/`.
//!
//! An id is a letter and two numbers, as in `### V-7.2 The referee`. Code may cite a span: "L-1.1 to L-1.4".

use std::collections::BTreeMap;

use super::{
    Offense, mask,
    tree::{TextFile, Tree},
};

/// M: arithmetic and learning. V: verification. L: ledger. W: wire.
const LETTERS: &[u8] = b"MVLW";

/// Planted ids live in the checks' own tests and are no citations.
const OWN_FOLDER: &str = "tests/src/tidy/";

/// A rule's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    letter: char,
    section: u32,
    rule: u32,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}.{}", self.letter, self.section, self.rule)
    }
}

/// Where an id was first seen: a path and a line.
type Places = BTreeMap<Id, (String, usize)>;

/// Ids that are defined twice, not cited by code, not cited by a test, or cited and not defined.
pub fn check(tree: &Tree) -> Vec<Offense> {
    let mut found = Vec::new();
    let defined = definitions(tree, &mut found);
    let (mut in_code, mut in_tests) = (Places::new(), Places::new());
    for file in tree.files.iter().filter(|file| cites(file)) {
        collect(file, &mut in_code, &mut in_tests);
    }
    for (id, (path, line)) in &defined {
        let missing = [("source file", &in_code), ("test", &in_tests)];
        for (kind, _) in missing.iter().filter(|(_, places)| !places.contains_key(id)) {
            found.push(Offense::new(path, *line, format!("{id} is cited in no {kind}")));
        }
    }
    for (id, (path, line)) in in_code.iter().chain(&in_tests).filter(|(id, _)| !defined.contains_key(id)) {
        found.push(Offense::new(path, *line, format!("{id} is not in specs/")));
    }
    found
}

fn definitions(tree: &Tree, found: &mut Vec<Offense>) -> Places {
    let mut defined = Places::new();
    for file in tree.files.iter().filter(|file| is_spec(&file.path)) {
        for (line, text) in file.text.lines().enumerate() {
            let Some(id) = text.strip_prefix("### ").and_then(|heading| id_at(heading, 0)) else {
                continue;
            };
            if let Some((path, first)) = defined.insert(id.0, (file.path.clone(), line + 1)) {
                found.push(Offense::new(&file.path, line + 1, format!("{} is also at {path}:{first}", id.0)));
            }
        }
    }
    defined
}

fn is_spec(path: &str) -> bool {
    path.strip_prefix("specs/").is_some_and(|name| name.ends_with(".md") && !name.contains('/'))
}

fn cites(file: &TextFile) -> bool {
    let judge = file.path.starts_with("specs/judge/") && file.path.ends_with(".py");
    judge || (file.is_rust() && !file.path.starts_with(OWN_FOLDER))
}

fn collect(file: &TextFile, in_code: &mut Places, in_tests: &mut Places) {
    let is_source = file.is_production() || file.path.ends_with(".py");
    for (line, text) in file.text.lines().enumerate() {
        let places = match (file.is_test_line(line), is_source) {
            (true, _) => &mut *in_tests,
            (false, true) => &mut *in_code,
            // Examples and benches neither implement a rule nor prove it.
            (false, false) => continue,
        };
        for id in ids(text) {
            places.entry(id).or_insert_with(|| (file.path.clone(), line + 1));
        }
    }
}

/// The ids on a line, with spans filled in.
fn ids(text: &str) -> Vec<Id> {
    let mut found: Vec<Id> = Vec::new();
    let mut previous_end = 0;
    let mut at = 0;
    while at < text.len() {
        let Some((id, end)) = id_at(text, at) else {
            at += 1;
            continue;
        };
        if let Some(first) = found.last().copied().filter(|_| &text[previous_end..at] == " to ") {
            let same_section = first.letter == id.letter && first.section == id.section;
            let between = if same_section { first.rule + 1..id.rule } else { 0..0 };
            found.extend(between.map(|rule| Id { rule, ..first }));
        }
        found.push(id);
        (at, previous_end) = (end, end);
    }
    found
}

/// The id that begins at this byte, and where it ends.
fn id_at(text: &str, at: usize) -> Option<(Id, usize)> {
    let bytes = text.as_bytes();
    let letter = *bytes.get(at).filter(|byte| LETTERS.contains(byte))?;
    let inside = at > 0 && (mask::is_word(bytes[at - 1]) || bytes[at - 1] == b'-');
    if inside || bytes.get(at + 1) != Some(&b'-') {
        return None;
    }
    let (section, point) = number(bytes, at + 2)?;
    if bytes.get(point) != Some(&b'.') {
        return None;
    }
    let (rule, end) = number(bytes, point + 1)?;
    let goes_on = bytes.get(end).is_some_and(|byte| mask::is_word(*byte));
    (!goes_on).then_some((Id { letter: char::from(letter), section, rule }, end))
}

fn number(bytes: &[u8], from: usize) -> Option<(u32, usize)> {
    let digits = bytes.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = std::str::from_utf8(&bytes[from..from + digits]).ok()?.parse().ok()?;
    Some((value, from + digits))
}

#[cfg(test)]
mod tests {
    use super::{check, ids};
    use crate::tidy::tree::Tree;

    const SPEC: &str = "# Rules\n### M-1.1 First\nText.\n### M-1.2 Second\n";
    const CODE: &str = "//! Does M-1.1 to M-1.2.\n";
    const TEST: &str = "//! Proves M-1.1 and M-1.2.\n";

    fn offenders(spec: &str, code: &str, test: &str) -> Vec<String> {
        let tree = Tree::of(&[("specs/a.md", spec), ("model/src/a.rs", code), ("model/tests/a.rs", test)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn cited_ids_pass() {
        assert!(offenders(SPEC, CODE, TEST).is_empty());
        let both = "//! M-1.1, M-1.2\n#[cfg(test)]\nmod tests {\n    // M-1.1, M-1.2\n}\n";
        assert!(offenders(SPEC, both, "").is_empty());
    }

    #[test]
    fn each_gap_is_found() {
        assert_eq!(offenders(SPEC, "// M-1.1", TEST), ["specs/a.md:4: M-1.2 is cited in no source file"]);
        assert_eq!(offenders(SPEC, CODE, "// M-1.2"), ["specs/a.md:2: M-1.1 is cited in no test"]);
        assert_eq!(offenders("", "// V-1.1", ""), ["model/src/a.rs:1: V-1.1 is not in specs/"]);
        let twice = format!("{SPEC}### M-1.1 Again\n");
        assert_eq!(offenders(&twice, CODE, TEST), ["specs/a.md:5: M-1.1 is also at specs/a.md:2"]);
    }

    #[test]
    fn the_judge_counts_as_source_and_its_test_as_test() {
        let tree = Tree::of(&[
            ("specs/a.md", "### L-2.10 Rule\n"),
            ("specs/judge/judge.py", "# L-2.10\n"),
            ("specs/judge/test_judge.py", "# L-2.10\n"),
        ]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn spans_are_filled_in() {
        let found: Vec<String> = ids("(V-7.2 to V-7.4; L-1.10.").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["V-7.2", "V-7.3", "V-7.4", "L-1.10"]);
        assert!(ids("AVX-512.1 M-1 X-1.1 M-1.x TM-1.1 M-1.2b").is_empty());
    }
}
