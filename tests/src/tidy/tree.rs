//! The project's text files, read once: from disk for the real checks, from memory for planted ones.

use std::{fs, io, path::Path};

use super::mask;

/// One text file; for Rust files also its code without comments and literals.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Path below the root, with forward slashes.
    pub path: String,
    /// The text as it is.
    pub text: String,
    /// For `*.rs` the text with comments and literals blanked; empty for other files.
    pub code: String,
    in_test: Vec<bool>,
}

impl TextFile {
    /// A file with this text, as if read from the path.
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { mask::code_only(text) } else { String::new() };
        let mut in_test = vec![is_test_path(path); text.lines().count()];
        for range in mask::test_lines(&code) {
            in_test.iter_mut().take(range.end() + 1).skip(*range.start()).for_each(|line| *line = true);
        }
        Self { path: path.to_owned(), text: text.to_owned(), code, in_test }
    }

    /// True for `*.rs`.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// True for Rust under a `src` folder that is not a test file.
    pub fn is_production(&self) -> bool {
        self.is_rust() && self.path.split('/').any(|part| part == "src") && !is_test_file(&self.path)
    }

    /// True where the line (from 0) belongs to a test file or to an item under `#[cfg(test)]`.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.in_test.get(line).copied().unwrap_or(false)
    }

    /// Number and text (comments and literals blanked) of each line that is not a test.
    pub fn production_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().filter(|(line, _)| !self.is_test_line(*line))
    }
}

/// All text files below one root.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The files, sorted by path.
    pub files: Vec<TextFile>,
}

impl Tree {
    /// A tree made of these (path, text) pairs.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| TextFile::new(path, text)).collect() }
    }

    /// Reads every text file below `root`, leaving out build outputs and hidden folders other than `.ci`.
    pub fn load(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// The file at this path.
    pub fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Production Rust files whose path begins with `prefix`.
    pub fn production(&self, prefix: &str) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(move |file| file.is_production() && file.path.starts_with(prefix))
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_skipped_folder(&name) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && is_text(&name) {
                let text = fs::read_to_string(entry.path())?;
                self.files.push(TextFile::new(&path, &text));
            }
        }
        Ok(())
    }
}

fn is_skipped_folder(name: &str) -> bool {
    matches!(name, "target" | "node_modules" | "shared") || (name.starts_with('.') && name != ".ci")
}

fn is_text(name: &str) -> bool {
    let endings = [".rs", ".md", ".py", ".toml", ".sh", ".lock", ".qnt"];
    matches!(name, "Makefile" | "run") || endings.iter().any(|ending| name.ends_with(ending))
}

/// The whole `tests` crate is test code; elsewhere a `tests` folder or file, or Python's `test_*.py`.
fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/") || is_test_file(path)
}

fn is_test_file(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    // The crate named `tests` has production-like code of its own under `tests/src`.
    let inner = folders.strip_prefix("tests/src").unwrap_or(folders);
    inner.split('/').any(|folder| folder == "tests")
        || name == "tests.rs"
        || (name.starts_with("test_") && name.ends_with(".py"))
}

#[cfg(test)]
mod tests {
    use super::{TextFile, Tree};

    #[test]
    fn a_file_knows_its_tests() {
        let file = TextFile::new("model/src/a.rs", "//! a\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n");
        let lines: Vec<usize> = file.production_lines().map(|(line, _)| line).collect();
        assert_eq!(lines, [0, 1]);
        assert!(file.is_production());
    }

    #[test]
    fn test_files_are_told_from_production() {
        let tree = Tree::of(&[
            ("model/src/op/tests.rs", "//! t\n"),
            ("model/tests/a.rs", "//! t\n"),
            ("tests/src/lab.rs", "//! t\n"),
            ("ledger/src/state.rs", "//! t\n"),
        ]);
        let names: Vec<&str> = tree.production("").map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["tests/src/lab.rs", "ledger/src/state.rs"]);
        assert!(tree.files[2].is_test_line(0));
        assert!(!tree.files[3].is_test_line(0));
    }
}
