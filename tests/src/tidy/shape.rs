//! The shape of a file: it says what it is, is reached, re-exports by name and leaves nothing unfinished.

use super::{
    Offense, mask,
    tree::{TextFile, Tree},
};

/// Macros that mark code as unfinished or left over from debugging.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];

/// Every Rust file that breaks one of the rules above.
pub fn check(tree: &Tree) -> Vec<Offense> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        found.extend(without_first_line(file));
        found.extend(unfinished(file));
        found.extend(glob_exports(file));
        found.extend(unreached(tree, file));
    }
    found
}

fn without_first_line(file: &TextFile) -> Option<Offense> {
    let says = file.text.lines().next().and_then(|line| line.strip_prefix("//! "));
    let empty = says.is_none_or(|sentence| sentence.trim().len() < 10);
    empty.then(|| Offense::new(&file.path, 1, "the first line must be `//!` and a sentence"))
}

fn unfinished(file: &TextFile) -> Vec<Offense> {
    let mut found = Vec::new();
    for (line, code) in file.code.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| mask::has_word(code, word)) {
            found.push(Offense::new(&file.path, line + 1, format!("`{word}` left in the code")));
        }
    }
    found
}

/// `pub use a::*` hides where a name comes from; so does `pub(crate) use`.
fn glob_exports(file: &TextFile) -> Vec<Offense> {
    let mut found = Vec::new();
    for (at, _) in file.code.match_indices("use ") {
        let line_start = file.code[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let before = file.code[line_start..at].trim();
        let is_export = before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        let statement = file.code[at..].split(';').next().unwrap_or_default();
        if is_export && statement.contains('*') {
            let line = mask::line_at(&file.code, at);
            found.push(Offense::new(&file.path, line + 1, "glob re-export: name what is exported"));
        }
    }
    found
}

/// A file that no `mod` line names is never compiled, and nobody notices when it goes stale.
fn unreached(tree: &Tree, file: &TextFile) -> Option<Offense> {
    let (folder, name) = file.path.rsplit_once('/')?;
    let stem = name.strip_suffix(".rs")?;
    let is_root = matches!(stem, "lib" | "main" | "build") || !folder.contains("/src");
    if is_root || folder.ends_with("/bin") {
        return None;
    }
    let (module, home) = match stem {
        "mod" => folder.rsplit_once('/').map(|(home, module)| (module, home))?,
        _ => (stem, folder),
    };
    let parents =
        [format!("{home}.rs"), format!("{home}/mod.rs"), format!("{home}/lib.rs"), format!("{home}/main.rs")];
    let declared = format!("mod {module}");
    let reached = parents.iter().filter_map(|parent| tree.file(parent)).any(|parent| {
        // A block (`mod tests { mod vectors; }`) is fine too: what counts is that somebody names the file.
        mask::has_word(&parent.code, &declared) || parent.text.contains(&format!("\"{module}.rs\""))
    });
    (!reached).then(|| Offense::new(&file.path, 0, format!("dead file: no parent says `{declared};`")))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    fn offenders(text: &str) -> Vec<String> {
        check(&Tree::of(&[("model/src/lib.rs", text)])).iter().map(|offense| offense.what.clone()).collect()
    }

    #[test]
    fn a_file_must_say_what_it_is() {
        assert_eq!(offenders("use a::b;\n").len(), 1);
        assert_eq!(offenders("//!\nuse a::b;\n").len(), 1);
        assert!(offenders("//! Says what it is.\nuse a::*;\n").is_empty());
    }

    #[test]
    fn glob_exports_are_found() {
        assert_eq!(offenders("//! Says what it is.\npub use a::*;\n").len(), 1);
        assert_eq!(offenders("//! Says what it is.\n    pub(crate) use a::{\n    b::*,\n};\n").len(), 1);
        assert!(offenders("//! Says what it is.\npub use a::{b, c};\nlet x = 2 * 3;\n").is_empty());
    }

    #[test]
    fn unfinished_code_is_found() {
        assert_eq!(offenders("//! Says what it is.\nfn a() { todo!() }\n").len(), 1);
        assert_eq!(offenders("//! Says what it is.\nfn a() { dbg!(1); unimplemented!() }\n").len(), 2);
        assert!(offenders("//! Says todo!() in prose.\n").is_empty());
    }

    #[test]
    fn dead_files_are_found() {
        let said = "//! Says what it is.\n";
        let tree = Tree::of(&[
            ("model/src/lib.rs", "//! Says what it is.\npub mod op;\nmod lost_and_found;\n"),
            ("model/src/op/mod.rs", "//! Says what it is.\nmod matmul;\n"),
            ("model/src/op/matmul.rs", said),
            ("model/src/op/lost.rs", said),
            ("model/src/lost.rs", said),
            ("model/tests/whole.rs", said),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|offense| offense.path).collect();
        assert_eq!(paths, ["model/src/op/lost.rs", "model/src/lost.rs"]);
    }
}
