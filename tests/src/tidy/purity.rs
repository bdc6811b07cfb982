//! Absences: words that the pure crates must not contain outside their tests.
//!
//! Clippy's lists say some of this too, but a lint can be allowed at the place it would catch; this cannot.

use super::{
    Offense, mask,
    tree::{TextFile, Tree},
};

const MODEL: &str = "model/src/";
const VERIFIER: &str = "verifier/src/";
const LEDGER: &str = "ledger/src/";
const SOFT: &str = "model/src/soft";

/// A row: where, which words, and why.
type Ban = (&'static [&'static str], &'static [&'static str], &'static str);

const BANS: &[Ban] = &[
    (
        &[MODEL, VERIFIER, LEDGER],
        &["std::net", "TcpStream", "UdpSocket", "std::fs", "fs::", "File::open", "std::env", "env::var"],
        "a pure crate has no network, disk or environment",
    ),
    (
        &[MODEL, VERIFIER, LEDGER],
        &["SystemTime", "Instant", "thread_rng", "getrandom", "OsRng", "tokio", "async fn"],
        "time and randomness are arguments in a pure crate",
    ),
    (
        &[MODEL, VERIFIER, LEDGER],
        &["HashMap", "HashSet", "RandomState"],
        "the order of a hash map differs between processes: use BTreeMap or a sorted Vec",
    ),
    (
        &[LEDGER],
        &["std::thread", "thread::spawn", "thread::scope", "Mutex", "RwLock", "unsafe"],
        "the ledger is one pure function: no threads, no locks, no unsafe code",
    ),
    (
        &[LEDGER, SOFT],
        &["f32", "f64", "as_secs_f32", "as_secs_f64", "from_secs_f32", "from_secs_f64"],
        "no floating-point type here: values travel as bits and are judged in integers",
    ),
];

/// Functions of the platform's mathematical library, refused as methods (`x.exp()`) and by type (`f32::exp`);
/// our own are free functions (`exp(x)`). Clippy's list names the same ones.
const TRANSCENDENTAL: &str = "exp exp2 exp_m1 ln ln_1p log log2 log10 powf powi cbrt hypot \
    sin cos tan sin_cos asin acos atan atan2 sinh cosh tanh asinh acosh atanh";

/// Where a float literal would mean floating-point code.
const WITHOUT_FLOAT_LITERALS: &[&str] = &[LEDGER, SOFT];

/// Every banned word and float literal in production code.
pub fn check(tree: &Tree) -> Vec<Offense> {
    let banned = BANS.iter().flat_map(|(folders, words, why)| {
        in_folders(tree, folders).flat_map(move |file| banned_words(file, words, why))
    });
    let platform = in_folders(tree, &[MODEL, VERIFIER]).flat_map(transcendental_calls);
    let literals = in_folders(tree, WITHOUT_FLOAT_LITERALS).flat_map(float_literals);
    banned.chain(platform).chain(literals).collect()
}

fn in_folders<'a>(tree: &'a Tree, folders: &'static [&'static str]) -> impl Iterator<Item = &'a TextFile> {
    folders.iter().flat_map(|folder| tree.production(folder))
}

fn banned_words(file: &TextFile, words: &[&str], why: &str) -> Vec<Offense> {
    let mut found = Vec::new();
    for (line, code) in file.production_lines() {
        for word in words.iter().filter(|word| mask::has_word(code, word)) {
            found.push(Offense::new(&file.path, line + 1, format!("`{word}`: {why}")));
        }
    }
    found
}

fn transcendental_calls(file: &TextFile) -> Vec<Offense> {
    let forms = |name: &str| [format!(".{name}("), format!("f32::{name}"), format!("f64::{name}")];
    let words: Vec<String> = TRANSCENDENTAL.split_whitespace().flat_map(forms).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    banned_words(file, &words, "it differs between machines: call our own sequence")
}

