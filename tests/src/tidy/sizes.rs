//! Sizes: short files and short functions, measured over production code so that tests may be long.

use super::{
    Offense, mask,
    tree::{TextFile, Tree},
};

/// Half of all files have at most this many lines.
const FILE_MEDIAN: usize = 150;
/// Nine in ten files have at most this many lines.
const FILE_NINE_IN_TEN: usize = 400;
/// No file has more lines.
const FILE_MAX: usize = 800;
/// Ninety-nine functions in a hundred have at most this many lines.
const FUNCTION_LINES: usize = 70;

/// A path and line, with the number of lines that begin there.
type Measure = (String, usize, usize);

/// The files and functions that make the tree miss one of the sizes above.
pub fn check(tree: &Tree) -> Vec<Offense> {
    let mut files: Vec<Measure> = tree.production("").map(measure_file).collect();
    let functions: Vec<Measure> = tree.production("").flat_map(measure_functions).collect();
    files.sort_by_key(|(_, _, lines)| *lines);

    let mut found = too_long(&files, FILE_MAX, "no file may be longer");
    found.extend(above_share(&files, FILE_NINE_IN_TEN, (1, 10), "nine in ten files must not be longer"));
    found.extend(above_share(&files, FILE_MEDIAN, (1, 2), "half of all files must not be longer"));
    found.extend(above_share(&functions, FUNCTION_LINES, (1, 100), "99 in 100 functions must not be longer"));
    found
}

fn too_long(measures: &[Measure], limit: usize, rule: &str) -> Vec<Offense> {
    measures
        .iter()
        .filter(|(_, _, lines)| *lines > limit)
        .map(|(path, line, lines)| Offense::new(path, *line, format!("{lines} lines; over {limit}: {rule}")))
        .collect()
}

/// All that are over the limit, if they are more than this share (numerator, denominator) of the whole.
fn above_share(measures: &[Measure], limit: usize, share: (usize, usize), rule: &str) -> Vec<Offense> {
    let over = too_long(measures, limit, rule);
    let allowed = measures.len() * share.0 / share.1;
    if over.len() > allowed { over } else { Vec::new() }
}

fn measure_file(file: &TextFile) -> Measure {
    (file.path.clone(), 1, file.production_lines().count())
}

/// Each function with a body, from its `fn` line to its closing brace; inner functions count for both.
fn measure_functions(file: &TextFile) -> Vec<Measure> {
    let code = file.code.as_bytes();
    let mut found = Vec::new();
    for (at, _) in file.code.match_indices("fn ") {
        let line = mask::line_at(&file.code, at);
        let inside_word = at > 0 && mask::is_word(code[at - 1]);
        if inside_word || file.is_test_line(line) {
            continue;
        }
        if let Some(open) = body_start(code, at) {
            let last = mask::line_at(&file.code, mask::closing_brace(code, open));
            found.push((file.path.clone(), line + 1, last - line + 1));
        }
    }
    found
}

/// The brace that opens the body, or `None` for a declaration that ends in `;`.
fn body_start(code: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{check, measure_functions};
    use crate::tidy::tree::{TextFile, Tree};

    fn file_of(lines: usize) -> String {
        "// line\n".repeat(lines)
    }

    fn rules(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|offense| offense.what).collect()
    }

    #[test]
    fn a_god_file_is_refused() {
        let (god, small) = (file_of(801), file_of(10));
        let mut files = vec![("ledger/src/god.rs", god.as_str())];
        files.extend([("ledger/src/a.rs", small.as_str()); 20]);
        assert_eq!(rules(&files), ["801 lines; over 800: no file may be longer"]);
    }

    #[test]
    fn a_heavy_half_is_refused() {
        let (large, small) = (file_of(151), file_of(10));
        let even = [("ledger/src/a.rs", large.as_str()), ("ledger/src/b.rs", small.as_str())];
        assert!(rules(&even).is_empty());
        assert_eq!(rules(&even[..1]).len(), 1);
    }

    #[test]
    fn one_in_ten_may_be_large() {
        let (large, small) = (file_of(401), file_of(10));
        let mut files = vec![("ledger/src/a.rs", large.as_str()); 2];
        files.extend([("ledger/src/b.rs", small.as_str()); 17]);
        assert_eq!(rules(&files).len(), 2);
        files.extend([("ledger/src/c.rs", small.as_str()); 1]);
        assert!(rules(&files).is_empty());
    }

    #[test]
    fn test_modules_do_not_count() {
        let text = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", file_of(900));
        assert!(rules(&[("ledger/src/a.rs", &text)]).is_empty());
    }

    #[test]
    fn a_long_function_is_refused() {
        let text = format!("fn a() {{\n{}}}\n", "    step();\n".repeat(70));
        assert_eq!(
            rules(&[("node/src/a.rs", &text)]),
            ["72 lines; over 70: 99 in 100 functions must not be longer"]
        );
    }

    #[test]
    fn functions_are_measured() {
        let text = "trait T {\n    fn a(&self, b: [u8; 4]);\n    fn c(\n        &self,\n    ) -> u8 {\n        1\n    }\n}\n";
        let lengths: Vec<usize> = measure_functions(&TextFile::new("model/src/a.rs", text))
            .iter()
            .map(|measure| measure.2)
            .collect();
        assert_eq!(lengths, [5]);
    }
}
