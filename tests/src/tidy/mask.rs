//! Blanks comments, literals and test items out of Rust text, keeping every line where it was.
//!
//! Checks on words (`HashMap`, `f32`) must not trip over prose or strings, and checks on production code must
//! not see tests. This is a scanner, not a parser: it knows comments, literals and matching braces, no more.

use std::ops::RangeInclusive;

/// The text with each comment and each string or character literal replaced by spaces.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match opaque_end(bytes, at) {
            Some(end) => {
                blank(&mut out[at..end]);
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Line numbers (from 0) of items under `#[cfg(test)]`, found in text that [`code_only`] made.
pub fn test_lines(code: &str) -> Vec<RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(") {
        let start = from + found;
        let close = code[start..].find(")]").map_or(code.len(), |length| start + length);
        let condition = &code[start + "#[cfg(".len()..close];
        from = close;
        if has_word(condition, "test") && !condition.contains("not(") {
            let end = item_end(code.as_bytes(), close);
            ranges.push(line_at(code, start)..=line_at(code, end));
            from = end;
        }
    }
    ranges
}

/// True where `word` stands in `line` with no identifier character on either side.
pub fn has_word(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let end = at + word.len();
        let open_left = at == 0 || !is_word(bytes[at - 1]) || !is_word(bytes[at]);
        let open_right = end == bytes.len() || !is_word(bytes[end]) || !is_word(bytes[end - 1]);
        open_left && open_right
    })
}

/// True for a byte that can stand in an identifier.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Index just past the `}` that closes the `{` at `open`, or the end of the text.
pub fn closing_brace(code: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Line number (from 0) of a byte position.
pub fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Where the item that follows an attribute ends: its first `;`, or the end of its first block.
fn item_end(code: &[u8], from: usize) -> usize {
    match (from..code.len()).find(|at| matches!(code[*at], b';' | b'{')) {
        Some(at) if code[at] == b'{' => closing_brace(code, at),
        Some(at) => at + 1,
        None => code.len(),
    }
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// End of the comment or literal that begins at `at`, or `None` if none begins there.
fn opaque_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some(find(bytes, at, b"\n").unwrap_or(bytes.len())),
        b'/' if rest.starts_with(b"/*") => Some(block_comment_end(bytes, at)),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || bytes[at - 1] == b'b' => raw_string_end(bytes, at),
        b'"' => Some(quoted_end(bytes, at, b'"')),
        b'\'' => char_end(bytes, at),
        _ => None,
    }
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| from + at)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    Some(find(bytes, open + 1, &close).map_or(bytes.len(), |end| end + close.len()))
}

fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A quote begins a character literal only if another closes it after one character; else it is a lifetime.
fn char_end(bytes: &[u8], at: usize) -> Option<usize> {
    let first = *bytes.get(at + 1)?;
    if first == b'\\' {
        return Some(quoted_end(bytes, at, b'\''));
    }
    let width = match first {
        0..=0x7F => 1,
        0x80..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    };
    (bytes.get(at + 1 + width) == Some(&b'\'')).then_some(at + 2 + width)
}

#[cfg(test)]
mod tests {
    use super::{code_only, has_word, test_lines};

    #[test]
    fn comments_and_literals_vanish_and_lines_stay() {
        let text =
            "let a = \"f32 \\\" {\"; // HashMap\nlet c = '{'; /* x /* y */ */ let l: &'a str = r#\"f64\"#;\n";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.lines().count(), 2);
        for gone in ["f32", "f64", "HashMap", "{", "x", "y"] {
            assert!(!code.contains(gone), "{gone} left in {code}");
        }
        assert!(code.contains("&'a str"));
    }

    #[test]
    fn test_items_are_found() {
        let code =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\n";
        assert_eq!(test_lines(code), [1..=4, 6..=7]);
        assert!(test_lines("#[cfg(not(test))]\nfn a() {}\n#[cfg(unix)]\nfn b() {}").is_empty());
    }

    #[test]
    fn words_have_edges() {
        assert!(has_word("x: f32,", "f32"));
        assert!(!has_word("from_f32(x)", "f32"));
        assert!(has_word("std::fs::read", "std::fs"));
        assert!(has_word("x.exp()", ".exp("));
    }
}