fn float_literals(file: &TextFile) -> Vec<Offense> {
    file.production_lines()
        .filter(|(_, code)| has_float_literal(code))
        .map(|(line, _)| Offense::new(&file.path, line + 1, "float literal"))
        .collect()
}

/// True for `1.0`, `1.`, `1e9` and `1f32`; false for `x.0.1`, `0..9`, `1.max(2)` and `0x1e5`.
fn has_float_literal(code: &str) -> bool {
    let bytes = code.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit() && (at == 0 || !mask::is_word(bytes[at - 1]));
        if !starts {
            at += 1;
            continue;
        }
        let end = (at..bytes.len()).find(|index| !mask::is_word(bytes[*index])).unwrap_or(bytes.len());
        let field = at > 0 && bytes[at - 1] == b'.' && (at < 2 || bytes[at - 2] != b'.');
        if !field && (has_exponent_or_suffix(&code[at..end]) || is_fraction(bytes, end)) {
            return true;
        }
        at = end;
    }
    false
}

fn has_exponent_or_suffix(number: &str) -> bool {
    if ["0x", "0b", "0o"].iter().any(|prefix| number.starts_with(prefix)) {
        return false;
    }
    let digits = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    matches!(digits.as_bytes().first(), Some(b'e' | b'E')) || digits == "f32" || digits == "f64"
}

/// A point after the digits begins a fraction unless a second point, a name or a method follows.
fn is_fraction(bytes: &[u8], end: usize) -> bool {
    bytes.get(end) == Some(&b'.')
        && bytes
            .get(end + 1)
            .is_none_or(|next| next.is_ascii_digit() || !(mask::is_word(*next) || *next == b'.'))
}

#[cfg(test)]
mod tests {
    use super::{check, has_float_literal};
    use crate::tidy::tree::Tree;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn each_planted_word_is_found() {
        assert_eq!(count("verifier/src/a.rs", "use std::collections::HashMap;\n"), 1);
        assert_eq!(count("model/src/a.rs", "let t = Instant::now();\n"), 1);
        assert_eq!(count("model/src/a.rs", "let y = x.exp() + f64::tanh(y);\n"), 2);
        assert_eq!(count("model/src/a.rs", "use std::{fs, io};\nlet y = fs::read(p);\n"), 1);
        assert_eq!(count("ledger/src/a.rs", "std::thread::spawn(|| {});\n"), 2);
        assert_eq!(count("ledger/src/a.rs", "fn rate(x: f32) {}\nlet y = 0.5;\n"), 2);
        assert_eq!(count("model/src/soft/add.rs", "let y = x as f64;\n"), 1);
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        assert_eq!(count("model/src/a.rs", "//! Never HashMap.\nlet y = exp(x); let s = \"Instant\";\n"), 0);
        assert_eq!(count("model/src/a.rs", "let y: f32 = 0.5;\n"), 0);
        assert_eq!(count("ledger/src/a.rs", "let bits = F32Bits(0);\nlet y = from_f32_bits(0);\n"), 0);
        assert_eq!(count("ledger/src/a.rs", "#[cfg(test)]\nmod tests {\n    const X: f32 = 0.5;\n}\n"), 0);
        assert_eq!(count("model/examples/a.rs", "let t = Instant::now();\n"), 0);
        assert_eq!(count("node/src/a.rs", "use std::collections::HashMap;\n"), 0);
    }

    #[test]
    fn float_literals_are_told_from_their_look_alikes() {
        for float in ["1.0", "x = 1.;", "1e9", "2E-3", "1f32", "1_000_f64", "a[0] * 0.5"] {
            assert!(has_float_literal(float), "{float}");
        }
        for other in ["x.0.1", "0..9", "0..=9", "1.max(2)", "0x1e5", "1u32", "a1.0", "x.0", "[0, 1]", "1_000"]
        {
            assert!(!has_float_literal(other), "{other}");
        }
    }
}
